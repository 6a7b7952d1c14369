// An IMAP server for one test, over the house of the transcripts.
import { createImapServer } from '../../src/imap/server/create-imap-server.ts'
import type { ImapServer, ImapServerOptions } from '../../src/imap/server/options.ts'
import { ImapClient } from '../harness/imap-client.ts'
import { createHouse, type House, type HouseOptions } from './house.ts'

export interface Started {
  readonly server: ImapServer
  readonly house: House
  readonly port: number
  /** Greeted, and logged in where that is asked for. */
  readonly connect: (until?: 'greeted' | 'logged-in') => Promise<ImapClient>
}

export async function startServer(
  options: Partial<ImapServerOptions> = {},
  houseOptions: HouseOptions = {},
): Promise<Started> {
  const house = createHouse(houseOptions)
  const server = createImapServer({
    hostname: 'mail.example.test',
    listeners: [{ role: 'imap', address: '127.0.0.1', port: 0 }],
    services: house.services,
    allowPlaintextAuthOnLoopback: true,
    ...options,
  })
  const [listener] = await server.listen()
  const port = listener?.port ?? 0
  return {
    server,
    house,
    port,
    async connect(until = 'logged-in') {
      const client = await ImapClient.open(port)
      await client.line()
      if (until === 'logged-in') await client.command('a0 LOGIN anna@example.test secret')
      return client
    },
  }
}
