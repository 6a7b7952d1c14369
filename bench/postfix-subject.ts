// Postfix, the Debian package, tuned as a competent administrator would for a busy relay, and durable: every message
// is synced before its 250, which no setting of Postfix turns off.
import { findFreePort } from '../test/harness/free-port.ts'
import { startPostfix } from '../test/harness/postfix.ts'
import type { Subject } from './subject.ts'

const tuning = {
  // One process a session: enough of them for 500 sessions, and for the deliveries beside.
  default_process_limit: '1200',
  // No limits that would hold the load back, so no anvil either.
  smtpd_client_connection_count_limit: '0',
  smtpd_client_connection_rate_limit: '0',
  // At high load ("stress") Postfix cuts its timeouts to 10 s and hangs up on errors; keep it calm.
  smtpd_timeout: '300s',
  smtpd_peername_lookup: 'no',
  disable_dns_lookups: 'yes',
  smtpd_relay_restrictions: 'permit_mynetworks, reject',
  smtpd_recipient_restrictions: 'permit_mynetworks, reject',
  // A second of waiting for each message when mail comes in faster than it goes out: not in a race.
  in_flow_delay: '0',
  message_size_limit: '104857600',
  smtp_tls_security_level: 'none',
  smtpd_tls_security_level: 'none',
  // One destination, near and fast: its full concurrency at once. On two cores 5, 10, 20, 50 and 100 differ by less than
  // two runs of one of them do.
  initial_destination_concurrency: '20',
  default_destination_concurrency_limit: '20',
  qmgr_message_active_limit: '100000',
}

export const postfixSubject: Subject = {
  name: 'Postfix',
  async start({ parentFolder, destination }) {
    const postfix = await startPostfix({
      hostname: 'postfix.example.test',
      address: '127.0.0.1',
      port: await findFreePort(),
      parentFolder,
      // An administrator keeps a log; Postrider writes its trail.
      log: true,
      settings:
        destination === 'hold'
          ? // Straight from cleanup into the hold queue: the queue manager never sees it. Nothing costs Postfix less.
            { ...tuning, smtpd_client_restrictions: 'check_client_access static:HOLD' }
          : { ...tuning, relayhost: `[127.0.0.1]:${destination.sinkPort}` },
    })
    const queues = destination === 'hold' ? ['hold'] : ['maildrop', 'incoming', 'active', 'deferred']
    return {
      pid: postfix.masterPid,
      port: postfix.port,
      async countQueue() {
        const counts = await Promise.all(queues.map(queue => postfix.countQueue(queue)))
        return counts.reduce((sum, count) => sum + count, 0)
      },
      stop: () => postfix.stop(),
    }
  },
}
