// The POP3 server of a front, with the maildrops of this system behind it.
import { openMaildrop } from '../mail-access/maildrop.ts'
import { MaildropLeases } from '../mail-access/maildrop-leases.ts'
import { createPop3Server } from '../pop3/server/create-pop3-server.ts'
import type { ListenerOptions, Pop3Server } from '../pop3/server/options.ts'
import { systemRandom } from '../runtime/random.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import { logInServicesOf } from './compose-log-ins.ts'
import { createLogInTrail } from './log-in-trail.ts'
import { peerFactsOf } from './peer-facts.ts'
import { type ComposedServer, connectionLimitsOf, type ServerParts, serverOptionsOf } from './server-parts.ts'

export interface Pop3Parts extends ServerParts<ListenerOptions> {
  readonly mailData: MailDataStore
}

const minuteMs = 60_000

export function composePop3(parts: Pop3Parts): ComposedServer<Pop3Server> {
  const { settings, storage, mailData, clock, log } = parts
  const leases = new MaildropLeases({ storage, clock, random: systemRandom, log })
  const told = createLogInTrail(parts)
  const server = createPop3Server({
    ...serverOptionsOf(parts),
    services: {
      ...logInServicesOf(parts.logins),
      openMaildrop: (_client, { id }) => openMaildrop({ storage, mailData, clock, leases }, id),
      loginRefused: (client, refused) => told.noteRefused(peerFactsOf(client), refused),
      turnedAway: ({ role, remoteAddress, response, problem }) =>
        told.noteTurnedAway({ role, remoteAddress, problem: response?.text?.en ?? problem }),
    },
    limits: {
      ...connectionLimitsOf(settings.pop3, settings),
      idleTimeoutMs: settings.pop3.idleTimeoutMinutes * minuteMs,
    },
  })
  return {
    server,
    async close(graceMs) {
      await server.close(graceMs)
      await leases.close()
      told.tellRest()
    },
  }
}
