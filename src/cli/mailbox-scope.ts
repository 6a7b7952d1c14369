// Which mailboxes of an account a command is about.
import { Option } from 'commander'
import type { Mailbox } from '../mailbox/mailbox-row.ts'
import { UsageFault } from '../runtime/fault.ts'
import { mailboxesArgument } from './arguments.ts'

export interface MailboxesOptions {
  readonly mailbox?: readonly string[]
}

export function mailboxesOption(): Option {
  return new Option('--mailbox <name>', 'only this mailbox, and those below it; may be repeated').argParser(
    mailboxesArgument,
  )
}

export function isChosen(name: string, names: readonly string[] | undefined): boolean {
  return names === undefined || names.some(chosen => isAtOrBelow(name, chosen))
}

function isAtOrBelow(name: string, superior: string): boolean {
  return name === superior || name.startsWith(`${superior}/`)
}

/** Those that are meant by these names; throws where one of them means none. */
export function chooseMailboxes(
  mailboxes: readonly Mailbox[],
  names: readonly string[] | undefined,
): readonly Mailbox[] {
  // INBOX is there even before the first message (RFC 9051 §5.1).
  const missing = names?.find(
    superior => superior !== 'INBOX' && !mailboxes.some(({ name }) => isAtOrBelow(name, superior)),
  )
  if (missing !== undefined) throw noSuchMailbox(missing, mailboxes)
  return mailboxes.filter(({ name }) => isChosen(name, names))
}

export function noSuchMailbox(name: string, mailboxes: readonly Pick<Mailbox, 'name'>[]): UsageFault {
  const names = new Set(['INBOX', ...mailboxes.map(mailbox => mailbox.name)])
  return new UsageFault(
    'CLI_NO_SUCH_MAILBOX',
    `There is no mailbox ${name}. There are: ${[...names].join(', ')}.`,
  )
}
