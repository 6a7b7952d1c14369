// Why a remote server said no, from its reply: what RFC 3463 and the registry say of the enhanced code, where servers use
// it for nothing else; then words that the large systems use; then the rest of the codes. What none of them tells stays
// 'other'.
import type { ReportCause } from '../../bounce/report.ts'
import type { Reply } from '../../smtp/reply.ts'
import type { DeliveryStage } from '../outcome.ts'

type CausesByDetail = Readonly<Record<string, ReportCause>>

/** Subject and detail of an enhanced code ('5.1.8' → '1.8') that no words can say better. */
const preciseDetails: CausesByDetail = {
  '1.7': 'sender-refused',
  '1.8': 'sender-refused',
  '2.2': 'mailbox-full',
  // Exchange Online: too many messages in an hour, from this sender, to this recipient.
  '2.121': 'rate',
  '2.122': 'rate',
  '3.4': 'message-too-large',
  '7.20': 'authentication',
  '7.21': 'authentication',
  '7.22': 'authentication',
  '7.23': 'authentication',
  '7.24': 'authentication',
  '7.25': 'server-name',
  '7.26': 'authentication',
  '7.28': 'rate',
  // Exchange Online: the recipient takes mail of some senders only; the words speak of authentication.
  '7.124': 'policy',
  '7.133': 'policy',
  '7.134': 'policy',
  '7.135': 'policy',
  '7.136': 'policy',
}

/** Those that some systems use for other things too: words are truer. */
const looseDetails: CausesByDetail = {
  '1.1': 'unknown-user',
  '1.2': 'unknown-domain',
  '1.3': 'unknown-user',
  '1.6': 'unknown-user',
  '1.10': 'null-mx',
  '2.1': 'unknown-user',
  '2.3': 'message-too-large',
  // The storage of the whole system: the recipient cannot make room (RFC 3463 §3.4).
  '3.1': 'server-busy',
  '3.2': 'server-busy',
  '3.3': 'extension-missing',
  // RFC 3463 §3.5 speaks of servers behind the one that answered. X.4.1 is no lack of an answer, then.
  '4.1': 'other',
  '4.3': 'other',
  '4.5': 'server-busy',
  '4.6': 'loop',
  '4.14': 'loop',
  '5.3': 'rate',
  '6.1': 'content',
  '6.3': 'extension-missing',
  '6.7': 'utf8-address',
  '7.10': 'tls-failure',
  '7.11': 'tls-failure',
  // RFC 7505 §4.2: the sender's domain has a null MX.
  '7.27': 'sender-refused',
  '7.29': 'tls-failure',
  '7.30': 'tls-failure',
}

const greylistings: readonly string[] = ['greylist*', 'graylist*', 'grey list*']
/** In the name of the page to which the reply refers. */
const greylistingNames: readonly string[] = ['postgrey*', 'greylist*']

/** Words as `wordsOf` leaves them; * stands for any end of the last one. The first that occur decide. */
const causesByWords: readonly (readonly [words: string, cause: ReportCause])[] = [
  ...greylistings.map(words => [words, 'greylisted'] as const),
  ['spf', 'authentication'],
  ['sender policy framework', 'authentication'],
  ['dkim', 'authentication'],
  ['dmarc', 'authentication'],
  // What the server found out about the sender is often told in words about users and mailboxes.
  ['sender address rejected', 'sender-refused'],
  // Postfix, reject_rhsbl_sender: 'Sender address [anna@example.org] blocked using dbl.spamhaus.org'.
  ['sender address blocked using', 'sender-domain-listed'],
  ['reputation of the sending domain', 'sender-domain-listed'],
  // Outlook.com names both at once, 'IP/domain reputation': then it is the server that has to do something.
  ['ip domain reputation', 'blocklist'],
  ['domain reputation', 'sender-domain-listed'],
  ['sender address blocked', 'sender-refused'],
  ['sender rejected', 'sender-refused'],
  ['sender verif*', 'sender-refused'],
  ['invalid sender', 'sender-refused'],
  ['bad sender', 'sender-refused'],
  ['bad outbound sender', 'sender-refused'],
  ['blocked sender*', 'sender-refused'],
  ['domain of sender', 'sender-refused'],
  ['sender domain must exist', 'sender-refused'],
  ['callout verification failure', 'sender-refused'],
  ['envelope sender is in my badmailfrom', 'sender-refused'],
  ['invalid dns mx', 'sender-refused'],
  ['sending quota', 'rate'],
  ['sending limit', 'rate'],
  ['send limit exceeded', 'rate'],
  ['queue quota', 'rate'],
  ['over quota', 'mailbox-full'],
  ['overquota', 'mailbox-full'],
  ['quota exceeded', 'mailbox-full'],
  ['quota violation', 'mailbox-full'],
  ['exceeds quota', 'mailbox-full'],
  ['exceeded quota', 'mailbox-full'],
  ['exceeded storage', 'mailbox-full'],
  ['mailbox size limit exceeded', 'mailbox-full'],
  ['mailbox full', 'mailbox-full'],
  ['mailbox is full', 'mailbox-full'],
  ['mailbox for user is full', 'mailbox-full'],
  ['inbox is full', 'mailbox-full'],
  ['out of storage', 'mailbox-full'],
  ['insufficient system', 'server-busy'],
  ['insufficient disk space', 'server-busy'],
  ['too large', 'message-too-large'],
  ['too big', 'message-too-large'],
  ['size limit*', 'message-too-large'],
  ['maximum size', 'message-too-large'],
  ['maximum message size', 'message-too-large'],
  ['message size exceeds', 'message-too-large'],
  ['user unknown', 'unknown-user'],
  ['unknown user', 'unknown-user'],
  ['unknown recipient', 'unknown-user'],
  ['recipient unknown', 'unknown-user'],
  ['addressee unknown', 'unknown-user'],
  ['no such user*', 'unknown-user'],
  ['no such recipient', 'unknown-user'],
  ['no such mailbox', 'unknown-user'],
  ['no such address', 'unknown-user'],
  ['no such person', 'unknown-user'],
  ['no mailbox here', 'unknown-user'],
  ['no mailbox by that name', 'unknown-user'],
  ['mailbox not found', 'unknown-user'],
  ['user not found', 'unknown-user'],
  ['recipient not found', 'unknown-user'],
  ['address does not exist', 'unknown-user'],
  ['user does not exist', 'unknown-user'],
  ['user doesnt exist', 'unknown-user'],
  ['user doesnt have', 'unknown-user'],
  ['account that you tried to reach does not exist', 'unknown-user'],
  ['account that you tried to reach is disabled', 'unknown-user'],
  ['account that you tried to reach is inactive', 'unknown-user'],
  ['mailbox does not exist', 'unknown-user'],
  ['invalid recipient', 'unknown-user'],
  ['invalid mailbox', 'unknown-user'],
  ['not a valid rfc 5321 address', 'unknown-user'],
  ['address is marked as invalid', 'unknown-user'],
  ['not in recipient list', 'unknown-user'],
  ['no longer valid', 'unknown-user'],
  ['not listed in domino', 'unknown-user'],
  ['account is disabled', 'unknown-user'],
  ['mailbox disabled', 'unknown-user'],
  ['mailbox is disabled', 'unknown-user'],
  ['account has been disabled', 'unknown-user'],
  ['address rejected inactive', 'unknown-user'],
  ['due to inactivity', 'unknown-user'],
  ['loops back to myself', 'loop'],
  ['too many hops', 'loop'],
  ['hop count exceeded', 'loop'],
  ['mail loop', 'loop'],
  ['routing loop', 'loop'],
  ['loop detected', 'loop'],
  ['rate limit*', 'rate'],
  ['ratelimit*', 'rate'],
  ['limited rate', 'rate'],
  ['frequency limited', 'rate'],
  ['throttl*', 'rate'],
  // Of commands, not of messages.
  ['too many errors', 'other'],
  ['too many attachments', 'content'],
  ['too many received', 'loop'],
  ['too many header*', 'other'],
  ['too many', 'rate'],
  ['too much mail from', 'rate'],
  ['too quickly', 'rate'],
  ['too fast', 'rate'],
  ['mail at a rate', 'rate'],
  ['unusual rate', 'rate'],
  ['unusual sending activity', 'rate'],
  ['unexpected volume', 'rate'],
  ['excessive volume', 'rate'],
  ['concurrent connections', 'rate'],
  ['max message per connection', 'rate'],
  ['exceeded threshold', 'rate'],
  ['try again more slowly', 'rate'],
  ['starttls command first', 'tls-failure'],
  ['must issue a starttls', 'tls-failure'],
  ['starttls is required', 'tls-failure'],
  ['starttls required', 'tls-failure'],
  ['tls required', 'tls-failure'],
  ['requiretls', 'tls-failure'],
  ['tls not available', 'tls-failure'],
  ['tls connection', 'tls-failure'],
  ['encryption required', 'tls-failure'],
  ['encryption needed', 'tls-failure'],
  ['reverse dns', 'server-name'],
  ['reverse hostname', 'server-name'],
  ['cannot find your hostname', 'server-name'],
  ['helo command rejected', 'server-name'],
  ['invalid helo', 'server-name'],
  ['invalid ehlo', 'server-name'],
  ['ptr', 'server-name'],
  ['unauthenticated', 'authentication'],
  ['required authentication level', 'authentication'],
  ['authentication required', 'login-required'],
  ['authentication is required', 'login-required'],
  ['must authenticate', 'login-required'],
  ['without authentication', 'login-required'],
  ['smtp authentication', 'login-required'],
  ['smtp auth', 'login-required'],
  ['client was not authenticated', 'login-required'],
  ['log in first', 'login-required'],
  ['spam or virus', 'spam'],
  ['virus*', 'content'],
  ['malware', 'content'],
  ['phishing', 'content'],
  ['attachment*', 'content'],
  ['content rejected', 'content'],
  ['content denied', 'content'],
  ['banned content', 'content'],
  ['its content', 'content'],
  ['message content', 'content'],
  // Who is on a list is often told so with the word spam in it: the lists stand first.
  ['spamhaus*', 'blocklist'],
  ['spamcop', 'blocklist'],
  ['uceprotect*', 'blocklist'],
  ['blocklist*', 'blocklist'],
  ['block list*', 'blocklist'],
  ['blocked using', 'blocklist'],
  ['client host blocked', 'blocklist'],
  // Postfix, check_client_access.
  ['client host rejected access denied', 'blocklist'],
  ['ip has been blocked', 'blocklist'],
  ['ip has been banned', 'blocklist'],
  ['ip address has been blocked', 'blocklist'],
  ['ip address has been banned', 'blocklist'],
  ['ip address rejected', 'blocklist'],
  ['not allowed to connect', 'blocklist'],
  ['connection blocked', 'blocklist'],
  ['connection rejected by policy', 'blocklist'],
  ['block for spam', 'blocklist'],
  ['blacklist*', 'blocklist'],
  ['black list*', 'blocklist'],
  ['denylist*', 'blocklist'],
  ['dnsbl', 'blocklist'],
  ['rbl', 'blocklist'],
  ['is listed', 'blocklist'],
  ['listed at', 'blocklist'],
  ['listed by', 'blocklist'],
  ['banned sender', 'blocklist'],
  ['banned sending ip', 'blocklist'],
  ['not accepted from this ip', 'blocklist'],
  ['dynamic ip*', 'blocklist'],
  ['reputation', 'blocklist'],
  ['spam*', 'spam'],
  ['unsolicited', 'spam'],
  ['junk mail', 'spam'],
  ['relay access denied', 'policy'],
  ['relaying denied', 'policy'],
  ['relaying disallowed', 'policy'],
  ['relaying not allowed', 'policy'],
  ['relaying to prohibited', 'policy'],
  ['relaying prohibited', 'policy'],
  ['relay prohibited', 'policy'],
  ['relay not permitted', 'policy'],
  ['relay not allowed', 'policy'],
  ['not relay*', 'policy'],
  ['dont relay', 'policy'],
  ['no relay*', 'policy'],
  ['unable to relay', 'policy'],
  ['as a relay', 'policy'],
  ['allowed rcpthosts', 'policy'],
  ['spoof*', 'policy'],
  ['administrative prohibition', 'policy'],
  ['policy reasons', 'policy'],
  ['policy restriction*', 'policy'],
  ['policy violation*', 'policy'],
  ['mailpolicy violation*', 'policy'],
  ['policy rejection', 'policy'],
  ['policy error', 'policy'],
  ['local policy', 'policy'],
  ['email policy', 'policy'],
  ['security polic*', 'policy'],
  ['rejected by destination domain', 'policy'],
  ['rejected by recipient*', 'policy'],
  ['unrecognized command', 'other'],
]

/** Words that say too little to stand against a code of RFC 3463, and more than the plain reply code. */
const causesByVagueWords: readonly (readonly [words: string, cause: ReportCause])[] = [
  ['blocked', 'policy'],
  ['access denied', 'policy'],
  ['permission denied', 'policy'],
  ['policy', 'policy'],
  ['policies', 'policy'],
]

/** What makes a plain 550, 551 or 553 to RCPT one about the recipient. */
const recipientWords: readonly string[] = [
  'user',
  'recipient',
  'recipients',
  'addressee',
  'mailbox',
  'mailboxes',
  'inbox',
  'address',
  'addresses',
  'account',
  'alias',
  'local part',
  'localpart',
  'benutzer',
  'empfänger',
  'empfaenger',
  'postfach',
  'adresse',
  'destinataire',
  'utilisateur',
  'usuario',
  'destinatario',
  'utente',
  'casella',
  'пользователь',
  'получатель',
  'адресат',
  'адрес',
  'ящик',
]

/** The same words about who sends: 'your IP address', 'sender address'. */
const sendersWords =
  / (?:ip|ipv4|ipv6|sender|senders|sending|from|client|source|return|your) (?:e ?mail |mail )?(?:address|addresses|user|account|mailbox)(?= )/g

/** Lists of domains, and not of servers: in words, in names and in links. */
const domainLists: readonly string[] = [
  'dbl',
  'surbl*',
  'uribl*',
  'spamhaus org query domain',
  'spamhaus org lookup domain',
]

/** Parts of the names and links that replies refer to, and of what Exchange writes like a name. */
const causesByNames: readonly (readonly [words: string, cause: ReportCause])[] = [
  ['spamhaus', 'blocklist'],
  ['spamcop', 'blocklist'],
  ['barracudacentral', 'blocklist'],
  ['uceprotect', 'blocklist'],
  ['sorbs', 'blocklist'],
  ['dnsbl', 'blocklist'],
  ['csi cloudmark', 'blocklist'],
  ['ipcheck proofpoint', 'blocklist'],
  ['recipientnotfound', 'unknown-user'],
]

export function classifyReply(reply: Reply, stage: DeliveryStage): ReportCause {
  const cause = findCause(reply, stage)
  if (reply.code >= 500) return atStage(cause, stage)
  switch (cause) {
    // What may be otherwise at the next attempt is no fact about an address, a domain or a rule.
    case 'unknown-user':
    case 'unknown-domain':
    case 'null-mx':
    case 'other':
      return 'server-busy'
    default:
      return cause
  }
}

function speaksOfGreylisting(words: string, names: string): boolean {
  return (
    greylistings.some(sought => contains(words, sought)) ||
    greylistingNames.some(sought => contains(names, sought))
  )
}

/** Before RCPT the server has not heard of the recipient. */
function atStage(cause: ReportCause, stage: DeliveryStage): ReportCause {
  if (cause !== 'unknown-user' && cause !== 'unknown-domain') return cause
  if (stage === 'mail') return 'sender-refused'
  return beforeMail.has(stage) ? 'other' : cause
}

const beforeMail: ReadonlySet<DeliveryStage> = new Set(['connect', 'greeting', 'hello', 'tls', 'auth'])

function findCause(reply: Reply, stage: DeliveryStage): ReportCause {
  const text = reply.lines.join(' ').slice(0, maxTextLength)
  const enhanced = reply.enhanced ?? enhancedInText.exec(text)?.[1]
  const detail = enhanced === undefined ? undefined : afterClass(enhanced)
  const precise = detail === undefined ? undefined : preciseDetails[detail]
  if (precise) return precise
  const { words, names } = wordsOf(text)
  if (reply.code < 500 && speaksOfGreylisting(words, names)) return 'greylisted'
  const listed = findListedDomain(words, names)
  if (listed) return listed
  // Here a user who is unknown is ours, in that server's eyes.
  if (stage === 'auth' && reply.code >= 500)
    return firstMatch(causesByWords, words) === 'tls-failure' ? 'tls-failure' : 'login-required'
  if (detail === '4.1' && refusesRecipient(words, stage)) return 'unknown-user'
  return (
    firstMatch(causesByWords, words) ??
    firstMatch(causesByNames, names) ??
    causeByDetail(reply, detail, stage) ??
    firstMatch(causesByVagueWords, words) ??
    causeByCode(reply, stage, words)
  )
}

/** undefined: no list of domains is spoken of, or it is our server's own name that is on it. */
function findListedDomain(words: string, names: string): ReportCause | undefined {
  if (!domainLists.some(list => contains(words, list) || contains(names, list))) return undefined
  if (contains(words, 'helo command') || contains(words, 'client host')) return undefined
  return contains(words, 'sender') || contains(words, 'mailfrom') ? 'sender-domain-listed' : 'link-listed'
}

/** Exchange Online tells so that its directory has no such recipient (5.4.1). */
function refusesRecipient(words: string, stage: DeliveryStage): boolean {
  const isAboutRecipient = contains(words, 'recipient address rejected') || stage === 'rcpt'
  return (
    contains(words, 'recipient addresses rejected') || (isAboutRecipient && contains(words, 'access denied'))
  )
}

/** RFC 3463 §3. */
function causeByDetail(
  { code }: Reply,
  detail: string | undefined,
  stage: DeliveryStage,
): ReportCause | undefined {
  if (detail === undefined) return undefined
  // RFC 4954 §6. Others use some of these details for rules of their own.
  if (loginCodes.has(code)) return undefined
  // RFC 7504 §3: 521 5.3.2 is for good.
  const loose = code === 521 && detail === '3.2' ? undefined : looseDetails[detail]
  if (loose) return loose
  if (detail === '1.0') return stage === 'rcpt' || stage === 'mail' ? 'unknown-user' : undefined
  if (detail.startsWith('1.')) return 'unknown-user'
  if (detail.startsWith('7.')) return code >= 500 ? 'policy' : 'server-busy'
  return undefined
}

const loginCodes: ReadonlySet<number> = new Set([530, 534, 535, 538])

/** RFC 5321 §4.2.3, RFC 1870 §6.1, RFC 4954 §6, RFC 7504. */
function causeByCode({ code }: Reply, stage: DeliveryStage, words: string): ReportCause {
  if (code < 500) return 'server-busy'
  if (loginCodes.has(code)) return 'login-required'
  switch (code) {
    case 521:
      return stage === 'greeting' || stage === 'hello' ? 'null-mx' : 'policy'
    case 550:
    case 551:
    case 553:
      // §4.2.3 has "command rejected for policy reasons" among the meanings of 550: not each is about the recipient.
      return stage === 'rcpt' && speaksOfRecipient(words) ? 'unknown-user' : 'other'
    case 552:
      return stage === 'rcpt' ? 'mailbox-full' : 'message-too-large'
    case 556:
      return 'null-mx'
    default:
      return 'other'
  }
}

function speaksOfRecipient(words: string): boolean {
  const others = words.replaceAll(sendersWords, '')
  return recipientWords.some(word => contains(others, word))
}

const maxTextLength = 1000

/** qmail and IronPort write it into the text: 'no mailbox here by that name. (#5.1.1)'. */
const enhancedInText = /#([245]\.\d{1,3}\.\d{1,3})(?!\d)/

/** Strings of lower-case words, a blank on both sides of each. */
interface ReplyWords {
  readonly words: string
  /** Host names and links, taken apart. */
  readonly names: string
}

/** Without the addresses that it quotes: those have words in them that mean nothing. */
function wordsOf(text: string): ReplyWords {
  const words: string[] = []
  const names: string[] = []
  for (const token of dropBracketedAddresses(text).toLowerCase().split(' ')) {
    if (!token.includes('@')) (isName(token) ? names : words).push(token)
  }
  return { words: normalize(words), names: normalize(names) }
}

/** `<"a b"@example.test>` too, which has a blank. */
function dropBracketedAddresses(text: string): string {
  const pieces = text.split('>')
  const last = pieces.pop() ?? ''
  const kept = pieces.map(piece => {
    const open = piece.lastIndexOf('<')
    return open >= 0 && piece.includes('@', open) ? piece.slice(0, open) : piece
  })
  return [...kept, last].join(' ')
}

/** 'zen.example.org', 'https://example.org/why'; neither 'rejected.' nor '5.7.1'. */
function isName(token: string): boolean {
  return token.includes('://') || /[a-z0-9-]\.[a-z]{2}/.test(token)
}

function normalize(tokens: readonly string[]): string {
  return ` ${tokens
    .join(' ')
    .replaceAll(/['’]/g, '')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')} `
}

function firstMatch(
  causes: readonly (readonly [words: string, cause: ReportCause])[],
  text: string,
): ReportCause | undefined {
  return causes.find(([words]) => contains(text, words))?.[1]
}

function contains(text: string, words: string): boolean {
  return text.includes(words.endsWith('*') ? ` ${words.slice(0, -1)}` : ` ${words} `)
}

/** The status for a report: the server's enhanced code where it has one that agrees with its code, else RFC 2034's sense of the code. */
export function replyStatus(
  reply: Reply,
  stage: DeliveryStage,
  cause: ReportCause = classifyReply(reply, stage),
): string {
  const codeClass = String(reply.code).charAt(0)
  if (reply.enhanced?.startsWith(`${codeClass}.`)) return reply.enhanced
  switch (cause) {
    case 'unknown-user':
      return `${codeClass}.1.1`
    case 'unknown-domain':
      return `${codeClass}.1.2`
    case 'null-mx':
      // RFC 7505 §4 for 556, RFC 7504 §3 for 521.
      return reply.code === 556 ? '5.1.10' : `${codeClass}.3.2`
    case 'sender-refused':
      return `${codeClass}.1.0`
    case 'mailbox-full':
      return `${codeClass}.2.2`
    case 'message-too-large':
      return `${codeClass}.3.4`
    case 'server-busy':
      return `${codeClass}.3.2`
    case 'policy':
    case 'blocklist':
    case 'sender-domain-listed':
    case 'link-listed':
    case 'authentication':
    case 'login-required':
    case 'server-name':
    case 'tls-failure':
    case 'spam':
    case 'content':
    case 'rate':
    case 'greylisted':
      return `${codeClass}.7.0`
    default:
      return `${codeClass}.0.0`
  }
}

function afterClass(enhanced: string): string {
  return enhanced.slice(enhanced.indexOf('.') + 1)
}
