// Servers over one PostgreSQL, which is tuned as a competent administrator would for a small database with many commits,
// and durable: each commit is synced.
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findFreePort } from '../test/harness/free-port.ts'
import { queryPostgres, startPostgres } from '../test/harness/postgres-server.ts'
import { composeSettings, launchPostrider } from './postrider-subject.ts'
import type { RunningSubject, Subject } from './subject.ts'

const tuning = ['shared_buffers = 512MB', 'max_wal_size = 4GB']

export function clusterSubject(nodes: number): Subject {
  return {
    name: `PostgreSQL, ${nodes} ${nodes === 1 ? 'server' : 'servers'}`,
    async start({ parentFolder, destination }) {
      const folder = await mkdtemp(join(parentFolder, 'cluster-'))
      // For root the database has another owner, who has to get through.
      await chmod(folder, 0o711)
      const databaseFolder = join(folder, 'database')
      await mkdir(databaseFolder)
      const database = await startPostgres({ dataFolder: databaseFolder, settings: tuning })
      const servers: RunningSubject[] = []
      const stop = async (): Promise<void> => {
        await Promise.all(servers.map(server => server.stop()))
        await database.stop()
        await rm(folder, { recursive: true, force: true })
      }
      try {
        const uri = await database.createDatabase('postrider')
        for (let node = 0; node < nodes; node++) {
          const own = join(folder, `server-${node + 1}`)
          await mkdir(own)
          const port = await findFreePort()
          await writeFile(join(own, 'postrider.toml'), composeSettings(port, destination, uri))
          servers.push(await launchPostrider(own, port))
        }
        const [first, ...others] = servers
        if (!first) throw new Error('no server was started')
        return {
          pid: first.pid,
          port: first.port,
          others: {
            databasePid: database.pid,
            nodePids: others.map(({ pid }) => pid),
            ports: others.map(({ port }) => port),
          },
          countQueue: () => countMessages(uri),
          stop,
        }
      } catch (cause) {
        await stop()
        throw cause
      }
    },
  }
}

async function countMessages(uri: string): Promise<number> {
  const [row] = await queryPostgres<{ messages: string }>(
    uri,
    'SELECT count(*) AS messages FROM queue_message',
  )
  return Number(row?.messages)
}
