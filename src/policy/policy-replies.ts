// Replies that only policy gives. All others are in the catalogue (smtp/replies.ts); the document lists both.
import type { ReplyEntry } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'

const entries: ReplyEntry[] = []

function define(name: string, code: number, enhanced: string, text: string, meaning: string): Reply {
  const reply = Object.freeze({ code, enhanced, lines: Object.freeze([text]) })
  entries.push({ name, reply, meaning })
  return reply
}

export const policyReplies = {
  accountDisabled: define(
    'accountDisabled',
    550,
    '5.7.1',
    'Your account is disabled; ask the administrator of this server',
    'The account was disabled or removed after it had logged in ("postrider account enable").',
  ),
  sendOnlyHere: define(
    'sendOnlyHere',
    550,
    '5.3.3',
    'SEND reaches users of this server only; use MAIL for others',
    'SEND to an address elsewhere: a terminal can only be open here (RFC 821 §3.4).',
  ),
  foreignMailbox: define(
    'foreignMailbox',
    252,
    '2.1.5',
    'That address is not of this server; send the message and I will try',
    'VRFY with an address elsewhere (RFC 5321 §3.5.3).',
  ),
  notAnAddress: define(
    'notAnAddress',
    501,
    '5.1.3',
    'That is neither an address nor a user name',
    'VRFY or EXPN with something that cannot be one.',
  ),
  verifiedNeedsSmtpUtf8: define(
    'verifiedNeedsSmtpUtf8',
    252,
    '2.6.8',
    'There is such a mailbox; its name needs SMTPUTF8',
    'VRFY without SMTPUTF8 whose answer has characters beyond ASCII (RFC 6531 §3.7.4.2).',
  ),
  expandedNeedsSmtpUtf8: define(
    'expandedNeedsSmtpUtf8',
    550,
    '5.6.8',
    'Names in this group need SMTPUTF8',
    'EXPN without SMTPUTF8 whose answer has characters beyond ASCII (RFC 6531 §3.7.4.2).',
  ),
} as const

export const policyReplyEntries: readonly ReplyEntry[] = entries
