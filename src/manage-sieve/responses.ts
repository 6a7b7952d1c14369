// Every answer of the server that says something (RFC 5804 §1.3), named by its reason.
import type { Response } from './response.ts'

const no = (text: string, code?: NonNullable<Response['code']>): Response =>
  Object.freeze({ kind: 'NO', text, ...(code !== undefined && { code }) })
const bye = (text: string, code?: NonNullable<Response['code']>): Response =>
  Object.freeze({ kind: 'BYE', text, ...(code !== undefined && { code }) })

export const responses = {
  ok: Object.freeze({ kind: 'OK' }) satisfies Response as Response,
  loggedOut: Object.freeze({ kind: 'OK', text: 'Bye' }) as Response,
  loggedIn: Object.freeze({ kind: 'OK', text: 'Logged in' }) as Response,
  capabilities: (hostname: string): Response => ({ kind: 'OK', text: `${hostname} Postrider ManageSieve` }),

  unknownCommand: (hint: string | undefined): Response =>
    no(`There is no such command.${hint === undefined ? '' : ` Did you mean ${hint}?`}`),
  syntax: no(
    'The command cannot be read: words, "strings", and literals like {12+} at the end of a line, parted by blanks.',
  ),
  usage: (syntax: string): Response => no(`Write ${syntax}`),
  lineTooLong: no('The line is too long: send long strings as literals, {12+} and then the bytes.'),
  literalTooLarge: (maxBytes: number): Response =>
    no(`A script may have ${maxBytes} bytes.`, 'QUOTA/MAXSIZE'),
  literalWithoutPlus: bye('A literal has a + behind its length here: {12+}'),
  tooMuch: bye('That is more than this server reads.'),
  tooManyErrors: bye('Too many mistakes in one session.'),
  logInEnded: bye('Your log-in is not good any more. Log in again.'),
  shuttingDown: bye('The server stops. Come again in a moment.', 'TRYLATER'),
  tooManyConnections: bye('Too many connections. Come again in a moment.', 'TRYLATER'),
  tooManyConnectionsFromYou: (host: string): Response =>
    bye(`Too many connections from ${host}. Come again in a moment.`, 'TRYLATER'),
  notYourDoor: bye('This server does not talk to your address on this port.'),
  loginTooLate: bye('Nobody logged in for too long.'),
  timedOut: bye('The connection was idle for too long.'),
  fault: bye('Something went wrong here; the administrator can see it in the log.', 'TRYLATER'),
  tryLater: no('Something went wrong here. Try again in a moment.', 'TRYLATER'),

  logInFirst: no('Log in first, with AUTHENTICATE.'),
  startTlsFirst: no('Say STARTTLS first: passwords go over TLS only.', 'ENCRYPT-NEEDED'),
  notLoggedOut: no('You are logged in already; LOGOUT ends the session.'),
  tlsAlready: no('The connection has TLS already.'),
  tlsUnavailable: no('This server has no TLS now. Try again later.', 'TRYLATER'),
  tlsNotOffered: no('This server has no TLS.'),
  textAfterStartTls: bye('Nothing may follow STARTTLS before TLS begins.'),
  tlsOnPlainPort: bye('This port speaks without TLS first: say STARTTLS.'),

  mechanismUnknown: (offered: string): Response => no(`This mechanism is not offered; there are ${offered}.`),
  authFailed: no('Name or password is wrong.'),
  authUnavailable: no('Whether you may log in cannot be found out now. Try again in a moment.', 'TRYLATER'),
  authCancelled: no('The log-in was cancelled.'),
  authMalformed: no('That is no answer to this mechanism.'),
  authNotBase64: no('That is no base64.'),

  badName: no('A script has a name of 1 to 128 characters, without / and control characters.'),
  noSuchScript: no('There is no script of this name.', 'NONEXISTENT'),
  scriptExists: no('There is a script of this name already.', 'ALREADYEXISTS'),
  scriptActive: no('The script is active: make another one active first, or none.', 'ACTIVE'),
  emptyScript: no('An empty script does nothing. To have no script at work, make none active.'),
  notUtf8: no('The script is not in UTF-8: save it so in your editor.'),
  tooManyScripts: (max: number): Response =>
    no(`An account may have ${max} scripts: delete one first.`, 'QUOTA/MAXSCRIPTS'),
  noSpace: no('Your storage is full: delete something first.', 'QUOTA'),
  accountGone: no('Your account is not here any more.'),
  /** Line and column of each mistake, in lines of their own. */
  problems: (texts: readonly string[]): Response => no(texts.join('\r\n')),
} as const
