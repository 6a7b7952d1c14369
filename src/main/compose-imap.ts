// The IMAP server of a front, with the mailboxes of this system behind it.
import { usualQuotaOf } from '../config/settings.ts'
import { createImapServer } from '../imap/server/create-imap-server.ts'
import type { ImapServer, ListenerOptions } from '../imap/server/options.ts'
import type { SessionServices } from '../imap/server/services.ts'
import { AccountMailboxes } from '../mail-access/account-mailboxes.ts'
import { explainFault } from '../mail-access/explain-fault.ts'
import { createMailboxChanges } from '../mail-access/mailbox-changes.ts'
import type { AccessParts } from '../mail-access/parts.ts'
import { OneByOne } from '../runtime/one-by-one.ts'
import { systemRandom } from '../runtime/random.ts'
import { logInServicesOf } from './compose-log-ins.ts'
import { createLogInTrail } from './log-in-trail.ts'
import { peerFactsOf } from './peer-facts.ts'
import { type ComposedServer, connectionLimitsOf, type ServerParts, serverOptionsOf } from './server-parts.ts'

export interface ImapParts
  extends ServerParts<ListenerOptions>,
    Pick<AccessParts, 'mailData' | 'nextQueueId'> {}

const minuteMs = 60_000

export function composeImap(parts: ImapParts): ComposedServer<ImapServer> {
  const { settings, storage, mailData, nextQueueId, clock } = parts
  const { limits, imap } = settings
  const access: AccessParts = {
    hostname: settings.hostname,
    storage,
    mailData,
    clock,
    random: systemRandom,
    changes: createMailboxChanges(storage),
    nextQueueId,
    usualQuota: usualQuotaOf(settings.mailboxes),
    sorting: new OneByOne(),
  }
  const { tellRest, ...services } = createImapServices(parts, access)
  const server = createImapServer({
    ...serverOptionsOf(parts),
    services,
    limits: {
      ...connectionLimitsOf(imap, settings),
      maxMessageBytes: limits.maxMessageBytes,
      idleTimeoutMs: imap.idleTimeoutMinutes * minuteMs,
    },
  })
  return {
    server,
    async close(graceMs) {
      await server.close(graceMs)
      tellRest()
    },
  }
}

function createImapServices(
  parts: Pick<ImapParts, 'logins' | 'trail' | 'clock'>,
  access: AccessParts,
): SessionServices & { readonly tellRest: () => void } {
  const told = createLogInTrail(parts)
  return {
    ...logInServicesOf(parts.logins),
    openMailboxes: (_client, { id }) => new AccountMailboxes(access, id),
    explainFault,
    loginRefused: (client, refused) => told.noteRefused(peerFactsOf(client), refused),
    turnedAway: ({ role, remoteAddress, response, problem }) =>
      told.noteTurnedAway({ role, remoteAddress, problem: response?.text ?? problem }),
    tellRest: () => told.tellRest(),
  }
}
