// A front: the servers that talk to the world, each of its protocol, with the services of this system behind them.
import {
  isImap,
  isManageSieve,
  isPop3,
  isSmtp,
  type ServedListener,
  type ServedOptions,
} from '../config/listener-roles.ts'
import type { Settings } from '../config/settings.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { Hooks } from '../hooks/hooks.ts'
import type { OpenTerminals } from '../policy/check-forward-path.ts'
import type { LoginTables } from '../policy/login-limiter.ts'
import type { StrangerTables } from '../policy/stranger-limits.ts'
import { createQueueIdMaker } from '../queue/queue-id.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import type { CertificateStore } from '../tls/certificate-store.ts'
import { composeImap } from './compose-imap.ts'
import { composeLogIns } from './compose-log-ins.ts'
import { composeManageSieve } from './compose-manage-sieve.ts'
import { composePop3 } from './compose-pop3.ts'
import { composeSmtp } from './compose-smtp.ts'
import type { MailFetcher } from './mail-fetcher.ts'
import type { CountsOf } from './shared-connection-counts.ts'
import { TrailWriter } from './trail-writer.ts'

export interface FrontParts {
  readonly settings: Settings
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly certificates: CertificateStore
  readonly terminals: OpenTerminals
  readonly listeners: readonly ServedOptions[]
  /** For the checks of strangers' mail. */
  readonly resolver: Resolver
  /** The hook file; has been started. */
  readonly hooks?: Hooks | undefined
  /** What the fronts of a server share; default: one of its own. */
  readonly connectionCounts?: CountsOf | undefined
  readonly loginTables?: LoginTables | undefined
  readonly strangerTables?: StrangerTables | undefined
  readonly clock: Clock
  readonly log: Log
  /** Sets the queue ids of this front apart from those of others: 0 … 255. */
  readonly idSpace: number
}

export interface Front {
  /** In the order of the options. Rejects with the system's error (EADDRINUSE, EACCES …) of the first that cannot be opened. */
  listen(): Promise<readonly ServedListener[]>
  /** Has yet to be started, in one of the fronts. */
  readonly fetcher: MailFetcher
  /** Ends the sessions, then writes what the trail still has to say. */
  close(graceMs: number): Promise<void>
}

export function composeFront(parts: FrontParts): Front {
  const { settings, storage, listeners, connectionCounts, loginTables, clock, log, idSpace } = parts
  const trail = new TrailWriter(storage, log)
  const logIns = composeLogIns({ settings, storage, tables: loginTables, clock, log })
  const shared = { ...parts, trail, nextQueueId: createQueueIdMaker(clock, idSpace) }
  const smtpLogins = logIns.create('smtp')
  const smtp = composeSmtp({
    ...shared,
    listeners: listeners.filter(isSmtp),
    connectionCounts: connectionCounts?.('smtp'),
    logins: smtpLogins,
    outside: logIns.outside,
  })
  const imapLogins = logIns.create('imap')
  const imap = composeImap({
    ...shared,
    listeners: listeners.filter(isImap),
    connectionCounts: connectionCounts?.('imap'),
    logins: imapLogins,
  })
  const pop3Logins = logIns.create('pop3')
  const pop3 = composePop3({
    ...shared,
    listeners: listeners.filter(isPop3),
    connectionCounts: connectionCounts?.('pop3'),
    logins: pop3Logins,
  })
  const sieveLogins = logIns.create('sieve')
  const sieve = composeManageSieve({
    ...shared,
    listeners: listeners.filter(isManageSieve),
    connectionCounts: connectionCounts?.('sieve'),
    logins: sieveLogins,
  })
  return {
    fetcher: smtp.fetcher,
    async listen() {
      const bySmtp: ServedListener[] = [...(await smtp.server.listen())]
      const byImap: ServedListener[] = [...(await imap.server.listen())]
      const byPop3: ServedListener[] = [...(await pop3.server.listen())]
      const bySieve: ServedListener[] = [...(await sieve.server.listen())]
      const boundOf = (listener: ServedOptions): ServedListener[] => {
        if (isManageSieve(listener)) return bySieve
        return isSmtp(listener) ? bySmtp : isImap(listener) ? byImap : byPop3
      }
      return listeners.flatMap(listener => boundOf(listener).shift() ?? [])
    },
    async close(graceMs) {
      await Promise.all([smtp.close(graceMs), imap.close(graceMs), pop3.close(graceMs), sieve.close(graceMs)])
      await Promise.all([
        smtpLogins.settled(),
        imapLogins.settled(),
        pop3Logins.settled(),
        sieveLogins.settled(),
      ])
      // What was handed over is written down before the storage closes.
      await trail.flush()
    },
  }
}
