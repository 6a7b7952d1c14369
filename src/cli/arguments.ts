// Arguments and options as values; whatever is not one ends the command with a message and exit code 2.
import { isIP } from 'node:net'
import { InvalidArgumentError } from 'commander'
import type { Address, ReversePath } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { parseDomain } from '../address/parse-domain.ts'
import { canonicalMailboxName } from '../imap/grammar/mailbox-name.ts'
import { parseQueueId, type QueueId } from '../queue/queue-id.ts'

export function addressArgument(text: string): Address {
  const address = parseAddress(text)
  if (address) return address
  throw new InvalidArgumentError(
    text.includes(',')
      ? 'It has to be one mail address: anna@example.test. Several are not joined with commas; each stands by itself.'
      : 'It has to be a mail address: anna@example.test',
  )
}

/** For arguments that may be repeated. */
export function addressesArgument(text: string, previous: readonly Address[] | undefined): Address[] {
  return [...(previous ?? []), addressArgument(text)]
}

/** In a value of its own, because commander takes null for "no value". */
export interface GivenReversePath {
  readonly reversePath: ReversePath
}

/** '<>' too: the null reverse-path. */
export function reversePathArgument(text: string): GivenReversePath {
  return { reversePath: text === '<>' || text === '' ? null : addressArgument(text) }
}

/** '@example.test' too: the catch-all. */
export function aliasArgument(text: string): Address {
  if (text.startsWith('@')) return { localPart: '', domain: domainArgument(text.slice(1)) }
  if (text.includes('.') && parseDomain(text) !== undefined)
    throw new InvalidArgumentError(
      `It is a domain. A catch-all, which takes the mail of all its other addresses, is written @${text}`,
    )
  return addressArgument(text)
}

export function domainArgument(text: string): string {
  const domain = parseDomain(text)
  if (domain === undefined) throw new InvalidArgumentError('It has to be a domain name: example.test')
  return domain
}

export function queueIdArgument(text: string): QueueId {
  const id = parseQueueId(text)
  if (id === undefined)
    throw new InvalidArgumentError(
      'A queue id has 11 digits and letters, none of them a U, and looks like 1CCD5D74AAE. It stands in the answer ' +
        '"queued as …"; "postrider queue list" and "postrider trace <address>" show it.',
    )
  return id
}

export function numberArgument(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('It has to be a whole number.')
  return Number(text)
}

/** A number of days, of messages: none would be a mistake. */
export function countArgument(text: string): number {
  const count = numberArgument(text)
  if (count < 1) throw new InvalidArgumentError('It has to be a whole number from 1.')
  return count
}

export function portArgument(text: string): number {
  const port = numberArgument(text)
  if (port < 1 || port > 65535) throw new InvalidArgumentError('It has to be a port, from 1 to 65535.')
  return port
}

/** As it is kept: INBOX in any case of its letters. */
export function mailboxArgument(text: string): string {
  const name = canonicalMailboxName(text)
  if (name === undefined || name === '')
    throw new InvalidArgumentError('It has to be the name of a mailbox: INBOX, Work, Work/Plans')
  return name
}

/** The same, where it may be repeated. */
export function mailboxesArgument(text: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), mailboxArgument(text)]
}

/** For options with a text that may be repeated. */
export function textsArgument(text: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), text]
}

export function queueIdsArgument(text: string, previous: readonly QueueId[] | undefined): QueueId[] {
  return [...(previous ?? []), queueIdArgument(text)]
}

/** May be repeated. */
export function publicAddressArgument(text: string, previous: readonly string[] | undefined): string[] {
  if (isIP(text) === 0) throw new InvalidArgumentError('It has to be an IP address: 192.0.2.1 or 2001:db8::1')
  return [...(previous ?? []), text]
}
