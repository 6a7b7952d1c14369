// DELE and RSET (RFC 1939 §5): nothing goes before QUIT.
import { answers } from '../../responses/answers.ts'
import { afterLogin, type Command } from '../command.ts'

export const dele: Command<'DELE'> = {
  verb: 'DELE',
  phases: afterLogin,
  async run(session, { message }) {
    const refusal = session.refuseNumber(message)
    if (refusal) return session.answer(refusal)
    const { transaction } = session
    // What another program has removed meanwhile is gone as it was to be.
    const size = (await transaction.maildrop.sizeOf(message)) ?? 0
    transaction.deleted.add(message)
    return {
      response: answers.deleted,
      next: { ...transaction, deletedOctets: transaction.deletedOctets + size },
    }
  },
}

export const rset: Command<'RSET'> = {
  verb: 'RSET',
  phases: afterLogin,
  run(session) {
    const { transaction } = session
    const { maildrop, deleted } = transaction
    deleted.clear()
    return {
      response: answers.reset(maildrop.count, maildrop.octets),
      next: { ...transaction, deletedOctets: 0 },
    }
  },
}
