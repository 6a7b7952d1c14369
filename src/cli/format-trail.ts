// The trail of a message in plain words: one entry a step, for someone who does not know SMTP.
import type { DeliveryOutcome, Diagnosis } from '../delivery/outcome.ts'
import type { Reply } from '../smtp/reply.ts'
import type { TlsEvidence } from '../tls-policy/server-policy.ts'
import type { FoundBy, Reception, TrailEvent } from '../trail/events.ts'
import { formatSize, formatTime } from './quantities.ts'

export interface TrailEntry {
  readonly text: string
  /** What belongs to the step but is not needed to understand it: the dialogue with the other server. */
  readonly dialogue: readonly string[]
}

export function describeEvent(event: TrailEvent): TrailEntry {
  switch (event.kind) {
    case 'received':
      return { text: describeReception(event.reception), dialogue: [] }
    case 'refused':
      return {
        text: describeRefusal(event),
        dialogue: [],
      }
    case 'attempted':
      return { text: describeAttempt(event), dialogue: event.dialogue ?? [] }
    case 'postponed':
      return {
        text: `Not tried for ${event.recipient}: the destination could not be reached a moment ago (${describeDiagnosis(event.diagnosis)}); next attempt at ${formatTime(event.nextAttemptAt)}`,
        dialogue: [],
      }
    case 'reported':
      return {
        text: `Told the sender (${reportWords[event.action] ?? event.action}) about ${event.recipients.join(', ')}, in message ${event.reportId}`,
        dialogue: [],
      }
    case 'reports':
      return {
        text: `A report of this server to the sender of message ${event.aboutId} (${reportWords[event.action] ?? event.action}): ${event.recipients.join(', ')}`,
        dialogue: [],
      }
    case 'set-aside':
      return {
        text: `Put on hold for ${event.recipient}: the delivery thread died each time it had this message; "postrider queue release" tries it again`,
        dialogue: [],
      }
    case 'administered':
      return {
        text: `An administrator: ${event.action}${event.recipient ? ` for ${event.recipient}` : ''}`,
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
    default:
      return event satisfies never
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

function describeReception(reception: Reception): string {
  const name = reception.heloName
    ? `${reception.heloName} (${reception.remoteAddress})`
    : reception.remoteAddress
  const tls = reception.tls ? `encrypted with ${reception.tls}` : 'not encrypted'
  const account = reception.account ? `, logged in as ${reception.account}` : ''
  const from =
    reception.reversePath === '' || reception.reversePath === '<>'
      ? 'the null sender <>'
      : reception.reversePath
  return `Received from ${name}, ${tls}${account}: ${formatSize(reception.size)} from ${from} to ${reception.recipients.join(', ')}`
}

function describeRefusal(event: Extract<TrailEvent, { kind: 'refused' }>): string {
  const { command, remoteAddress, forwardPath, loginName, blockedUntil, reply } = event
  const who = loginName === undefined ? remoteAddress : `${remoteAddress} as ${loginName}`
  const block =
    blockedUntil === undefined
      ? ''
      : ` (too many wrong passwords from there: refused until ${formatTime(blockedUntil)}, the right one too)`
  return `Refused ${command} of ${who}${forwardPath ? ` to ${forwardPath}` : ''}: ${formatReply(reply)}${block}`
}

type Attempt = Extract<TrailEvent, { kind: 'attempted' }>

function describeAttempt({ recipient, attempt, outcome, mxHosts, tls, nextAttemptAt }: Attempt): string {
  const hosts = mxHosts && mxHosts.length > 0 ? ` (servers tried: ${mxHosts.join(', ')})` : ''
  const number = attempt > 1 ? `, attempt ${attempt}` : ''
  const proof = outcome.kind === 'relayed' && tls ? describeProof(tls.at(-1)) : ''
  return describeOutcome(recipient, number, outcome, nextAttemptAt) + proof + hosts
}

/** What a policy of the receiver made of the connection that took the message. */
function describeProof(evidence: TlsEvidence | undefined): string {
  if (!evidence || evidence.policy === 'none') return ''
  const whose = evidence.policy === 'dane' ? 'its DNS demands (DANE)' : 'its MTA-STS policy demands'
  if (evidence.result === 'verified') return `; the certificate of ${evidence.host} is as ${whose}`
  if (evidence.failure)
    return `; that is not as ${whose}, which is not in force yet: ${evidence.failure.detail}`
  return `; encrypted as ${whose}`
}

function describeOutcome(
  recipient: string,
  number: string,
  outcome: DeliveryOutcome,
  nextAttemptAt: number | undefined,
): string {
  switch (outcome.kind) {
    case 'delivered':
      return outcome.isCopy
        ? `Delivered to ${recipient}: this account has the message already, and gets no second copy`
        : `Delivered to ${recipient}: it is in the mailbox ${outcome.mailbox}`
    case 'shown':
      return `Shown at the terminal of ${recipient}`
    case 'relayed': {
      const tls = outcome.tls ? `, encrypted with ${outcome.tls}` : ''
      const time = outcome.keepsTime === false ? ', which promises no time of delivery,' : ''
      return `Handed to ${outcome.remoteMta} at ${outcome.remoteAddress}${tls}${time} for ${recipient}: ${formatReply(outcome.reply)}`
    }
    case 'expanded':
      return `${recipient} leads to ${outcome.into.join(', ')}`
    case 'deferred': {
      const next = nextAttemptAt === undefined ? '' : `; next attempt at ${formatTime(nextAttemptAt)}`
      return `Not delivered yet to ${recipient}${number}: ${describeDiagnosis(outcome.diagnosis)}${next}`
    }
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
