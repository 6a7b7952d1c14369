// Postrider, as it stands in this checkout: `postrider serve` with a settings file of its own.
import { spawn } from 'node:child_process'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { endTree } from '../test/harness/end-tree.ts'
import { findFreePort } from '../test/harness/free-port.ts'
import { waitForGreeting } from './load.ts'
import type { RunningSubject, Subject } from './subject.ts'

const command = join(import.meta.dirname, '..', 'bin', 'postrider.js')

/** Settings for a server on one port. Only what stops strangers is raised: limits per address and per session. */
export function composeSettings(port: number, destination: 'hold' | { readonly sinkPort: number }): string {
  return [
    'hostname = "postrider.example.test"',
    'dataFolder = "data"',
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
    ...(destination === 'hold'
      ? ['[queue]', 'hold = true']
      : [
          '[delivery.smartHost]',
          'host = "127.0.0.1"',
          `port = ${destination.sinkPort}`,
          'tls = "never"',
          'verifyCertificate = false',
        ]),
    '',
  ].join('\n')
}

export const postriderSubject: Subject = {
  name: 'Postrider',
  async start({ parentFolder, destination }) {
    const folder = await mkdtemp(join(parentFolder, 'postrider-'))
    const port = await findFreePort()
    await writeFile(join(folder, 'postrider.toml'), composeSettings(port, destination))
    return startPostrider(folder, port)
  },
}

/** Starts the server over a folder that holds its settings file and perhaps its data. `stop` removes the folder. */
export async function startPostrider(folder: string, port: number): Promise<RunningSubject> {
  const log = await open(join(folder, 'log'), 'a')
  const child = spawn(process.execPath, [command, 'serve', '--settings', join(folder, 'postrider.toml')], {
    stdio: ['ignore', log.fd, log.fd],
  })
  await waitForGreeting(port, child)
  const { pid } = child
  if (pid === undefined) throw new Error('the server has no process')
  return {
    pid,
    port,
    countQueue: () => Promise.resolve(countMessages(join(folder, 'data'))),
    async stop() {
      await endTree(pid)
      await log.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function countMessages(dataFolder: string): number {
  const database = new DatabaseSync(join(dataFolder, 'postrider.db'), { readOnly: true })
  try {
    return Number(database.prepare('SELECT count(*) AS messages FROM queue_message').get()?.messages)
  } finally {
    database.close()
  }
}
