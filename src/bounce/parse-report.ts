// A report from another server: a delivery status notification (RFC 3464, RFC 6533), one of qmail's, or a complaint (RFC
// 5965, or Microsoft's), and which message it speaks of. From whatever bytes: what cannot be read is not there.
import type { Address } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { decodeUtf8Address } from '../address/utf8-address.ts'
import { findFieldValue, type HeaderField, parseHeaderFields } from '../message/header-section.ts'
import { isMessageId } from '../message/message-id.ts'
import { replaceControls } from '../runtime/text.ts'
import { type MessagePart, splitEntity, splitMessage } from './message-parts.ts'
import { parseQsbmf, type QsbmfReport } from './parse-qsbmf.ts'
import type { ReportAction } from './report.ts'

export interface IncomingReport {
  readonly recipients: readonly IncomingRecipient[]
  /** RFC 5965 §3.1: 'abuse', 'not-spam' …, where it is a complaint. */
  readonly feedbackType?: string | undefined
  /** ENVID=, as the sender gave it. */
  readonly envelopeId?: string | undefined
  readonly reportingMta?: string | undefined
  /** Of the header section that came back: '<1@example.test>'. */
  readonly messageId?: string | undefined
  /** Queue ids that a Received field of this server gave, in what came back. */
  readonly queueIds: readonly string[]
}

export interface IncomingRecipient {
  readonly action?: ReportAction | undefined
  /** RFC 3463 */
  readonly status?: string | undefined
  readonly finalRecipient?: Address | undefined
  /** As the sender named it (ORCPT=). */
  readonly originalRecipient?: Address | undefined
  readonly diagnostic?: string | undefined
  readonly remoteMta?: string | undefined
}

const maxRecipients = 50
const maxQueueIds = 5
const maxTextLength = 400

/** `hostname`: the name by which this server calls itself in Received fields. */
export function parseReport(message: Uint8Array, hostname: string): IncomingReport {
  const parts = splitMessage(message)
  const status = parts.find(({ type }) => /^message\/(?:global-)?delivery-status$/.test(type))
  const feedback = parts.find(({ type }) => type === 'message/feedback-report')
  const ofQmail = status || feedback ? undefined : parseQsbmf(parts[0]?.body ?? Buffer.alloc(0))
  const returned = ofQmail ? parseHeaderFields(splitEntity(ofQmail.returned).section) : findReturned(parts)
  const messageId = returned && findFieldValue(returned, 'message-id')
  // A part for programs says what it is; a field of what came back says so only where there is no other.
  const complaint = status && !feedback ? undefined : readComplaint(feedback, returned)
  return {
    ...(status
      ? readStatus(status)
      : { recipients: ofQmail ? readQsbmf(ofQmail) : readFailedRecipients(message) }),
    ...complaint,
    messageId: messageId !== undefined && isMessageId(messageId) ? messageId : undefined,
    queueIds: findQueueIds([Buffer.from(message), ...parts.map(({ body }) => body)], hostname),
  }
}

const returnedTypes: ReadonlySet<string> = new Set([
  'message/rfc822',
  'message/rfc822-headers',
  'text/rfc822-headers',
  'text/rfc822',
  'message/global',
  'message/global-headers',
])

function findReturned(parts: readonly MessagePart[]): readonly HeaderField[] | undefined {
  const part = parts.findLast(({ type }) => returnedTypes.has(type))
  return part && parseHeaderFields(splitEntity(part.body).section)
}

function readStatus({
  body,
}: MessagePart): Pick<IncomingReport, 'recipients' | 'envelopeId' | 'reportingMta'> {
  const groups = splitGroups(body)
  const ofMessage = groups[0] ?? []
  // Some leave out the empty line between the two kinds.
  const ofRecipients = groups.filter(isAboutRecipient)
  return {
    envelopeId: text(findFieldValue(ofMessage, 'original-envelope-id')),
    reportingMta: withoutType(findFieldValue(ofMessage, 'reporting-mta')),
    recipients: ofRecipients.slice(0, maxRecipients).map(readRecipient),
  }
}

function isAboutRecipient(fields: readonly HeaderField[]): boolean {
  return fields.some(({ name }) => /^(?:final|original)-recipient$/i.test(name))
}

/** Groups of fields, with an empty line between them (RFC 3464 §2.1). */
function splitGroups(body: Buffer): HeaderField[][] {
  return body
    .toString('latin1')
    .split(/\r?\n[ \t]*\r?\n/)
    .slice(0, maxRecipients + 10)
    .map(group => parseHeaderFields(Buffer.from(group, 'latin1')))
    .filter(fields => fields.length > 0)
}

function readRecipient(fields: readonly HeaderField[]): IncomingRecipient {
  const status = /^[245]\.\d{1,3}\.\d{1,3}/.exec(findFieldValue(fields, 'status') ?? '')?.[0]
  return {
    action: readAction(findFieldValue(fields, 'action'), status),
    status,
    finalRecipient: readAddress(findFieldValue(fields, 'final-recipient')),
    originalRecipient: readAddress(findFieldValue(fields, 'original-recipient')),
    diagnostic: withoutType(findFieldValue(fields, 'diagnostic-code')),
    remoteMta: withoutType(findFieldValue(fields, 'remote-mta')),
  }
}

const actions: readonly ReportAction[] = ['failed', 'delayed', 'delivered', 'relayed', 'expanded']

function readAction(value: string | undefined, status: string | undefined): ReportAction | undefined {
  const word = (value ?? '').trim().toLowerCase()
  const action = actions.find(each => word === each || word.startsWith(`${each} `))
  if (action) return action
  if (status === undefined) return undefined
  return status.startsWith('5') ? 'failed' : status.startsWith('4') ? 'delayed' : 'delivered'
}

/** 'rfc822; boris@example.org', 'utf-8; …' (RFC 6533 §3); some write angle brackets. */
function readAddress(value: string | undefined): Address | undefined {
  if (value === undefined) return undefined
  const semicolon = value.indexOf(';')
  const type = value.slice(0, Math.max(semicolon, 0)).trim().toLowerCase()
  const address = value
    .slice(semicolon + 1)
    .trim()
    .replace(/^<(.*)>$/, '$1')
  const decoded = type === 'utf-8' ? decodeUtf8Address(address) : address
  return decoded === undefined ? undefined : parseAddress(decoded)
}

/** Exim names the recipients in the header section, also where its report is none of RFC 3464. */
function readFailedRecipients(message: Uint8Array): IncomingRecipient[] {
  const fields = parseHeaderFields(splitEntity(Buffer.from(message)).section)
  return (findFieldValue(fields, 'x-failed-recipients') ?? '')
    .split(',')
    .slice(0, maxRecipients)
    .flatMap(address => {
      const finalRecipient = parseAddress(address.trim())
      return finalRecipient ? [{ action: 'failed' as const, finalRecipient }] : []
    })
}

function readQsbmf({ recipients }: QsbmfReport): IncomingRecipient[] {
  return recipients.slice(0, maxRecipients).map(({ recipient, status, reason }) => ({
    action: 'failed',
    status,
    finalRecipient: recipient,
    diagnostic: text(reason),
  }))
}

type Complaint = Pick<IncomingReport, 'feedbackType' | 'recipients' | 'envelopeId' | 'reportingMta'>

/**
 * Microsoft (Junk Mail Reporting Program) says who complains in a field of its own in what comes back: beside a part for
 * programs that names nobody, or without such a part.
 */
function readComplaint(
  feedback: MessagePart | undefined,
  returned: readonly HeaderField[] | undefined,
): Complaint | undefined {
  const complainant = readAddress(returned && findFieldValue(returned, 'x-hmxmroriginalrecipient'))
  const recipients = complainant ? [{ originalRecipient: complainant }] : []
  if (feedback) {
    const read = readFeedback(feedback)
    return read.recipients.length > 0 ? read : { ...read, recipients }
  }
  return complainant && { feedbackType: 'abuse', recipients }
}

/** RFC 5965 §3. */
function readFeedback({ body }: MessagePart): Complaint {
  const fields = splitGroups(body).flat()
  const named = fields.filter(({ name }) => name.toLowerCase() === 'original-rcpt-to').slice(0, maxRecipients)
  return {
    feedbackType: text(findFieldValue(fields, 'feedback-type'))?.toLowerCase() ?? 'abuse',
    envelopeId: text(findFieldValue(fields, 'original-envelope-id')),
    reportingMta: withoutType(findFieldValue(fields, 'reporting-mta')),
    recipients: named.flatMap(({ value }) => {
      const originalRecipient = parseAddress(value.replace(/^<(.*)>$/, '$1'))
      return originalRecipient ? [{ originalRecipient }] : []
    }),
  }
}

/** 'smtp; 550 5.1.1 No such user' */
function withoutType(value: string | undefined): string | undefined {
  return value === undefined ? undefined : text(value.slice(value.indexOf(';') + 1))
}

function text(value: string | undefined): string | undefined {
  const printable = replaceControls((value ?? '').toWellFormed(), ' ')
    .trim()
    .slice(0, maxTextLength)
  return printable === '' ? undefined : printable
}

const mark = '(Postrider)'
const maxMarks = 50

/** Of our own trace fields (`composeReceived`), however the servers on the way have folded them. */
function findQueueIds(texts: readonly Buffer[], hostname: string): string[] {
  const found = new Set<string>()
  let marks = 0
  for (const each of texts) {
    for (let from = 0; found.size < maxQueueIds && marks < maxMarks; marks++) {
      const at = each.indexOf(mark, from)
      if (at < 0) break
      from = at + mark.length
      const before = each.toString('latin1', Math.max(0, at - hostname.length - 20), at)
      const behind = each.toString('latin1', from, from + 80)
      const id = /^\s{1,9}with\s{1,9}[A-Z0-9]{1,20}\s{1,9}id\s{1,9}([0-9A-Za-z]{1,20})\b/.exec(behind)?.[1]
      if (
        id !== undefined &&
        /\sby\s+$/.test(before.trimEnd().slice(0, -hostname.length)) &&
        before.trimEnd().endsWith(hostname)
      )
        found.add(id)
    }
  }
  return [...found]
}
