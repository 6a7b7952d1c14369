// SETQUOTA (RFC 9208 §4.1.3): nobody sets limits over IMAP here, so QUOTASET is not offered.
import { codes } from '../../responses/codes.ts'
import { afterLogin, type Command, usual } from '../command.ts'

export const setQuota: Command<'SETQUOTA'> = {
  ...usual,
  verb: 'SETQUOTA',
  phases: afterLogin,
  run: (session, _command, tag) =>
    session.decline(tag, {
      refused: 'How much an account may have is for the administrator of this server to say',
      code: codes.noPermission,
    }),
}
