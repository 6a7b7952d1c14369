// What a keeper of mailboxes may do without: the commands that need it are not offered then.
import { Fault } from '../../runtime/fault.ts'
import { answers } from '../responses/answers.ts'
import type { StatusResponse } from '../responses/status-response.ts'
import type { SessionMailboxes } from './mailbox-services.ts'
import type { Session } from './session.ts'

/** For `denied` of a command. */
export function unlessThereIs(
  name: 'acl' | 'metadata' | 'watch',
): (session: Session) => StatusResponse | undefined {
  return ({ mailboxes }) => (mailboxes[name] ? undefined : answers.notOffered)
}

/** `denied` lets nobody get here where there is none. */
export function serviceOf<Name extends 'acl' | 'metadata'>(
  { mailboxes }: Session,
  name: Name,
): NonNullable<SessionMailboxes[Name]> {
  const service = mailboxes[name]
  if (!service) throw new Fault('IMAP_STATE', `There is no ${name}.`)
  return service
}
