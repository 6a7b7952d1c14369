// POP3 over real storage: a server as a front thread has one, with leases of its own.
import type { TestContext } from 'node:test'
import { openMaildrop } from '../../src/mail-access/maildrop.ts'
import { MaildropLeases } from '../../src/mail-access/maildrop-leases.ts'
import { createPop3Server } from '../../src/pop3/server/create-pop3-server.ts'
import type { Pop3ServerOptions } from '../../src/pop3/server/options.ts'
import { type Clock, systemClock } from '../../src/runtime/clock.ts'
import { type Log, silentLog } from '../../src/runtime/log.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { Pop3Client } from '../harness/pop3-client.ts'
import type { TestMailboxes } from '../mailbox/open-mailboxes.ts'

export const names = ['anna@example.test', 'boris@example.test']
export const password = 'secret'

export interface MaildropServer {
  readonly port: number
  /** Greeted; it goes away with the test. */
  readonly connect: () => Promise<Pop3Client>
  readonly close: () => Promise<void>
}

/** The accounts are 1 and 2. */
export async function serveMaildrops(
  t: TestContext,
  { storage, mailData, beforeClose }: TestMailboxes,
  options: Partial<Pop3ServerOptions> & { readonly clock?: Clock; readonly log?: Log } = {},
): Promise<MaildropServer> {
  const { clock = systemClock, log = silentLog } = options
  const leases = new MaildropLeases({ storage, clock, random: systemRandom, log })
  const server = createPop3Server({
    hostname: 'mail.example.test',
    listeners: [{ role: 'pop3', address: '127.0.0.1', port: 0 }],
    services: {
      async authenticate(_client, name, given) {
        const id = names.indexOf(name) + 1
        return id > 0 && given === password ? { id, address: name } : undefined
      },
      openMaildrop: (_client, { id }) => openMaildrop({ storage, mailData, clock, leases }, id),
    },
    allowPlaintextAuthOnLoopback: true,
    ...options,
  })
  const [listener] = await server.listen()
  const port = listener?.port ?? 0
  const close = async (): Promise<void> => {
    await server.close()
    await leases.close()
  }
  beforeClose(close)
  return {
    port,
    close,
    async connect() {
      const client = await Pop3Client.open(port)
      t.after(() => client.destroy())
      await client.line()
      return client
    },
  }
}
