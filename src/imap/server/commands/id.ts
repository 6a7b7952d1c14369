// ID (RFC 2971 §3): which program the client is, and which this server.
import { formatId } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { type Command, everywhere, usual } from '../command.ts'

export const id: Command<'ID'> = {
  ...usual,
  verb: 'ID',
  phases: everywhere,
  run(session, { fields }, tag) {
    session.client = { ...session.client, identity: fields ?? undefined }
    return {
      ...session.answer(tag, answers.completed('ID')),
      untagged: formatId(session.context.identity),
    }
  },
}
