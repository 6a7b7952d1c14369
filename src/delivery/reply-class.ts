// What a negative outcome means for whoever decides when, and how fast, to send next: one word of few.
import type { ReportCause } from '../bounce/report.ts'
import type { Reply } from '../smtp/reply.ts'
import { isGreylisting } from './classify-reply.ts'
import { findKnownReply } from './known-reply.ts'
import type { DeliveryStage, Diagnosis } from './outcome.ts'

export type DeliveryClass =
  /**
   * Too much, too fast, in that server's eyes. Recipient: nothing is wrong, it comes later. Destination: fewer
   * connections and messages, and the next attempt on the destination's own schedule; faster again when it takes mail.
   */
  | 'rate-limited'
  /**
   * Who is new there is sent away once. Recipient: tried again after some minutes, not at once and not after hours.
   * Destination: others there meet the same, so nothing is to be slowed down; what has passed once passes again.
   */
  | 'greylisted'
  /**
   * Our server, its address, name or domain is not wanted there, whatever it sends. Recipient: waits (or, on a 5xx,
   * has failed). Destination: to be suspended, with an alert: an administrator has to act, and more attempts make it worse.
   */
  | 'reputation-block'
  /** This recipient gets too much at the moment, whoever sends it. Recipient: later. Destination: nothing. */
  | 'mailbox-busy'
  /** Recipient: retried rarely, because people have to make room. Destination: nothing. */
  | 'mailbox-full'
  /** The address does not exist, or takes no mail any longer. Recipient: fails now. Destination: nothing; many are a sign of an old list. */
  | 'unknown-user'
  /**
   * A rule of the receiver about who may send what to whom. Recipient: fails on a 5xx. Destination: nothing, the rule may
   * be about this sender or this recipient only.
   */
  | 'policy'
  /** This message is not taken; another one to the same recipient may be: spam, virus, size, form. Destination: nothing. */
  | 'content'
  /**
   * SPF, DKIM or DMARC did not pass. Recipient: as the code says. Destination: mail of the same sending domain meets the
   * same there, until its DNS records are corrected; that of other domains does not.
   */
  | 'authentication'
  /** No encryption as one side demands it. Recipient: waits for the queue lifetime. Destination: the host, not its mail, is to be looked at. */
  | 'tls'
  /** Not now, for reasons of its own or of the network between. Recipient: the usual schedule. Destination: nothing, but for a host that does not answer. */
  | 'temporary'
  /** Never, for reasons that have nothing to do with us or the address's spelling: no such domain, null MX, a loop. Recipient: fails now. */
  | 'permanent'
  /** Refused for good in words that nobody here knows. Recipient: as the code says. Destination: nothing can be concluded. */
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
  if (cause === 'rate' && isGreylisting(reply)) return 'greylisted'
  if (cause === 'other') return reply.code >= 500 ? 'unknown' : 'temporary'
  return classes[cause]
}

const classes: Readonly<Record<ReportCause, DeliveryClass>> = {
  'unknown-user': 'unknown-user',
  'unknown-domain': 'permanent',
  'null-mx': 'permanent',
  'mailbox-full': 'mailbox-full',
  'message-too-large': 'content',
  policy: 'policy',
  blocklist: 'reputation-block',
  authentication: 'authentication',
  'sender-refused': 'policy',
  'login-required': 'policy',
  'server-name': 'reputation-block',
  rate: 'rate-limited',
  spam: 'content',
  content: 'content',
  'no-answer': 'temporary',
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
  'no-ipv6': 'permanent',
  'no-source': 'temporary',
  'smart-host': 'temporary',
  'extension-missing': 'content',
  'not-fetched': 'temporary',
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
