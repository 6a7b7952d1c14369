// The replies that policy gives, each named by its reason. They say what to do, and nothing of what is inside.
import type { Reply } from '../smtp/reply.ts'

const reply = (code: number, enhanced: string, ...lines: readonly string[]): Reply =>
  Object.freeze({ code, enhanced, lines: Object.freeze(lines) })

// RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets; a list of addresses gets shorter, not the rest.
const maxListed = 5
const maxListedCharacters = 300

function listed(addresses: readonly string[]): string {
  const shown = addresses.slice(0, maxListed)
  while (shown.length > 1 && shown.join(', ').length > maxListedCharacters) shown.pop()
  const more = addresses.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

export const policyReplies = {
  /** RFC 4954 §6. */
  authenticationRequired: reply(530, '5.7.0', 'Authentication required: log in with AUTH first'),
  accountDisabled: reply(550, '5.7.1', 'Your account is disabled; ask the administrator of this server'),
  /** RFC 6409 §6.1. `own` are addresses that this account may use. */
  senderNotYours: (reversePath: string, own: readonly string[]): Reply =>
    reply(
      550,
      '5.7.1',
      `You may not send as <${reversePath}>; ${own.length > 0 ? `send as ${listed(own)}` : 'send as your own address'}`,
    ),
  relayingDenied: reply(
    550,
    '5.7.1',
    'Relay access denied: this address is not of this server; log in to send to others',
  ),
  noSuchMailbox: reply(550, '5.1.1', 'No such mailbox here; check the address for typing errors'),
  accountTakesNoMail: reply(550, '5.2.1', 'This mailbox is disabled and takes no mail'),
  /** RFC 821 §3.4. */
  noOpenTerminal: reply(450, '4.2.1', 'The user has no terminal open; use SOML or MAIL to reach the mailbox'),
  sendOnlyHere: reply(550, '5.3.3', 'SEND reaches users of this server only; use MAIL for others'),

  /** RFC 5321 §3.5. */
  notAnAddress: reply(501, '5.1.3', 'That is neither an address nor a user name'),
  verified: (mailbox: string): Reply => reply(250, '2.1.5', mailbox),
  cannotVerify: reply(
    252,
    '2.1.5',
    'Not of this server, so it cannot be verified; mail for it is accepted and delivery is tried',
  ),
  ambiguous: (mailboxes: readonly string[]): Reply =>
    reply(553, '5.1.4', 'Ambiguous; possibilities are', ...mailboxes),
  expanded: (mailboxes: readonly string[]): Reply => reply(250, '2.1.5', ...mailboxes),
  noSuchList: reply(550, '5.1.1', 'No such group or alias here'),
  notAList: reply(550, '5.1.1', 'That is a user, not a group'),
  /** RFC 6531 §3.7.4.2. */
  verifiedNeedsSmtpUtf8: reply(252, '2.6.8', 'There is such a mailbox; its name needs SMTPUTF8'),
  expandedNeedsSmtpUtf8: reply(550, '5.6.8', 'Names in this group need SMTPUTF8'),
} as const

export function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7e) return false
  return true
}
