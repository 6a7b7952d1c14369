// notify, valid_notify_method and notify_method_capability (RFC 5435), with the method mailto (RFC 5436).
import type { Address } from '../../address/address.ts'
import { addressKey } from '../../address/address-key.ts'
import { formatAddress } from '../../address/format-address.ts'
import { checkConstants } from '../language/arguments.ts'
import type { CommandCall, CommandDefinition, TestDefinition } from '../language/definitions.ts'
import { checkMatch, matchAny, matchTags } from '../match/match-arguments.ts'
import { cleanText, oneLine, shorten } from '../message/clean-text.ts'
import { readOneAddress } from '../message/one-address.ts'
import type { Run } from '../run.ts'
import { ScriptError } from '../script-error.ts'
import { isMailto, type Mailto, parseMailto } from './mailto.ts'
import { isAutoSubmitted, threadOf } from './vacation.ts'

const maxSubjectLength = 256
/** RFC 5435 §3.5 */
const option = /^[A-Za-z0-9][A-Za-z0-9.\-_]*=[^\0\r\n]*$/

/** Or what is wrong with it. */
function readMethod(uri: string): Mailto | string {
  if (!isMailto(uri))
    return `This server sends notifications by mail only: write "mailto:anna@example.org", not ${JSON.stringify(uri.slice(0, 60))}.`
  const mailto = parseMailto(uri)
  return typeof mailto === 'string' ? `This mailto URI cannot be used. ${mailto}` : mailto
}

function methodProblem(uri: string): string | undefined {
  const method = readMethod(uri)
  return typeof method === 'string' ? method : undefined
}

function importanceProblem(text: string): string | undefined {
  return ['1', '2', '3'].includes(text) ? undefined : ':importance is "1" (high), "2" or "3" (low).'
}

function fromProblem(text: string): string | undefined {
  return readOneAddress(text)
    ? undefined
    : `:from needs one address, as in "Anna <anna@example.org>", not ${JSON.stringify(text.slice(0, 60))}.`
}

function optionProblem(text: string): string | undefined {
  return option.test(text) ? undefined : 'An option is written "name=value".'
}

const notify: CommandDefinition = {
  name: 'notify',
  extensions: ['enotify'],
  tags: {
    from: { value: 'string' },
    importance: { value: 'string' },
    options: { value: 'string-list' },
    message: { value: 'string' },
  },
  parameters: [{ name: 'a method ("mailto:anna@example.org")', kind: 'string' }],
  check(call, checker) {
    checkConstants(call.tags.get('importance'), checker, importanceProblem)
    checkConstants(call.tags.get('from'), checker, fromProblem)
    checkConstants(call.tags.get('options'), checker, optionProblem)
    // RFC 5435 §3.2: a method that is not there is a mistake of the run; that a mailto URI is none can be seen now.
    checkConstants(call.arguments[0], checker, uri => (isMailto(uri) ? methodProblem(uri) : undefined))
  },
  run(call, run) {
    const mailto = readMethod(run.string(call.arguments[0]))
    if (typeof mailto === 'string') throw new ScriptError(call, mailto)
    const problem =
      tagProblem(call, run, 'importance', importanceProblem) ?? tagProblem(call, run, 'from', fromProblem)
    if (problem !== undefined) throw new ScriptError(call, problem)
    // RFC 5436 §2.7: what is automatic itself tells nobody, or two such scripts would write to each other for ever.
    if (isAutoSubmitted(run)) {
      run.tell('note', call, 'notify tells nobody: the message is automatic (Auto-Submitted)')
      return 'next'
    }
    send(call, run, mailto)
    return 'next'
  },
}

function tagProblem(
  call: CommandCall,
  run: Run,
  tag: string,
  problemOf: (text: string) => string | undefined,
): string | undefined {
  return call.tags.has(tag) ? problemOf(run.string(call.tags.get(tag))) : undefined
}

function send(call: CommandCall, run: Run, mailto: Mailto): void {
  const { envelope } = run.circumstances
  const from = call.tags.has('from') ? run.string(call.tags.get('from')) : undefined
  const importance = call.tags.has('importance') ? Number(run.string(call.tags.get('importance'))) : 2
  // RFC 5436 §2.7: one notification for an address is enough.
  const untold = (list: readonly Address[]): Address[] =>
    list.filter(each => {
      const isNew = !run.notified.has(addressKey(each))
      run.notified.add(addressKey(each))
      return isNew
    })
  const [to, cc, bcc] = [untold(mailto.to), untold(mailto.cc), untold(mailto.bcc)]
  const recipients = [...to, ...cc, ...bcc].map(formatAddress)
  if (recipients.length === 0) {
    run.tell('note', call, 'notify has told these addresses before')
    return
  }
  run.act(
    {
      kind: 'notify',
      to,
      cc,
      bcc,
      reversePath: envelope.reversePath === null ? null : (authorOf(from) ?? envelope.recipient),
      from: from ?? formatAddress(envelope.recipient),
      subject: subjectOf(call, run, mailto),
      text: cleanText(mailto.body ?? defaultText(run)),
      importance: importance === 1 ? 1 : importance === 3 ? 3 : 2,
      fields: mailto.fields,
      references: threadOf(run).references,
      origin: run.originOf(call),
    },
    `notify ${recipients.join(', ')}`,
  )
  if (run.count('notify') > run.limits.maxNotifications)
    throw new ScriptError(
      call,
      `A message may be told of ${run.limits.maxNotifications} times, and this would be once more.`,
    )
}

function authorOf(from: string | undefined): Address | undefined {
  return from === undefined ? undefined : readOneAddress(from)
}

function subjectOf(call: CommandCall, run: Run, mailto: Mailto): string {
  const subject = call.tags.has('message')
    ? run.string(call.tags.get('message'))
    : (mailto.subject ?? run.message.values('subject')[0] ?? '')
  return shorten(oneLine(subject), maxSubjectLength) || 'New mail'
}

/** RFC 5435 §3.6: who wrote, and about what. */
function defaultText({ message }: Run): string {
  const from = message.values('from')[0] ?? 'nobody'
  const subject = message.values('subject')[0] ?? ''
  return `From: ${oneLine(from).slice(0, 500)}\r\nSubject: ${oneLine(subject).slice(0, 500)}\r\n`
}

const validNotifyMethod: TestDefinition = {
  name: 'valid_notify_method',
  extensions: ['enotify'],
  parameters: [{ name: 'methods', kind: 'string-list' }],
  evaluate: ({ arguments: [uris] }, run) => run.strings(uris).every(uri => methodProblem(uri) === undefined),
}

const notifyMethodCapability: TestDefinition = {
  name: 'notify_method_capability',
  extensions: ['enotify'],
  tags: matchTags,
  parameters: [
    { name: 'a method', kind: 'string' },
    { name: 'the name of a capability ("online")', kind: 'string' },
    { name: 'what is sought', kind: 'string-list' },
  ],
  check: (call, checker) => checkMatch(call, call.arguments[2], checker),
  evaluate(call, run) {
    const [uri, capability, keys] = call.arguments
    if (methodProblem(run.string(uri)) !== undefined) return false
    if (run.string(capability).toLowerCase() !== 'online') return false
    // RFC 5436 §2.1: of mail nobody knows whether it is read.
    return matchAny(call, run, ['maybe'], run.strings(keys))
  },
}

export const notifyCommands: readonly CommandDefinition[] = [notify]
export const notifyTests: readonly TestDefinition[] = [validNotifyMethod, notifyMethodCapability]
