// Why a remote server said no, from its reply: first what RFC 3463 and the registry say of the enhanced code, then words
// that the large systems use, then the plain code. What none of them tells stays 'other'.
import type { ReportCause } from '../bounce/report.ts'
import type { Reply } from '../smtp/reply.ts'
import type { DeliveryStage } from './outcome.ts'

/** Subject and detail of an enhanced code ('5.1.1' → '1.1') that say enough by themselves. */
const causesByDetail: Readonly<Record<string, ReportCause>> = {
  '1.1': 'unknown-user',
  '1.2': 'unknown-domain',
  '1.3': 'unknown-user',
  '1.6': 'unknown-user',
  '1.10': 'null-mx',
  '2.1': 'unknown-user',
  '2.2': 'mailbox-full',
  '2.3': 'message-too-large',
  '3.1': 'mailbox-full',
  '3.2': 'server-busy',
  '3.3': 'extension-missing',
  '3.4': 'message-too-large',
  '4.1': 'no-answer',
  '4.3': 'dns-failure',
  '4.5': 'server-busy',
  '4.6': 'loop',
  '5.3': 'rate',
  '6.1': 'content',
  '6.3': 'extension-missing',
  '6.7': 'extension-missing',
  '7.4': 'tls-failure',
  '7.8': 'authentication',
  '7.9': 'authentication',
  '7.20': 'authentication',
  '7.21': 'authentication',
  '7.22': 'authentication',
  '7.23': 'authentication',
  '7.24': 'authentication',
  '7.25': 'authentication',
  '7.26': 'authentication',
  '7.28': 'rate',
}

/** Lower-case parts of reply texts, a blank before what begins a word; the first that occurs decides. */
const causesByWords: readonly (readonly [words: string, cause: ReportCause])[] = [
  ['over quota', 'mailbox-full'],
  ['quota exceeded', 'mailbox-full'],
  ['exceeded storage', 'mailbox-full'],
  ['mailbox full', 'mailbox-full'],
  ['mailbox is full', 'mailbox-full'],
  ['inbox is full', 'mailbox-full'],
  ['out of storage', 'mailbox-full'],
  ['insufficient system storage', 'server-busy'],
  ['too large', 'message-too-large'],
  ['too big', 'message-too-large'],
  ['size limit', 'message-too-large'],
  ['maximum size', 'message-too-large'],
  ['maximum message size', 'message-too-large'],
  ['user unknown', 'unknown-user'],
  ['unknown user', 'unknown-user'],
  ['unknown recipient', 'unknown-user'],
  ['recipient unknown', 'unknown-user'],
  ['no such user', 'unknown-user'],
  ['no such recipient', 'unknown-user'],
  ['no such mailbox', 'unknown-user'],
  ['no such address', 'unknown-user'],
  ['no mailbox here', 'unknown-user'],
  ['mailbox not found', 'unknown-user'],
  ['user not found', 'unknown-user'],
  ['recipient not found', 'unknown-user'],
  ['address does not exist', 'unknown-user'],
  ['user does not exist', 'unknown-user'],
  ["user doesn't exist", 'unknown-user'],
  ['account that you tried to reach does not exist', 'unknown-user'],
  ['mailbox does not exist', 'unknown-user'],
  ['invalid recipient', 'unknown-user'],
  ['invalid mailbox', 'unknown-user'],
  ['not listed in domino', 'unknown-user'],
  ['account is disabled', 'unknown-user'],
  ['mailbox disabled', 'unknown-user'],
  ['account has been disabled', 'unknown-user'],
  ['loops back to myself', 'loop'],
  ['too many hops', 'loop'],
  ['mail loop', 'loop'],
  ['greylist', 'rate'],
  ['graylist', 'rate'],
  ['grey-list', 'rate'],
  ['rate limit', 'rate'],
  ['ratelimit', 'rate'],
  ['throttl', 'rate'],
  ['too many', 'rate'],
  ['unusual rate', 'rate'],
  ['try again more slowly', 'rate'],
  ['spf', 'authentication'],
  ['dkim', 'authentication'],
  ['dmarc', 'authentication'],
  ['reverse dns', 'authentication'],
  ['ptr record', 'authentication'],
  ['dns ptr', 'authentication'],
  ['authentication required', 'authentication'],
  ['virus', 'content'],
  ['malware', 'content'],
  ['phishing', 'content'],
  ['attachment', 'content'],
  ['content rejected', 'content'],
  ['its content', 'content'],
  ['message content', 'content'],
  // Who is on a list is often told so with the word spam in it: the lists stand first.
  ['spamhaus', 'blocklist'],
  ['spamcop', 'blocklist'],
  ['barracuda', 'blocklist'],
  ['uceprotect', 'blocklist'],
  ['blocklist', 'blocklist'],
  ['block list', 'blocklist'],
  ['blocked using', 'blocklist'],
  ['blacklist', 'blocklist'],
  ['black list', 'blocklist'],
  ['black-list', 'blocklist'],
  ['denylist', 'blocklist'],
  ['dnsbl', 'blocklist'],
  [' rbl', 'blocklist'],
  ['is listed', 'blocklist'],
  ['listed at', 'blocklist'],
  ['listed by', 'blocklist'],
  ['banned sender', 'blocklist'],
  ['reputation', 'blocklist'],
  [' spam', 'spam'],
  ['anti-spam', 'spam'],
  ['unsolicited', 'spam'],
  ['junk mail', 'spam'],
  ['relay access denied', 'policy'],
  ['relaying denied', 'policy'],
  ['relay not permitted', 'policy'],
  ['must issue a starttls', 'tls-failure'],
]

/** RFC 3463 §3.8: security and policy, when no word was more particular. */
const causesBySubject: Readonly<Record<string, ReportCause>> = {
  '1': 'unknown-user',
  '7': 'policy',
}

export function classifyReply(reply: Reply, stage: DeliveryStage): ReportCause {
  const detail = reply.enhanced === undefined ? undefined : afterClass(reply.enhanced)
  const byDetail = detail === undefined ? undefined : causesByDetail[detail]
  // 5.1.1 stands in some systems' replies for every refusal of a recipient: words about its mailbox are truer.
  if (byDetail && byDetail !== 'unknown-user') return byDetail
  const text = ` ${reply.lines.join(' ').slice(0, 1000).toLowerCase()}`
  for (const [words, cause] of causesByWords) if (text.includes(words)) return cause
  if (byDetail) return byDetail
  const bySubject = detail === undefined ? undefined : causesBySubject[detail.slice(0, detail.indexOf('.'))]
  return bySubject ?? causeByCode(reply, stage)
}

/** RFC 5321 §4.2.3, RFC 1870 §6.1, RFC 7504. */
function causeByCode(reply: Reply, stage: DeliveryStage): ReportCause {
  switch (reply.code) {
    case 421:
    case 450:
    case 451:
    case 452:
      return 'server-busy'
    case 521:
      return 'null-mx'
    case 530:
    case 534:
    case 535:
      return 'authentication'
    case 550:
    case 551:
    case 553:
      // Without an enhanced code the plain meaning of the code holds only where an address was asked about.
      return stage === 'rcpt' ? 'unknown-user' : 'other'
    case 552:
      return stage === 'rcpt' ? 'mailbox-full' : 'message-too-large'
    case 556:
      return 'null-mx'
    default:
      return 'other'
  }
}

/** The status for a report: the server's enhanced code where it has one that agrees with its code, else RFC 2034's sense of the code. */
export function replyStatus(reply: Reply, stage: DeliveryStage): string {
  const codeClass = String(reply.code).charAt(0)
  if (reply.enhanced?.startsWith(`${codeClass}.`)) return reply.enhanced
  switch (classifyReply(reply, stage)) {
    case 'unknown-user':
      return `${codeClass}.1.1`
    case 'unknown-domain':
      return `${codeClass}.1.2`
    case 'null-mx':
      // RFC 7505 §4 for 556, RFC 7504 §3 for 521.
      return reply.code === 556 ? '5.1.10' : `${codeClass}.3.2`
    case 'mailbox-full':
      return `${codeClass}.2.2`
    case 'message-too-large':
      return `${codeClass}.3.4`
    case 'server-busy':
      return `${codeClass}.3.2`
    case 'policy':
    case 'blocklist':
    case 'authentication':
    case 'spam':
    case 'content':
    case 'rate':
      return `${codeClass}.7.0`
    default:
      return `${codeClass}.0.0`
  }
}

function afterClass(enhanced: string): string {
  return enhanced.slice(enhanced.indexOf('.') + 1)
}
