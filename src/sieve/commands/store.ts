// Where a message goes: keep, fileinto, discard, redirect (RFC 5228 §4), with what extensions add to them.
import { formatAddressForPeople } from '../../address/format-address.ts'
import { checkConstants } from '../language/arguments.ts'
import type { Call, CommandDefinition, TagDefinition } from '../language/definitions.ts'
import { readOneAddress } from '../message/one-address.ts'
import type { Run } from '../run.ts'
import { ScriptError } from '../script-error.ts'
import { readFlags } from './flags.ts'

const flagTags: Readonly<Record<string, TagDefinition>> = {
  flags: { value: 'string-list', extension: 'imap4flags' },
}
/** RFC 3894 */
const copyTags: Readonly<Record<string, TagDefinition>> = { copy: { extension: 'copy' } }

/** RFC 5429 §2.4: a message is delivered or returned, not both. */
function refuseBesideReject(call: Call, run: Run): void {
  if (run.has('reject'))
    throw new ScriptError(
      call,
      `${call.name} delivers a message that was rejected before. Write stop; behind the reject.`,
    )
}

function flagsOf(call: Call, run: Run): readonly string[] {
  return call.tags.has('flags') ? readFlags(run.strings(call.tags.get('flags'))) : run.flags
}

function flagText(flags: readonly string[]): string {
  return flags.length === 0 ? '' : ` with ${flags.join(' ')}`
}

const keep: CommandDefinition = {
  name: 'keep',
  tags: flagTags,
  run(call, run) {
    refuseBesideReject(call, run)
    const flags = flagsOf(call, run)
    run.keepsImplicitly = false
    run.act(
      { kind: 'keep', flags, headerSection: run.message.editedSection(), origin: run.originOf(call) },
      `keep${flagText(flags)}`,
    )
    return 'next'
  },
}

const discard: CommandDefinition = {
  name: 'discard',
  run(call, run) {
    run.keepsImplicitly = false
    run.act({ kind: 'discard', origin: run.originOf(call) }, 'discard')
    return 'next'
  },
}

const maxMailboxName = 1000

/** What is wrong with the name of a mailbox, or undefined (RFC 5228 §4.1, RFC 9051 §5.1). */
export function mailboxProblem(name: string): string | undefined {
  if (name === '') return 'The name of a mailbox must not be empty.'
  if (name.length > maxMailboxName) return `The name of a mailbox has at most ${maxMailboxName} characters.`
  if (/[\0-\x1f\x7f-\x9f\u2028\u2029\ufffd]/.test(name) || !name.isWellFormed())
    return 'The name of a mailbox must not have line ends, other control characters or broken ones.'
  return undefined
}

/** RFC 8579 §4 names them as RFC 6154 §2 has them, RFC 8457 and others after it: '\\Junk'. */
const specialUse = /^\\[A-Za-z][A-Za-z0-9-]*$/

export function specialUseProblem(attribute: string): string | undefined {
  return specialUse.test(attribute)
    ? undefined
    : `${JSON.stringify(attribute.slice(0, 40))} is no special use of a mailbox: write "\\\\Junk", "\\\\Archive" or another, with two backslashes.`
}

const fileinto: CommandDefinition = {
  name: 'fileinto',
  extensions: ['fileinto'],
  tags: {
    ...flagTags,
    ...copyTags,
    create: { extension: 'mailbox' },
    // RFC 9042 §4.2: one or the other.
    specialuse: { value: 'string', extension: 'special-use', group: 'which mailbox' },
    mailboxid: { value: 'string', extension: 'mailboxid', group: 'which mailbox' },
  },
  parameters: [{ name: 'the name of a mailbox', kind: 'string' }],
  check(call, checker) {
    checkConstants(call.arguments[0], checker, mailboxProblem)
    checkConstants(call.tags.get('specialuse'), checker, specialUseProblem)
  },
  run(call, run) {
    refuseBesideReject(call, run)
    const mailbox = run.string(call.arguments[0])
    const attribute = call.tags.has('specialuse') ? run.string(call.tags.get('specialuse')) : undefined
    const mailboxId = call.tags.has('mailboxid') ? run.string(call.tags.get('mailboxid')) : undefined
    const problem =
      mailboxProblem(mailbox) ?? (attribute === undefined ? undefined : specialUseProblem(attribute))
    if (problem !== undefined) throw new ScriptError(call, problem)
    const flags = flagsOf(call, run)
    if (!call.tags.has('copy')) run.keepsImplicitly = false
    const use = attribute === undefined ? '' : `, or the one for ${attribute}`
    const id = mailboxId === undefined ? '' : `, or the one with the id ${JSON.stringify(mailboxId)}`
    run.act(
      {
        kind: 'fileinto',
        mailbox,
        create: call.tags.has('create'),
        specialUse: attribute,
        mailboxId,
        flags,
        headerSection: run.message.editedSection(),
        origin: run.originOf(call),
      },
      `fileinto ${JSON.stringify(mailbox)}${use}${id}${flagText(flags)}${call.tags.has('copy') ? ', and go on' : ''}`,
    )
    return 'next'
  },
}

const redirect: CommandDefinition = {
  name: 'redirect',
  tags: copyTags,
  parameters: [{ name: 'an address', kind: 'string' }],
  check({ arguments: [address] }, checker) {
    checkConstants(address, checker, text => (readOneAddress(text) ? undefined : badAddress(text)))
  },
  run(call, run) {
    refuseBesideReject(call, run)
    const text = run.string(call.arguments[0])
    const forwardPath = readOneAddress(text)
    if (!forwardPath) throw new ScriptError(call, badAddress(text))
    if (!call.tags.has('copy')) run.keepsImplicitly = false
    run.act(
      {
        kind: 'redirect',
        forwardPath,
        headerSection: run.message.editedSection(),
        origin: run.originOf(call),
      },
      `redirect to ${formatAddressForPeople(forwardPath)}${call.tags.has('copy') ? ', and go on' : ''}`,
    )
    if (run.count('redirect') > run.limits.maxRedirects)
      throw new ScriptError(
        call,
        `A message may be redirected to ${run.limits.maxRedirects} addresses, and this would be one more.`,
      )
    return 'next'
  },
}

export function badAddress(text: string): string {
  return `${JSON.stringify(text.slice(0, 100))} is no address: write one, as in anna@example.org.`
}

export const storeCommands: readonly CommandDefinition[] = [keep, discard, fileinto, redirect]
