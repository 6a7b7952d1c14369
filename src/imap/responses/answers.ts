// What the server answers, named by the reason: status, code and text together.
import { codes } from './codes.ts'
import type { StatusResponse } from './status-response.ts'

const ok = (text: string, code?: StatusResponse['code']): StatusResponse => ({ status: 'OK', code, text })
const no = (text: string, code?: StatusResponse['code']): StatusResponse => ({ status: 'NO', code, text })
const bad = (text: string, code?: StatusResponse['code']): StatusResponse => ({ status: 'BAD', code, text })
const bye = (text: string, code?: StatusResponse['code']): StatusResponse => ({ status: 'BYE', code, text })

export const answers = {
  // The connection
  greeting: (hostname: string, capabilities: readonly string[]) =>
    ok(`${hostname} is ready`, codes.capability(capabilities)),
  shuttingDown: bye('The server is about to stop; connect again in a moment', codes.unavailable),
  notYourDoor: bye('This server does not talk to your address on this port'),
  tooManyConnections: bye('Too many connections; try again later', codes.unavailable),
  tooManyConnectionsFromYou: (host: string) => bye(`Too many connections from ${host}`, codes.unavailable),
  noTlsOnThisPort: bye('There is no TLS on this port'),
  tlsOnPlainPort: (ports: readonly number[]) =>
    bye(
      ports.length > 0
        ? `TLS begins with STARTTLS on this port, or at once on port ${ports.join(' or ')}`
        : 'TLS begins with STARTTLS on this port',
    ),
  fault: bye('Something went wrong here; it was written down', codes.serverBug),
  idleTooLong: bye('Nothing was said for too long'),
  loginTooLate: bye('Nobody logged in for too long'),
  transferStalled: bye('The literal did not come'),
  tooManyErrors: bye('Too many errors'),
  logInEnded: bye('Your log-in is not good any more; log in again'),
  loggingOut: bye('Until next time'),
  // Any command
  completed: (verb: string, code?: StatusResponse['code']) => ok(`${verb} completed`, code),
  refused: (text: string, code: StatusResponse['code']) => no(text, code),
  localError: no('Something went wrong here; it was written down', codes.serverBug),
  unknownCommand: (verb: string) => bad(`There is no command ${verb}`),
  notOffered: bad('This server does not offer this command'),
  wrongState: (verb: string, when: string) => bad(`${verb} is for ${when}`, codes.clientBug),
  syntax: (text: string) => bad(text),
  badCharset: (text: string) => no(text, codes.badCharset(['UTF-8', 'US-ASCII'])),
  badName: (text: string) => no(text, codes.cannot),
  bareLineFeed: bad('A line ends with CR LF'),
  lineTooLong: (octets: number) => bad(`A line may have ${octets} octets`, codes.tooBig),
  commandTooLong: (octets: number) =>
    bad(`A command may have ${octets} octets with its literals`, codes.tooBig),
  tooManyLiterals: (count: number) => bad(`A command may have ${count} literals`, codes.limit),
  endlessCommand: bye('A command that was refused does not end', codes.tooBig),
  textBehind: (verb: string) => bye(`Wait for the answer to ${verb} before you go on`, codes.clientBug),
  // Log-ins
  loggedIn: (capabilities: readonly string[]) => ok('Welcome', codes.capability(capabilities)),
  wrongCredentials: no('Wrong name or password', codes.authenticationFailed),
  tokenRefused: no('This token is not taken', codes.authenticationFailed),
  certificateRefused: no('This certificate is not taken', codes.authenticationFailed),
  loginUnavailable: no('Nobody can say now who you are; try again later', codes.unavailable),
  loginNeedsTls: no('Say STARTTLS first: no password without TLS', codes.privacyRequired),
  unknownMechanism: (offered: string) =>
    no(offered === '' ? 'Nobody can log in here' : `There are ${offered}`, codes.cannot),
  notBase64: bad('Expected base64'),
  malformedResponse: bad('This answer makes no sense to the mechanism'),
  cancelled: bad('The log-in was cancelled'),
  // TLS and compression
  beginTls: ok('Begin TLS now'),
  noTls: bad('This server has no TLS'),
  hasTls: bad('TLS is there already'),
  tlsUnavailable: no('TLS cannot be had now', codes.unavailable),
  compressionStarts: ok('DEFLATE from now on'),
  compressionActive: no('The connection is compressed already', codes.compressionActive),
  unknownCompression: no('There is DEFLATE only', codes.cannot),
  unknownEvent: (known: readonly string[]) =>
    no('There is no such event to be told of here', codes.badEvent(known)),
  enableFirst: (name: string) => bad(`Say ENABLE ${name} first`, codes.clientBug),
  uidRequired: bad('After ENABLE UIDONLY messages are named by UID', codes.uidRequired),
  urlNotAuthorized: (text: string) => bad(text),
  urlMechanism: no('The mechanism is INTERNAL', codes.urlMechanism([])),
  unknownEncoding: no('This server does not know the transfer encoding of such a part', codes.unknownCte),
  readOnly: no('The mailbox was opened to be read', codes.noPermission),
  // Idling
  stillHere: ok('Still here'),
  idleEnds: ok('IDLE completed'),
  expectedDone: bad('Expected DONE'),
  // Messages that come
  messageTooBig: (octets: number) => no(`A message may have ${octets} octets`, codes.tooBig),
} as const
