// NAMESPACE (RFC 9051 §6.3.10).
import { answers } from '../../responses/answers.ts'
import { formatNamespaces } from '../../responses/mailbox-data.ts'
import { afterLogin, type Command, usual } from '../command.ts'

export const namespace: Command<'NAMESPACE'> = {
  ...usual,
  verb: 'NAMESPACE',
  phases: afterLogin,
  run: (session, _command, tag) => ({
    ...session.answer(tag, answers.completed('NAMESPACE')),
    untagged: formatNamespaces(session.mailboxes.namespaces, session.responseTerms),
  }),
}
