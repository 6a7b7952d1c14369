// What a negative outcome means for whoever decides when, and how fast, to send next: one word of few.
import type { ReportCause } from '../../bounce/report.ts'
import type { Reply } from '../../smtp/reply.ts'
import type { DeliveryStage, Diagnosis } from '../outcome.ts'
import { findKnownReply } from './known-reply.ts'

/**
 * Four of them change when mail is sent: 'rate-limited' and 'reputation-block' that of the whole destination
 * (destination-health.ts), 'greylisted' and 'mailbox-full' that of the recipient (plan-settlement.ts). With the others the
 * recipient goes by its code: it fails on a 5xx, and comes again on the usual schedule on a 4xx.
 */
export type DeliveryClass =
  /**
   * Too much, too fast, in that server's eyes. Fewer connections go there, and none for a while; more again when it takes
   * mail. Whoever is to go there waits for that.
   */
  | 'rate-limited'
  /** Who is new there is sent away once: tried again after some minutes, not at once and not after hours. */
  | 'greylisted'
  /**
   * Our server, its address or its name is not wanted there, whatever it sends. Nothing is sent there for a while, longer
   * each time, and the log tells the administrator: more attempts make it worse, and on a 5xx each would fail.
   */
  | 'reputation-block'
  /**
   * The domain of the sender, or one that the message names, is on a list or has a bad name there. Mail of others is not
   * concerned.
   */
  | 'domain-block'
  /** This recipient gets too much at the moment, whoever sends it. */
  | 'mailbox-busy'
  /** Retried rarely, because somebody has to make room. */
  | 'mailbox-full'
  /** The address does not exist, or takes no mail any longer. */
  | 'unknown-user'
  /** A rule of the receiver about who may send what to whom; it may be about this sender or this recipient only. */
  | 'policy'
  /** This message is not taken; another one to the same recipient may be: spam, virus, size, form. */
  | 'content'
  /** SPF, DKIM or DMARC did not pass: a matter of the sending domain, until its DNS records are corrected. */
  | 'authentication'
  /** No encryption as one side demands it. */
  | 'tls'
  /** Not now, for reasons of its own or of the network between. */
  | 'temporary'
  /** For good, for reasons that have nothing to do with us or the address's spelling: no such domain, null MX, a loop. */
  | 'permanent'
  /** Refused for good in words that nobody here knows: nothing can be concluded. */
  | 'unknown'

/** It says something of all mail that goes there: nothing more is sent for a while. */
export function closesDestination(deliveryClass: DeliveryClass): boolean {
  return deliveryClass === 'rate-limited' || deliveryClass === 'reputation-block'
}

/** Of what became of one recipient, with or without a reply. */
export function classOf({
  stage,
  cause,
  remoteMta,
  reply,
}: Pick<Diagnosis, 'stage' | 'cause' | 'remoteMta' | 'reply'>): DeliveryClass {
  // A matter between our administrator and the one of the server through which all our mail leaves.
  if (cause === 'smart-host') return 'temporary'
  if (reply) return classOfReply(remoteMta, reply, stage, cause)
  // Without a reply only what is looked up in DNS, or found out here, is for good.
  return classesWithoutReply[cause] ?? classes[cause]
}

function classOfReply(
  host: string | undefined,
  reply: Reply,
  stage: DeliveryStage,
  cause: ReportCause,
): DeliveryClass {
  const known = findKnownReply(host, reply, stage)
  if (known) return known.class
  if (cause === 'other') return reply.code >= 500 ? 'unknown' : 'temporary'
  return classes[cause]
}

const classes: Readonly<Record<ReportCause, DeliveryClass>> = {
  'unknown-user': 'unknown-user',
  'unknown-domain': 'permanent',
  'null-mx': 'permanent',
  'known-dead': 'permanent',
  'not-wanted': 'permanent',
  'recipient-rule': 'permanent',
  'mailbox-full': 'mailbox-full',
  'message-too-large': 'content',
  policy: 'policy',
  blocklist: 'reputation-block',
  'sender-domain-listed': 'domain-block',
  'link-listed': 'domain-block',
  authentication: 'authentication',
  'sender-refused': 'policy',
  'login-required': 'policy',
  'server-name': 'reputation-block',
  rate: 'rate-limited',
  greylisted: 'greylisted',
  spam: 'content',
  content: 'content',
  'no-answer': 'temporary',
  unconfirmed: 'temporary',
  'refused-connection': 'temporary',
  'dns-failure': 'temporary',
  'tls-failure': 'tls',
  'tls-required': 'tls',
  'tls-certificate': 'tls',
  'tlsa-bogus': 'tls',
  'sts-mismatch': 'tls',
  requiretls: 'tls',
  loop: 'permanent',
  'own-mx': 'permanent',
  'broken-mx': 'permanent',
  'no-ipv6': 'permanent',
  'no-source': 'temporary',
  'smart-host': 'temporary',
  'extension-missing': 'content',
  'signed-content': 'content',
  'utf8-address': 'content',
  'not-fetched': 'temporary',
  'relay-dns': 'temporary',
  'unknown-host': 'temporary',
  'too-late': 'permanent',
  'no-deliver-by': 'permanent',
  'own-limit': 'temporary',
  'server-busy': 'temporary',
  'local-error': 'temporary',
  other: 'unknown',
}

/** A server that demands a login and offers none, and one that speaks no SMTP, may do better next time. */
const classesWithoutReply: Partial<Readonly<Record<ReportCause, DeliveryClass>>> = {
  'login-required': 'temporary',
  other: 'temporary',
}
