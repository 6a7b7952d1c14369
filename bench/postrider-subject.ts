// Postrider, as it stands in this checkout: `postrider serve` with a settings file of its own.
import { spawn } from 'node:child_process'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { databaseFileName } from '../src/storage/sqlite-connection.ts'
import { endTree } from '../test/harness/end-tree.ts'
import { findFreePort } from '../test/harness/free-port.ts'
import { waitForGreeting } from './load.ts'
import type { RunningSubject, Subject } from './subject.ts'

const command = join(import.meta.dirname, '..', 'bin', 'postrider.js')

/** Mail goes to the mail hosts that the DNS names. */
export interface MailHosts {
  readonly mailHostPort: number
  readonly dnsServer: string
}

/** Settings for a server on one port. Only what stops strangers is raised: limits per address and per session. */
export function composeSettings(
  port: number,
  destination: 'hold' | { readonly sinkPort: number } | MailHosts,
  storage = 'sqlite',
): string {
  return [
    'hostname = "postrider.example.test"',
    'dataFolder = "data"',
    `storage = "${storage}"`,
    'localNetworks = ["127.0.0.0/8"]',
    '[[listeners]]',
    'role = "relay"',
    'address = "127.0.0.1"',
    `port = ${port}`,
    '[limits]',
    'maxMessageBytes = 104857600',
    'maxConnections = 20000',
    'maxConnectionsPerAddress = 20000',
    'maxTransactionsPerSession = 1000000',
    ...composeDestination(destination),
    '',
  ].join('\n')
}

function composeDestination(destination: Parameters<typeof composeSettings>[1]): string[] {
  if (destination === 'hold') return ['[queue]', 'hold = true']
  if ('mailHostPort' in destination) {
    const { mailHostPort, dnsServer } = destination
    return ['[delivery]', `port = ${mailHostPort}`, `dnsServers = ["${dnsServer}"]`]
  }
  return [
    '[delivery.smartHost]',
    'host = "127.0.0.1"',
    `port = ${destination.sinkPort}`,
    'tls = "never"',
    'verifyCertificate = false',
  ]
}

export const postriderSubject: Subject = {
  name: 'Postrider',
  async start({ parentFolder, destination }) {
    const folder = await mkdtemp(join(parentFolder, 'postrider-'))
    const port = await findFreePort()
    await writeFile(join(folder, 'postrider.toml'), composeSettings(port, destination))
    const server = await launchPostrider(folder, port)
    return {
      ...server,
      async stop() {
        await server.stop()
        await rm(folder, { recursive: true, force: true })
      },
    }
  },
}

/** Starts the server over a folder that holds its settings file and perhaps its data. */
export async function launchPostrider(folder: string, port: number): Promise<RunningSubject> {
  const log = await open(join(folder, 'log'), 'a')
  const child = spawn(process.execPath, [command, 'serve', '--settings', join(folder, 'postrider.toml')], {
    stdio: ['ignore', log.fd, log.fd],
  })
  const { pid } = child
  if (pid === undefined) throw new Error('the server has no process')
  try {
    await waitForGreeting(port, child)
  } catch (cause) {
    throw new Error(`Postrider does not greet: ${await readFile(join(folder, 'log'), 'utf8')}`, { cause })
  }
  return {
    pid,
    port,
    countQueue: () => Promise.resolve(countMessages(folder)),
    async stop() {
      await endTree(pid, 20_000)
      await log.close()
    },
  }
}

export function databasePath(folder: string): string {
  return join(folder, 'data', databaseFileName)
}

function countMessages(folder: string): number {
  const database = new DatabaseSync(databasePath(folder), { readOnly: true })
  try {
    return Number(database.prepare('SELECT count(*) AS messages FROM queue_message').get()?.messages)
  } finally {
    database.close()
  }
}
