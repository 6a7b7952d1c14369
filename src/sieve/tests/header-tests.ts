// What fields and the envelope say: `header`, `address` (RFC 5228 §5.1, §5.7, RFC 5260 §6) and `envelope` (§5.4).
import { formatAddress, formatReversePath } from '../../address/format-address.ts'
import { checkConstants } from '../language/arguments.ts'
import type { Argument, Call, TestDefinition } from '../language/definitions.ts'
import { checkMatch, matchAny, matchTags } from '../match/match-arguments.ts'
import {
  addressTags,
  checkIndex,
  indexOf,
  indexTags,
  partOf,
  readAddresses,
  splitAddress,
} from '../message/address-parts.ts'
import { oneAt } from '../message/message-view.ts'
import type { Run } from '../run.ts'

/** RFC 5260 §6: with several names, all their fields are counted. */
export function chosenValues(
  call: Call,
  names: Argument | undefined,
  run: Run,
  valuesOf = (name: string): string[] => run.message.values(name),
): string[] {
  const values = run.strings(names).flatMap(valuesOf)
  const index = indexOf(call)
  return index === undefined ? values : values.slice(...oneAt(values.length, index, call.tags.has('last')))
}

const header: TestDefinition = {
  name: 'header',
  tags: { ...matchTags, ...indexTags },
  parameters: [
    { name: 'names of fields', kind: 'string-list' },
    { name: 'what is sought', kind: 'string-list' },
  ],
  check(call, checker) {
    checkMatch(call, call.arguments[1], checker)
    checkIndex(call, checker)
  },
  evaluate(call, run) {
    const [names, keys] = call.arguments
    return matchAny(call, run, chosenValues(call, names, run), run.strings(keys))
  },
}

/** RFC 5228 §5.1: these, and what else has addresses. */
const addressFields = [
  'from',
  'to',
  'cc',
  'bcc',
  'sender',
  'reply-to',
  'resent-from',
  'resent-to',
  'resent-cc',
  'resent-bcc',
  'resent-sender',
  'resent-reply-to',
  'return-path',
  'delivered-to',
  'x-original-to',
  'envelope-to',
  'errors-to',
  'disposition-notification-to',
  'return-receipt-to',
  'mail-followup-to',
  'mail-reply-to',
  'approved',
  'abuse-reports-to',
  'x-complaints-to',
  'x-report-abuse-to',
  'x-sender',
  'x-beenthere',
]

const address: TestDefinition = {
  name: 'address',
  tags: { ...matchTags, ...addressTags, ...indexTags },
  parameters: [
    { name: 'names of fields', kind: 'string-list' },
    { name: 'what is sought', kind: 'string-list' },
  ],
  check(call, checker) {
    checkMatch(call, call.arguments[1], checker)
    checkIndex(call, checker)
    checkConstants(call.arguments[0], checker, name =>
      addressFields.includes(name.toLowerCase())
        ? undefined
        : `The field ${JSON.stringify(name.slice(0, 60))} has no addresses that address could look at: use header for it.`,
    )
  },
  evaluate(call, run) {
    const [names, keys] = call.arguments
    const { recipientDelimiter } = run.circumstances
    // RFC 5228 §5.1: never the phrase, whatever it decodes to.
    const written = chosenValues(call, names, run, name => run.message.writtenValues(name))
    run.spend(written.reduce((sum, value) => sum + value.length, 0))
    const addresses = written.flatMap(readAddresses)
    const parts = addresses.flatMap(each => partOf(call, each, recipientDelimiter) ?? [])
    return matchAny(call, run, parts, run.strings(keys))
  },
}

const envelopeParts = ['from', 'to', 'auth', 'orig_to']

const envelope: TestDefinition = {
  name: 'envelope',
  extensions: ['envelope'],
  tags: { ...matchTags, ...addressTags },
  parameters: [
    { name: '"from" or "to"', kind: 'string-list' },
    { name: 'what is sought', kind: 'string-list' },
  ],
  check(call, checker) {
    checkMatch(call, call.arguments[1], checker)
    checkConstants(call.arguments[0], checker, part =>
      envelopeParts.includes(part.toLowerCase())
        ? undefined
        : 'The envelope has "from" and "to": who sent the message, and to whom it came.',
    )
  },
  evaluate(call, run) {
    const [parts, keys] = call.arguments
    const { recipientDelimiter } = run.circumstances
    const values = run.strings(parts).flatMap(part => {
      const text = envelopeText(part.toLowerCase(), run)
      if (text === undefined) return []
      // RFC 5228 §5.4: the null reverse-path is the empty string, whatever part of it is asked for.
      if (text === '') return ['']
      return partOf(call, splitAddress(text), recipientDelimiter) ?? []
    })
    // RFC 5231 §4.2: the null reverse-path does not count.
    const count = values.filter(value => value !== '').length
    return matchAny(call, run, values, run.strings(keys), { count })
  },
}

function envelopeText(part: string, { circumstances: { envelope } }: Run): string | undefined {
  switch (part) {
    case 'from':
      return formatReversePath(envelope.reversePath)
    case 'to':
      return formatAddress(envelope.recipient)
    case 'orig_to':
      return formatAddress(envelope.originalRecipient ?? envelope.recipient)
    case 'auth':
      return envelope.authenticatedAs
    default:
      return undefined
  }
}

export const headerTests: readonly TestDefinition[] = [header, address, envelope]
