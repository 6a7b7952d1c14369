// The trail of a message in plain words: one entry a step, for someone who does not know SMTP.
import type { DeliveryOutcome, Diagnosis } from '../delivery/outcome.ts'
import { classOf } from '../delivery/replies/reply-class.ts'
import { describeEvidence } from '../mail-authentication/describe-evidence.ts'
import { formatUse } from '../mailbox/quota.ts'
import type { FormChange } from '../message/mime/plan-conversion.ts'
import type { RoomEvidence } from '../policy/check-room.ts'
import { type ReachedLimit, settingOf } from '../policy/stranger-limits.ts'
import { formatSize } from '../runtime/format-size.ts'
import type { LoginProblem } from '../sasl/authority.ts'
import type { ScreeningEvidence } from '../screening/screen.ts'
import { doesCount } from '../sender-list/sender-list.ts'
import type { Reply } from '../smtp/reply.ts'
import type {
  FoundBy,
  HookRemark,
  ListedRecipient,
  Lookup,
  NextAttemptReason,
  PassedServer,
  Reception,
  RefusedLogIn,
  TrailEvent,
  WrittenByScript,
} from '../trail/events.ts'
import { describeCauseOf } from './causes.ts'
import { describeFetching } from './describe-fetching.ts'
import { capitalize, describeFilter, describeFilterLines } from './describe-filter.ts'
import {
  describeConnection,
  describePeer,
  describePeerTls,
  describeProtocol,
  describeRepeated,
} from './describe-peer.ts'
import { describePlain, describeProof, noteTls } from './describe-tls.ts'
import { formatTime } from './quantities.ts'

export interface TrailEntry {
  readonly text: string
  /** What it means, and how it came to it: a line each. */
  readonly notes?: readonly string[]
  /** What belongs to the step but is not needed to understand it: the dialogue with the other server. */
  readonly dialogue: readonly string[]
}

/** Whatever a hook or a scanner has said in several lines is told in one: a line of the trail is a step, or stands below one. */
export function describeEvent(event: TrailEvent): TrailEntry {
  const entry = entryOf(event)
  return {
    ...entry,
    text: joinLines(entry.text),
    ...(entry.notes ? { notes: entry.notes.map(joinLines) } : {}),
  }
}

/** A mailing has thousands: who they all are says --json. */
export function listRecipients(recipients: readonly string[]): string {
  if (recipients.length <= mostListed) return recipients.join(', ')
  return `${recipients.slice(0, listedOfMany).join(', ')} and ${recipients.length - listedOfMany} more`
}

const mostListed = 10
const listedOfMany = 5

function joinLines(text: string): string {
  if (!/[\r\n]/.test(text)) return text
  return text
    .split(/[\r\n]+/)
    .map(line => line.trim())
    .filter(line => line !== '')
    .join(' ')
}

function entryOf(event: TrailEvent): TrailEntry {
  switch (event.kind) {
    case 'received':
      return { text: describeReception(event.reception), dialogue: [] }
    case 'refused':
      return {
        text: describeRefusal(event),
        notes: [
          describeConnection(event),
          ...(event.authentication ? describeEvidence(event.authentication, event.remoteAddress) : []),
          ...(event.lists ?? []).map(describeListed),
          ...(event.hooks ?? []).map(describeRemark),
          ...describeLimit(event),
          ...(event.room ? [describeRoom(event.room)] : []),
          ...(event.screening ? describePoints(event.screening) : []),
        ],
        dialogue: [],
      }
    case 'login-refused':
      return { text: describeRefusedLogIn(event), notes: [describeConnection(event)], dialogue: [] }
    case 'authenticated':
      return describeAuthenticated(event)
    case 'screened':
      return describeScreened(event)
    case 'attempted':
      return { text: describeAttempt(event), notes: notesOf(event), dialogue: event.dialogue ?? [] }
    case 'postponed':
      return {
        text: describePostponed(event),
        dialogue: [],
      }
    case 'reported':
      return {
        text: `Told the sender (${reportWords[event.action] ?? event.action}) about ${listRecipients(event.recipients)}, in message ${event.reportId}`,
        dialogue: [],
      }
    case 'written':
      return {
        text: `${describeWriter(event)}${event.reversePath === undefined ? '' : `, from ${event.reversePath}`}, to ${listRecipients(event.recipients)}${quoteSubject(event.subject)}`,
        dialogue: [],
      }
    case 'reports':
      return {
        text: `A report of this server to the sender of message ${event.aboutId} (${reportWords[event.action] ?? event.action}): ${listRecipients(event.recipients)}`,
        dialogue: [],
      }
    case 'set-aside':
      return {
        text: `Put on hold for ${event.recipient}: the delivery thread died each time it had this message; "postrider queue release" tries it again`,
        dialogue: [],
      }
    case 'account-held':
      return {
        text: `Put on hold for ${event.recipient}: the account ${event.account} is on hold (${event.because}); "postrider account release ${event.account}" lets its mail go`,
        dialogue: [],
      }
    case 'hooked':
      return {
        text: `Asked the hook file about ${describePeer(event)}`,
        notes: event.remarks.map(describeRemark),
        dialogue: [],
      }
    case 'quarantined':
      return {
        text: `Kept aside for ${listRecipients(event.recipients)} until an administrator has looked, at most until ${formatTime(event.until)}${because(event.because)}; "postrider quarantine show" shows it`,
        dialogue: [],
      }
    case 'quarantine-ended':
      return { text: describeQuarantineEnd(event), dialogue: [] }
    case 'administered':
      return {
        text: `An administrator ${describeAdministration(event)}`,
        dialogue: [],
      }
    case 'scheduled':
      return {
        text: `Held at the sender's wish until ${formatTime(event.releaseAt)}; "postrider queue retry" with its id delivers it at once`,
        dialogue: [],
      }
    case 'kept':
      return { text: describeKept(event), dialogue: [] }
    case 'bounced':
      return { text: describeBounce(event), dialogue: [] }
    case 'complained':
      return {
        text: `A complaint came back (${event.feedbackType})${event.recipient ? ` from ${event.recipient}` : ''}, in message ${event.reportId}; found by ${foundByWords[event.foundBy]}`,
        dialogue: [],
      }
    case 'asked-for':
    case 'queue-started':
    case 'fetched':
      return describeFetching(event)
    case 'cut-off':
      return { text: describeCutOff(event), notes: [describeConnection(event)], dialogue: [] }
    case 'turned-away':
      return {
        text: describeTurnedAway(event),
        notes: [...(event.hooks ?? []).map(describeRemark), ...describeLimit(event)],
        dialogue: [],
      }
    default:
      return event satisfies never
  }
}

/** The client's address stands in the step before. */
function describeAuthenticated({
  authentication,
  verdict,
  because,
}: Extract<TrailEvent, { kind: 'authenticated' }>): TrailEntry {
  const why = because === undefined ? '' : `: ${because}`
  const text =
    verdict === 'quarantine'
      ? `Checked where it is from, and put aside as suspicious${why}`
      : `Checked where it is from${why}`
  return { text, notes: describeEvidence(authentication, 'that address'), dialogue: [] }
}

function describeScreened({
  screening,
  verdict,
  because: reason,
  lists = [],
}: Extract<TrailEvent, { kind: 'screened' }>): TrailEntry {
  return {
    text: `${screenedWords[verdict](screening.score)}${sayExcept(verdict, lists)}${because(reason)}`,
    notes: [...lists.map(describeListed), ...describePoints(screening)],
    dialogue: [],
  }
}

/** The notes below it say for whom. */
function sayExcept(
  verdict: Extract<TrailEvent, { kind: 'screened' }>['verdict'],
  lists: readonly ListedRecipient[],
): string {
  const isPutAway = verdict === 'junk' || verdict === 'quarantine'
  const isLetIn = lists.some(listed => listed.verdict === 'allow' && doesCount(listed))
  return isPutAway && isLetIn ? ' where no list of senders lets it in' : ''
}

const screenedWords = {
  accept: (score: number) => `Looked at whether it is spam: ${score} points`,
  junk: (score: number) => `Looked at whether it is spam (${score} points), and put into Junk`,
  hold: (score: number) => `Looked at whether an account of ours sends spam (${score} points)`,
  quarantine: (score: number) => `Looked at whether it is spam (${score} points), and kept aside`,
} as const

function because(reason: string | undefined): string {
  return reason === undefined || reason === '' ? '' : `: ${reason}`
}

function describeListed(listed: ListedRecipient): string {
  const { recipient, verdict, entry, list, by, name, isUnproven, isAsOurs } = listed
  const whose = list === 'administrator' ? "the administrator's list" : 'its own list'
  const what = by === 'author' ? 'the From field' : 'the sender address'
  const effect = isUnproven
    ? `does not count, since nothing proves that the message is from there (SPF, DKIM)`
    : isAsOurs
      ? 'does not count, since the message comes as of one of ours, and nothing proves that it is from there'
      : verdict === 'allow'
        ? 'lets it in, whatever its score'
        : 'keeps it out'
  return `for ${recipient}: the entry ${entry} (${verdict}) of ${whose} ${effect}; ${what} has ${name}`
}

/** 'mail: +3 points (a new customer)' */
function describeRemark({ stage, verdict, points = 0, text = '', recipient }: HookRemark): string {
  const where = recipient === undefined ? stage : `${stage} (${recipient})`
  const why = text === '' ? '' : ` (${text})`
  switch (verdict) {
    case 'accept':
      return `${where}: it is to be taken, whatever its points${why}`
    case 'score':
      return `${where}: ${points > 0 ? '+' : ''}${points} points${why}`
    case 'reject':
      return `${where}: refused${why}`
    case 'defer':
      return `${where}: put off${why}`
    case 'none':
      return `${where}: no verdict: ${text}`
    default:
      return verdict satisfies never
  }
}

function describeQuarantineEnd({
  recipients,
  how,
  taught,
}: Extract<TrailEvent, { kind: 'quarantine-ended' }>): string {
  const whom = recipients.length > 0 ? ` for ${listRecipients(recipients)}` : ''
  switch (how) {
    case 'released':
      return `An administrator released it from the quarantine${whom}${taught ? ', and taught the filter that it is wanted' : ''}`
    case 'deleted':
      return `An administrator deleted it from the quarantine${whom}; its sender was not told`
    case 'expired':
      return `Removed from the quarantine${whom}, since its time there is over (spam.quarantineDays); its sender was not told`
    default:
      return how satisfies never
  }
}

/** A line for each who gave points, and for each who could not. */
function describePoints({ changes = [], lines, notAsked = [], comeAgainAt }: ScreeningEvidence): string[] {
  return [
    ...lines.map(
      ({ source, name, points, detail }) =>
        `${points > 0 ? '+' : ''}${points} by ${source}: ${name}${detail === undefined ? '' : ` (${detail})`}`,
    ),
    ...notAsked.map(why => `not asked: ${why}`),
    ...changes.map(what => `changed by ${what}`),
    ...(comeAgainAt === undefined
      ? []
      : [
          `not known here: whoever is a mail server comes again by itself, from ${formatTime(comeAgainAt)} on`,
        ]),
  ]
}

/** Why nothing went there, as what closed it was judged (delivery/pacing/destination-health.ts). */
function describePostponed(event: Extract<TrailEvent, { kind: 'postponed' }>): string {
  const { recipient, diagnosis, nextAttemptAt } = event
  const at = formatTime(nextAttemptAt)
  const said = describeDiagnosis(diagnosis)
  return diagnosis.cause === 'own-limit'
    ? `Not tried for ${recipient}: ${said}; there is more at ${at}`
    : `Not tried for ${recipient}: the destination ${stateOfDestination(diagnosis)} (${said}); nothing goes there until ${at}`
}

function stateOfDestination(diagnosis: Diagnosis): string {
  switch (classOf(diagnosis)) {
    case 'rate-limited':
      return 'asked for less mail a moment ago'
    case 'reputation-block':
      return 'wants no mail from this server'
    default:
      return diagnosis.reply ? 'turned this server away a moment ago' : 'could not be reached a moment ago'
  }
}

function describeKept({ recipient, domain, until, isOver }: Extract<TrailEvent, { kind: 'kept' }>): string {
  return isOver
    ? `Given up for ${recipient}: the server of ${domain} has not fetched it until ${formatTime(until)}`
    : `Kept for ${recipient} until the server of ${domain} fetches it (ATRN) or asks for it (ETRN), at most until ${formatTime(until)}`
}

function describeBounce(event: Extract<TrailEvent, { kind: 'bounced' }>): string {
  const { recipient, action, status, diagnostic, reportingMta, remoteMta, reportId, foundBy } = event
  const about = recipient ? ` about ${recipient}` : ''
  const found = `in message ${reportId}; found by ${foundByWords[foundBy]}`
  if (action === undefined)
    return `Something came back${about} that is no report which programs can read, ${found}`
  const who = reportingMta ?? 'another server'
  const said = diagnostic === undefined ? '' : ` [${remoteMta ? `${remoteMta}: ` : ''}${diagnostic}]`
  return `A report of ${who} came back${about}: ${reportWords[action] ?? action}${status ? ` (${status})` : ''}${said}, ${found}`
}

const foundByWords: Readonly<Record<FoundBy, string>> = {
  verp: 'the return path that this recipient had',
  'envelope-id': 'the envelope id',
  'message-id': 'the Message-ID',
  'queue-id': 'the queue id in a Received field',
}

const reportWords: Readonly<Record<string, string>> = {
  failed: 'it could not be delivered',
  delayed: 'it is delayed',
  delivered: 'it was delivered',
  relayed: 'it was handed on',
  expanded: 'it went to several addresses',
}

function describeSender(reversePath: string): string {
  return reversePath === '' || reversePath === '<>' ? 'the null sender <>' : reversePath
}

function describeReception(reception: Reception): string {
  const tls = describePeerTls(reception)
  const account = reception.account
    ? `, logged in as ${reception.account}`
    : reception.local
      ? ', from a network that may send without logging in'
      : ''
  return `Received${describeProtocol(reception)} from ${describePeer(reception)}, ${tls}${account}: ${formatSize(reception.size)} from ${describeSender(reception.reversePath)} to ${listRecipients(reception.recipients)}${quoteSubject(reception.subject)}`
}

function quoteSubject(subject: string | undefined): string {
  return subject ? `, subject "${subject}"` : ''
}

function describeRefusal(event: Extract<TrailEvent, { kind: 'refused' }>): string {
  const { command, mechanism, forwardPath, recipients = [], domains, reversePath, loginName, reply } = event
  const peer = describePeer(event)
  const who = loginName === undefined ? peer : `${peer} as ${loginName}`
  const from = reversePath === undefined ? '' : ` from ${describeSender(reversePath)}`
  const to = forwardPath === undefined ? listRecipients(recipients) : forwardPath
  const whose = domains === undefined ? '' : ` for the mail of ${domains.join(', ')}`
  const verb = mechanism === undefined ? command : `${command} ${mechanism}`
  const reasons = describeLoginProblem(event)
  const told = formatReply(reply)
  const why = reasons === '' ? told : `${reasons} (${told})`
  return `Refused ${verb} of ${who}${from}${to === '' ? '' : ` to ${to}`}${whose}: ${why}${describeRepeated(event)}`
}

function describeRefusedLogIn(event: Extract<TrailEvent, { kind: 'login-refused' }>): string {
  const { mechanism, loginName } = event
  const who = loginName === undefined ? describePeer(event) : `${describePeer(event)} as ${loginName}`
  return `Refused ${mechanism} of ${who}${describeProtocol(event)}: ${describeLoginProblem(event)}`
}

/** What the client was not told; may be empty. */
function describeLoginProblem({ loginProblem, blockedUntil, blockedBy = 'network' }: RefusedLogIn): string {
  const reasons = [
    ...(loginProblem === undefined || loginProblem === 'blocked' ? [] : [loginProblems[loginProblem]]),
    ...(blockedUntil === undefined
      ? []
      : [
          `too many wrong passwords ${blockWords[blockedBy]}: refused until ${formatTime(blockedUntil)}, the right one too`,
        ]),
  ]
  return reasons.join('; ')
}

const blockWords = {
  network: 'from there',
  'account-from-network': 'from there',
  account: 'for this account, from many places and from there too',
} as const

const loginProblems: Readonly<Record<Exclude<LoginProblem, 'blocked'>, string>> = {
  'wrong-password': 'the password is wrong',
  'no-such-account': 'there is no such account',
  'account-disabled': 'the account is disabled',
  'no-scram-keys':
    'nothing is kept of its password for SCRAM: log in once with PLAIN or LOGIN, or set a new password',
  'other-identity': 'it wanted to act for somebody else',
  'channel-binding':
    'it proved another TLS connection than this one: somebody may be in between, or a program that ends TLS before this server',
  'channel-binding-hidden':
    'it did not see that SCRAM with -PLUS is offered: somebody may be in between, and have taken it out of the list',
  'former-password':
    'it has a password of before, which has been changed or taken away since: enter the new one in that program',
  'app-password-elsewhere': 'that app password is for another protocol',
  'app-password-expired': 'that app password has expired',
  'not-offered': 'that mechanism is not offered',
  'token-missing': 'it showed no token; it asked which would be taken',
  'token-malformed': 'what it showed is no signed token (JWT)',
  'token-foreign-issuer': 'its token is from nobody in login.openid',
  'token-foreign-audience': 'its token is for another program (audience in login.openid)',
  'token-forged':
    'no key of the provider has made the signature of its token, or the kind of signature is not taken',
  'token-expired': 'its token has expired',
  'token-not-yet-valid': 'its token is not valid yet; is the clock right?',
  'token-scope': 'its token lacks the scope that login.openid demands',
  'token-nobody': 'its token has no address that names an account, or one that the provider has not verified',
  'certificate-missing': 'it showed no certificate',
  'certificate-untrusted': 'no authority of login.certificates vouches for its certificate',
  'certificate-expired': 'its certificate is not valid now',
  'certificate-nobody': 'its certificate names no account',
  'provider-down': 'the OpenID provider does not answer, so nobody could say; the log says what is wrong',
  'directory-gone':
    'the account was made for LDAP, which does not know it (any more), or has it in no group that may',
  'directory-down': 'LDAP does not answer, so nobody could say; the log says what is wrong',
}

function describeCutOff(event: Extract<TrailEvent, { kind: 'cut-off' }>): string {
  const { reversePath, recipients, during, how, reply } = event
  const where = during === 'mail-data' ? 'in the middle of the message' : 'before the message came'
  const end = {
    quit: `${describePeer(event)} took its leave ${where}`,
    lost: `the connection of ${describePeer(event)} broke ${where}`,
    closed: `this server closed the connection of ${describePeer(event)} ${where}${reply ? ` (${formatReply(reply)})` : ''}`,
  }[how]
  return `Not received, from ${describeSender(reversePath)} to ${listRecipients(recipients)}: ${end}. Its server has to send it again.`
}

function describeTurnedAway(event: Extract<TrailEvent, { kind: 'turned-away' }>): string {
  const why = event.reply ? formatReply(event.reply) : (event.problem ?? 'no reason is known')
  return `Turned away ${describePeer(event)}${describeProtocol(event)} at the beginning of a connection: ${why}${describeRepeated(event)}`
}

function describeRoom({ account, size, ...quota }: RoomEvidence): string {
  const announced = size === 0 ? '' : `, and the message has ${formatSize(size)}`
  return `${account} has used ${formatUse(quota)}${announced}: "postrider account quota ${account}" shows and changes that`
}

function describeLimit({ limit }: { readonly limit?: ReachedLimit | undefined }): string[] {
  return limit ? [`${settingOf(limit)} is ${limit.most}: reached by ${limit.network} as a whole`] : []
}

function describeWriter({ script }: Extract<TrailEvent, { kind: 'written' }>): string {
  if (!script) return 'Written by this server itself'
  return `${writerWords[script.by]} of ${script.account}, because of message ${script.aboutId}`
}

const writerWords: Readonly<Record<WrittenByScript['by'], string>> = {
  redirect: 'Sent on with changed header fields by the script',
  reject: 'A refusal by the script',
  vacation: 'An answer (vacation) of the script',
  notify: 'A notification by the script',
  mistake: 'Written by this server itself, about a mistake in the script',
}

function describeAdministration(event: Extract<TrailEvent, { kind: 'administered' }>): string {
  const { action, recipient, to } = event
  const whom = recipient ? ` for ${recipient}` : ''
  switch (action) {
    case 'hold':
      return `put it on hold${whom}`
    case 'release':
      return `released it${whom}`
    case 'retry':
      return `wanted it tried again at once${whom}`
    case 'cancel':
      return `took it out of the queue${whom}; the sender was not told`
    case 'reroute':
      return to === undefined ? `put it back on its usual way${whom}` : `rerouted it to ${to}${whom}`
    default:
      // Of a newer version.
      return `did "${action}"${whom}`
  }
}

type Attempt = Extract<TrailEvent, { kind: 'attempted' }>

function describeAttempt(event: Attempt): string {
  const { attempt, outcome, mxHosts, tls, source } = event
  const hosts =
    !event.fetched && mxHosts && mxHosts.length > 0 ? ` (servers tried: ${mxHosts.join(', ')})` : ''
  const number = attempt > 1 ? `, attempt ${attempt}` : ''
  const proof = outcome.kind === 'relayed' ? describePlain(event) + describeProof(tls?.at(-1)) : ''
  const from = source === undefined ? '' : `; from our address ${source}`
  return describeOutcome(event, number, describeNext(event)) + proof + from + hosts
}

/** Begins with a semicolon, or is empty. */
function describeNext({ nextAttemptAt, nextAttemptBecause, closedUntil, fetched }: Attempt): string {
  if (nextAttemptAt === undefined) return ''
  if (fetched)
    return `; its server may come for it again; where it is not only kept for that, the next attempt from here is at ${formatTime(nextAttemptAt)}`
  if (nextAttemptBecause === 'other-address')
    return `; next it goes from another of our addresses, as soon as there is room, and is looked at again at ${formatTime(nextAttemptAt)} at the latest`
  if (nextAttemptBecause !== 'destination') return `; next attempt at ${formatTime(nextAttemptAt)}`
  return closedUntil === undefined
    ? `; it stands in line for its destination, and is looked at again at ${formatTime(nextAttemptAt)} at the latest`
    : `; it stands in line for its destination, where nothing goes until ${formatTime(closedUntil)}`
}

function notesOf(event: Attempt): string[] {
  const {
    outcome,
    lookup,
    fetched,
    nextAttemptBecause,
    sent,
    passed = [],
    signatures,
    unsigned,
    seal,
    filter,
  } = event
  const notes: string[] = filter
    ? [...describeFilter(filter).map(capitalize), ...describeFilterLines(filter)]
    : []
  if (fetched && outcome.kind !== 'relayed')
    notes.push(
      `On a connection that the account ${fetched.account} opened to fetch its mail (${fetched.verb})`,
    )
  if (lookup) notes.push(`Way: ${describeLookup(lookup)}`)
  notes.push(...passed.map(describePassed), ...noteTls(event))
  if (sent?.reversePath !== undefined && sent.rewritten)
    notes.push(`Sender on this way: ${sent.reversePath}, ${rewrittenWords[sent.rewritten]}`)
  if (sent?.changes)
    notes.push(
      `Changed on this way: ${sent.changes.map(change => changeWords[change]).join('; ')}. It reads as before; a DKIM signature that it came with fits no more`,
    )
  if (outcome.kind === 'deferred' || outcome.kind === 'failed' || outcome.kind === 'expired')
    notes.push(`That means: ${describeCauseOf(outcome.diagnosis).because}`)
  if (signatures) notes.push(`Signed (DKIM): ${describeSignatures(signatures)}`)
  if (unsigned !== undefined && signaturesMattered(outcome)) notes.push(`Not signed (DKIM): ${unsigned}`)
  if (seal) notes.push(...describeSeal(seal, outcome))
  if (nextAttemptBecause && !event.fetched)
    notes.push(`Next attempt: ${nextAttemptWords[nextAttemptBecause]}`)
  return notes
}

export function describePassed({ host, detail, reply, lastUntil }: PassedServer): string {
  const met = reply ? `${detail} [${formatReply(reply)}]` : detail
  return lastUntil === undefined
    ? `Not by ${host}: ${met}`
    : `Not by ${host}, which did not answer lately, and until ${formatTime(lastUntil)} is asked after the others: ${met}`
}

const rewrittenWords: Readonly<Record<'srs' | 'verp', string>> = {
  srs: 'made because the message is forwarded (SRS): so that server asks about this one when it checks the sender (SPF), and reports come back by this one',
  verp: 'made for this recipient (VERP): so a report that comes back tells whom it is about',
}

const changeWords: Readonly<Record<FormChange, string>> = {
  'eight-bit':
    'what is not ASCII in its text was written in ASCII (quoted-printable or base64), because that server takes no 8-bit mail (8BITMIME)',
  binary:
    'a part with binary data was written as text (base64), because that server does not take it as it is (BINARYMIME)',
  'header-section':
    'header fields that are not ASCII were written in ASCII, because that server takes no others (SMTPUTF8)',
  'long-lines': 'lines of more than 998 characters were made shorter, because servers need not take such',
  labels: 'the fields that say how its parts are encoded were made to say less, which is all that it needs',
}

const nextAttemptWords: Readonly<Record<NextAttemptReason, string>> = {
  schedule: 'after the wait that the settings have for this attempt (queue.retryMinutes)',
  'delay-notice': 'sooner than usual, because then the sender is to be told of the delay',
  lifetime: 'the last one, because then the time for trying is over',
  greylisted: 'after some minutes, because that server wants to see it come again',
  'mailbox-full': 'after some hours, because somebody has to make room first',
  asked: 'then, because that server said for how long it wants no more',
  destination:
    'as soon as mail goes to that destination again, which is tried from time to time, for all that waits for it',
  'other-address':
    'from another address of the same source pool, because what that server said is about the address from which this one came',
}

/** It went, or was refused for the want of proof: what else kept it has nothing to do with signatures. */
/** Where a receiver has seen that there was none. */
export function signaturesMattered(outcome: DeliveryOutcome): boolean {
  if (outcome.kind === 'deferred' || outcome.kind === 'failed' || outcome.kind === 'expired')
    return classOf(outcome.diagnosis) === 'authentication'
  return outcome.kind === 'relayed'
}

function describeSeal(seal: NonNullable<Attempt['seal']>, outcome: DeliveryOutcome): string[] {
  if ('unsealed' in seal) return signaturesMattered(outcome) ? [`Not sealed (ARC): ${seal.unsealed}`] : []
  const { domain, selector, instance, chain } = seal
  return [`Sealed (ARC): ${domain}, with ${selector}, as number ${instance}; the chain before: ${chain}`]
}

function describeSignatures(signatures: NonNullable<Attempt['signatures']>): string {
  const byDomain = Map.groupBy(signatures, ({ domain }) => domain)
  return [...byDomain]
    .map(([domain, keys]) => `${domain}, with ${keys.map(({ selector }) => selector).join(' and ')}`)
    .join('; ')
}

export function describeLookup({ by, name, hosts }: Lookup): string {
  const list = hosts
    .map(({ host, preference, addresses }) => {
      const rank = preference === undefined ? '' : `, preference ${preference}`
      return `${host} (${addresses.length > 0 ? addresses.join(', ') : 'no address'}${rank})`
    })
    .join('; ')
  switch (by) {
    case 'mx':
      return `the DNS names for ${name}: ${list}`
    case 'literal':
      return `the address ${name}, which the recipient's address names`
    case 'smart-host':
      return `all mail leaves through the smart host ${name}: ${list}`
    case 'rerouted':
      return `an administrator sends it to ${name}: ${list}`
    case 'lmtp':
      return `the mailboxes are behind LMTP at ${name}${list === '' ? '' : `: ${list}`}`
    default:
      return by satisfies never
  }
}

function describeOutcome(
  { recipient, outcome, fetched, filter }: Attempt,
  number: string,
  next: string,
): string {
  switch (outcome.kind) {
    case 'delivered':
      return outcome.isCopy
        ? `Delivered to ${recipient}: this account has the message already, and gets no second copy`
        : `Delivered to ${recipient}: ${outcome.isMoved ? 'it was in Junk already, and has moved to' : 'it is in'} the mailbox ${outcome.mailbox}`
    case 'discarded':
      return `Discarded for ${recipient}: a rule of the account wants it nowhere`
    case 'shown':
      return `Shown at the terminal of ${recipient}`
    case 'relayed': {
      const tls = outcome.tls ? `, encrypted with ${outcome.tls}` : ''
      const time = outcome.keepsTime === false ? ', which promises no time of delivery,' : ''
      const way = fetched
        ? `Fetched by the account ${fetched.account} (${fetched.verb}), as ${outcome.remoteMta} at ${outcome.remoteAddress}`
        : `${outcome.isFinal ? 'Delivered over LMTP' : 'Handed'} to ${outcome.remoteMta} at ${outcome.remoteAddress}`
      return `${way}${tls}${time} for ${recipient}: ${formatReply(outcome.reply)}`
    }
    case 'expanded':
      return `${recipient} ${filter ? 'sends it on' : 'leads'} to ${listRecipients(outcome.into)}`
    case 'deferred':
      return `Not delivered yet to ${recipient}${number}: ${describeDiagnosis(outcome.diagnosis)}${next}`
    case 'failed':
      return `Failed for ${recipient}${number}: ${describeDiagnosis(outcome.diagnosis)}`
    case 'expired':
      return `Given up for ${recipient}${number}, the time for trying is over. Last: ${describeDiagnosis(outcome.diagnosis)}`
    default:
      return outcome satisfies never
  }
}

export function describeDiagnosis({ detail, reply }: Diagnosis): string {
  return reply ? `${detail} [${formatReply(reply)}]` : detail
}

/** '550 5.1.1 No such mailbox' */
export function formatReply({ code, enhanced, lines }: Reply): string {
  return [String(code), ...(enhanced ? [enhanced] : []), ...lines].join(' ')
}
