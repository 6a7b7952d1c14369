// vacation (RFC 5230, RFC 6131): an answer while somebody is away, to people and not to programs (RFC 3834).
import type { Address } from '../../address/address.ts'
import { addressKey } from '../../address/address-key.ts'
import { formatAddress, formatAddressForPeople } from '../../address/format-address.ts'
import { parseAddress } from '../../address/parse-address.ts'
import { decodeEncodedWords } from '../../message/encoded-words.ts'
import { writtenAddresses } from '../../message/written-addresses.ts'
import { checkConstants, type GivenArgument, numberOf, templateOf } from '../language/arguments.ts'
import type { Call, CommandCall, CommandDefinition } from '../language/definitions.ts'
import { cleanText, oneLine, shorten } from '../message/clean-text.ts'
import { readAddressList, readOneAddress } from '../message/one-address.ts'
import type { Run } from '../run.ts'
import { ScriptError } from '../script-error.ts'
import { badAddress } from './store.ts'

const secondsPerDay = 86_400
const defaultSeconds = 7 * secondsPerDay
const maxSubjectLength = 256

const vacation: CommandDefinition = {
  name: 'vacation',
  extensions: ['vacation', 'vacation-seconds'],
  tags: {
    days: { value: 'number', group: 'how long' },
    seconds: { value: 'number', group: 'how long', extension: 'vacation-seconds' },
    subject: { value: 'string' },
    from: { value: 'string' },
    addresses: { value: 'string-list' },
    mime: {},
    handle: { value: 'string' },
  },
  parameters: [{ name: 'the text of the answer', kind: 'string' }],
  check(call, checker) {
    checkConstants(call.tags.get('from'), checker, fromProblem)
    const reason = templateOf(call.arguments[0])
    const text = reason?.constant
    // §5: 8-bit text has no place in the header of an entity.
    if (reason && call.tags.has('mime') && text !== undefined && !hasAsciiHeader(text))
      checker.problem(
        reason,
        'With :mime the text begins with fields (Content-Type: …), and these must be in ASCII.',
      )
  },
  async run(call, run) {
    if (run.has('reject'))
      throw new ScriptError(
        call,
        'The message was rejected before, and is not to be answered as well. Write stop; behind the reject.',
      )
    // §4.7
    if (run.hasVacation)
      throw new ScriptError(
        call,
        'vacation was used before, and can be used once for a message. Put the two into if and else.',
      )
    run.hasVacation = true
    const { reversePath } = run.circumstances.envelope
    if (!reversePath) return skip(call, run, 'the message comes from a program: it has no sender')
    const answering = findAnswering(call, run, reversePath)
    if (typeof answering === 'string') return skip(call, run, answering)
    const key = responseKey(call, run, reversePath)
    if (await run.circumstances.memory.has('vacation', key))
      return skip(call, run, `${formatAddressForPeople(reversePath)} has had this answer`)
    answer(call, run, { to: reversePath, answering, key })
    return 'next'
  },
}

function skip(call: CommandCall, run: Run, why: string): 'next' {
  run.tell('note', call, `vacation does not answer: ${why}`)
  return 'next'
}

interface Answer {
  readonly to: Address
  /** The address of the account that the message was written to. */
  readonly answering: Address
  readonly key: string
}

function answer(call: CommandCall, run: Run, { to, answering, key }: Answer): void {
  const from = call.tags.has('from') ? run.string(call.tags.get('from')).trim() : undefined
  const problem = from === undefined ? undefined : fromProblem(from)
  if (problem !== undefined) throw new ScriptError(call, problem)
  run.remember({ kind: 'vacation', key, seconds: periodOf(call, run) })
  const { messageId, references } = threadOf(run)
  run.act(
    {
      kind: 'vacation',
      to,
      from: from ?? formatAddress(answering),
      subject: subjectOf(call, run),
      text: cleanText(run.string(call.arguments[0])),
      isMime: call.tags.has('mime'),
      inReplyTo: messageId,
      references,
      origin: run.originOf(call),
    },
    `vacation answers ${formatAddressForPeople(to)}`,
  )
}

/** As generous as RFC 5322 §3.6.4 allows, and nothing that could not stand in a field. */
const messageIds = /<[!-;=?-~]{1,250}>/g

interface Thread {
  /** Of the message, with its brackets. */
  readonly messageId: string | undefined
  readonly references: readonly string[]
}

/** RFC 5322 §3.6.4: those of the message, or what it answers itself, and then it. */
export function threadOf({ message }: Run): Thread {
  const messageId = message.values('message-id')[0]?.match(messageIds)?.[0]
  const before = message.values('references')[0] ?? message.values('in-reply-to')[0] ?? ''
  const known = [...before.matchAll(messageIds)].map(([id]) => id)
  // The first tells the thread, the last ones the place in it.
  const kept = known.length > 20 ? [...known.slice(0, 1), ...known.slice(-19)] : known
  const references = messageId === undefined ? kept : [...kept.filter(id => id !== messageId), messageId]
  return { messageId, references }
}

/** Auto-Submitted says so (RFC 3834 §5). */
export function isAutoSubmitted({ message }: Run): boolean {
  const submitted = message.values('auto-submitted')[0]
  return submitted !== undefined && !/^no\b/i.test(submitted)
}

/** §4.1, RFC 6131 §2: never less than the least, nor more than the most. */
function periodOf({ tags }: Call, { limits }: Run): number {
  const days = numberOf(tags.get('days'))
  const seconds = numberOf(tags.get('seconds'))
  const asked = seconds ?? (days === undefined ? defaultSeconds : Math.max(days, 1) * secondsPerDay)
  // RFC 6131 §2: 0 answers each message, where a site allows that; the least is what this one does.
  return Math.min(Math.max(asked, limits.minVacationSeconds), limits.maxVacationSeconds)
}

/** §5.3 */
function subjectOf(call: Call, run: Run): string {
  const original = run.message.values('subject')[0]
  const subject = call.tags.has('subject')
    ? run.string(call.tags.get('subject'))
    : original === undefined || original === ''
      ? 'Automated reply'
      : `Auto: ${original}`
  // Some scripts were made by programs that encode it themselves.
  return shorten(oneLine(decodeEncodedWords(subject)), maxSubjectLength)
}

/** §4.2: what the answer is told from others by, before variables have been put in. */
function responseKey(call: Call, run: Run, to: Address): string {
  const written = (argument: GivenArgument): string | null => templateOf(argument)?.written ?? null
  const what = call.tags.has('handle')
    ? [run.string(call.tags.get('handle'))]
    : [
        written(call.tags.get('subject')),
        written(call.tags.get('from')),
        call.tags.has('mime'),
        written(call.arguments[0]),
      ]
  return JSON.stringify([addressKey(to), ...what])
}

/** Which address of the account answers, or why none does (RFC 5230 §4.5, §4.6; RFC 3834 §2). */
function findAnswering(call: Call, run: Run, reversePath: Address): Address | string {
  const { message } = run
  if (isAutomatic(reversePath)) return `${formatAddressForPeople(reversePath)} is the address of a program`
  const own = ownAddresses(call, run)
  if (own.has(addressKey(reversePath))) return 'the message comes from this account itself'
  if (isAutoSubmitted(run)) return 'the message is automatic (Auto-Submitted)'
  const listField = listFields.find(name => message.values(name).length > 0)
  if (listField !== undefined) return `the message comes from a mailing list (${listField})`
  if (message.values('precedence').some(value => /^(bulk|junk|list)\b/i.test(value)))
    return 'the message is bulk mail (Precedence)'
  if (message.values('x-auto-response-suppress').some(value => /\b(all|oof|autoreply)\b/i.test(value)))
    return 'the message asks for no automatic answers (X-Auto-Response-Suppress)'
  return (
    findOwnerInRecipients(own, run) ??
    'none of the addresses of this account stands in To or Cc. List others with :addresses'
  )
}

const listFields = [
  'List-Id',
  'List-Help',
  'List-Subscribe',
  'List-Unsubscribe',
  'List-Post',
  'List-Owner',
  'List-Archive',
]

const automaticLocalParts = [
  'mailer-daemon',
  'listserv',
  'majordomo',
  'noreply',
  'no-reply',
  'do-not-reply',
  'donotreply',
  'bounce',
  'bounces',
]

function isAutomatic({ localPart }: Address): boolean {
  // A list that asks each member by an address of his own writes him behind it: list-bounces+anna=example.org.
  const [name = ''] = localPart.toLowerCase().split('+')
  return (
    automaticLocalParts.includes(name) ||
    name.startsWith('owner-') ||
    name.endsWith('-request') ||
    name.endsWith('-bounces')
  )
}

function ownAddresses(call: Call, run: Run): ReadonlySet<string> {
  const { owner, envelope } = run.circumstances
  const written = run.strings(call.tags.get('addresses')).flatMap(text => readOneAddress(text) ?? [])
  return new Set([...owner.addresses, envelope.recipient, ...written].map(addressKey))
}

const recipientFields = ['to', 'cc', 'bcc', 'resent-to', 'resent-cc', 'resent-bcc']
const maxRecipientsLookedAt = 1000

/** The first of the account's own addresses that the message was written to: the one that answers. */
function findOwnerInRecipients(own: ReadonlySet<string>, { message }: Run): Address | undefined {
  return recipientFields
    .flatMap(name => message.writtenValues(name))
    .flatMap(writtenAddresses)
    .slice(0, maxRecipientsLookedAt)
    .map(parseAddress)
    .find(address => address !== undefined && own.has(addressKey(address)))
}

/** RFC 5322 §3.4, as far as a From field goes: names and addresses, with commas between them. */
function fromProblem(text: string): string | undefined {
  if (readAddressList(text)) return undefined
  return text.includes('@')
    ? `:from ${badAddress(text).replace('is no address:', 'cannot stand in From:')}`
    : `:from needs an address, as in "Anna <anna@example.org>", not ${JSON.stringify(text.slice(0, 100))}.`
}

function hasAsciiHeader(text: string): boolean {
  const end = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n')
  return !/[^\0-\x7f]/.test(end < 0 ? text : text.slice(0, end))
}

export const vacationCommands: readonly CommandDefinition[] = [vacation]
