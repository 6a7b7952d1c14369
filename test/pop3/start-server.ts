// A POP3 server for one test, over the house of the transcripts.
import type { TestContext } from 'node:test'
import { createPop3Server } from '../../src/pop3/server/create-pop3-server.ts'
import type { Pop3Server, Pop3ServerOptions } from '../../src/pop3/server/options.ts'
import type { Log } from '../../src/runtime/log.ts'
import { Pop3Client } from '../harness/pop3-client.ts'
import { createHouse, type House, type HouseOptions } from './house.ts'

export interface Started {
  readonly server: Pop3Server
  readonly house: House
  readonly port: number
  /** What the log has of faults and notes. */
  readonly logged: readonly string[]
  /** Greeted, and logged in as anna where that is asked for. */
  readonly connect: (until?: 'greeted' | 'logged-in') => Promise<Pop3Client>
}

export async function startServer(
  t: TestContext,
  options: Partial<Pop3ServerOptions> = {},
  houseOptions: HouseOptions = {},
): Promise<Started> {
  const house = createHouse(houseOptions)
  const logged: string[] = []
  const log: Log = {
    isDebugEnabled: false,
    debug() {},
    info: message => void logged.push(message),
    warn: message => void logged.push(message),
    error: (message, _fields, cause) => void logged.push(`${message}: ${String(cause)}`),
  }
  const server = createPop3Server({
    hostname: 'mail.example.test',
    listeners: [{ role: 'pop3', address: '127.0.0.1', port: 0 }],
    allowPlaintextAuthOnLoopback: true,
    log,
    ...options,
    services: { ...house.services, ...options.services },
  })
  const [listener] = await server.listen()
  const port = listener?.port ?? 0
  const clients: Pop3Client[] = []
  t.after(async () => {
    for (const client of clients) client.destroy()
    await server.close()
  })
  return {
    server,
    house,
    port,
    logged,
    async connect(until = 'logged-in') {
      const client = await Pop3Client.open(port)
      clients.push(client)
      await client.line()
      if (until === 'logged-in') await client.logIn('anna@example.test', 'secret word')
      return client
    },
  }
}
