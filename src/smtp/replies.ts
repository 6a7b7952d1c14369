// The catalogue of replies: each a value named by its reason; code, enhanced status code and text together.
// `docs/replies.md` is made from it.
import type { PathProblem } from '../address/parse-path.ts'
import { maxHeaderFields } from '../message/header-section.ts'
import type { SubmissionProblem } from '../message/submission-fix-ups.ts'
import { printable, type Reply } from './reply.ts'

/** What the generated document says of a reply. */
export interface ReplyEntry {
  readonly name: string
  readonly reply: Reply
  /** For the administrator or the sender: when it is given, and what to do. */
  readonly meaning: string
}

type Digit = '2' | '4' | '5'
/** The classes of both codes agree (RFC 3463 §2). */
type Status<Code extends number> = `${Code}` extends `${infer First extends Digit}${string}`
  ? `${First}.${number}.${number}`
  : never

const entries: ReplyEntry[] = []

function freeze(code: number, enhanced: string | undefined, text: string | readonly string[]): Reply {
  return Object.freeze({
    code,
    enhanced,
    lines: Object.freeze(typeof text === 'string' ? [text] : [...text]),
  })
}

/** A reply that is always the same. */
function fixed<Code extends number>(
  name: string,
  code: Code,
  enhanced: Status<Code> | undefined,
  text: string,
  meaning: string,
): Reply {
  const reply = freeze(code, enhanced, text)
  entries.push({ name, reply, meaning })
  return reply
}

/** A reply with something of the case in its text; `sample` values stand in the document. */
function made<Code extends number, Values extends readonly unknown[]>(
  name: string,
  code: Code,
  enhanced: Status<Code> | undefined,
  text: (...values: Values) => string | readonly string[],
  sample: Values,
  meaning: string,
): (...values: Values) => Reply {
  entries.push({ name, reply: freeze(code, enhanced, text(...sample)), meaning })
  return (...values) => ({ code, enhanced, lines: toLines(text(...values)) })
}

/**
 * A reply with several sentences for the same thing; `sample` stands in the document for what a sentence is about. A peer
 * sees no sentence that is not here.
 */
function worded<Code extends number, Sentence extends string>(
  name: string,
  code: Code,
  enhanced: Status<Code>,
  sentences: Readonly<Record<Sentence, (subject: string) => string>>,
  sample: string,
  meaning: string,
): (sentence: Sentence, subject?: string) => Reply {
  for (const words of Object.values<(subject: string) => string>(sentences))
    entries.push({ name, reply: freeze(code, enhanced, words(sample)), meaning })
  return (sentence, subject = '') => ({ code, enhanced, lines: toLines(sentences[sentence](subject)) })
}

/** `per`: 'minute', 'hour' */
function timeWords(per: string): string {
  return per === 'hour' ? 'an hour' : `a ${per}`
}

/** ms since 1970 */
function formatUntil(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

const maxLineLength = 480

/** With what the refusal is called, on a line of its own: whoever asks about it names that. */
export function withRefusalId(reply: Reply, id: string): Reply {
  return { ...reply, lines: [...reply.lines, `To ask about this, name the number ${id}`] }
}

// RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets.
function toLines(text: string | readonly string[]): readonly string[] {
  return (typeof text === 'string' ? [text] : text).map(line => printable(line).slice(0, maxLineLength))
}

// RFC 6531 §3.7.4: nobody who has not asked for SMTPUTF8 gets other characters back.
function quoted(text: string): string {
  const short = text.length > 32 ? `${text.slice(0, 32)}...` : text
  return short.replaceAll(/[^ -~]/g, '?')
}

/** What is wrong with a path, in words; the subject shows how it goes. */
const pathProblems: Readonly<Record<Exclude<PathProblem, 'non-ascii'>, (example: string) => string>> = {
  'missing-brackets': example => `The address goes into angle brackets: ${example}`,
  'unclosed-bracket': example => `The closing > is missing: ${example}`,
  empty: example => `An address is missing: ${example}`,
  'missing-domain': example => `The address has no domain: ${example}`,
  'local-part-syntax': () =>
    'What stands before the @ cannot be (dots at the ends or in a row, blanks and the like go into "quotes")',
  'local-part-too-long': () => 'What stands before the @ has more than 64 characters',
  'domain-syntax': () =>
    'What stands after the @ is no domain (an IP address goes into brackets: [192.0.2.1])',
  'domain-too-long': () => 'What stands after the @ has more than 255 characters',
  'path-too-long': () => 'The address has more than 256 characters',
  'source-route-syntax': () => 'The source route cannot be read; it is not needed, leave it out',
  syntax: example => `That is no address: ${example}`,
}

const headerProblems: Readonly<Record<SubmissionProblem | 'hidden-bcc', (field: string) => string>> = {
  'too-many-fields': () => `Message refused: it has ${maxHeaderFields} header fields, or more`,
  'repeated-field': field => `Message refused: it has more than one ${field} field`,
  'no-author': () => 'Message refused: it has no From field',
  'hidden-bcc': () =>
    'Message refused: a line before its Bcc field is no header field; mend it, or part the text by an empty line',
}

export const replies = {
  // Sessions
  greeting: made(
    'greeting',
    220,
    undefined,
    (hostname: string, text: string) => `${hostname} ${text}`,
    ['mail.example.test', 'Postrider greets you'],
    'The server is ready. Say EHLO.',
  ),
  hello: made(
    'hello',
    250,
    undefined,
    (lines: readonly string[]) => lines,
    [['mail.example.test', 'PIPELINING', 'SIZE 52428800']],
    'The answer to EHLO and HELO: the name of the server, then one extension a line.',
  ),
  bye: fixed('bye', 221, '2.0.0', 'Bye', 'The answer to QUIT; the connection is closed.'),
  ok: fixed('ok', 250, '2.0.0', 'Ok', 'The answer to NOOP and RSET.'),
  readyForTls: fixed(
    'readyForTls',
    220,
    '2.0.0',
    'Ready to start TLS',
    'The answer to STARTTLS; the TLS handshake comes next.',
  ),
  shuttingDown: made(
    'shuttingDown',
    421,
    '4.3.2',
    (hostname: string) => `${hostname} is shutting down; please try again in a few minutes`,
    ['mail.example.test'],
    'The server is being stopped. The sender tries again by itself.',
  ),
  logInEnded: made(
    'logInEnded',
    421,
    '4.7.0',
    (hostname: string) => `${hostname} does not take your log-in any more; log in again`,
    ['mail.example.test'],
    'While a client was logged in its account was disabled or removed, got another password, or what the client had logged in with (an app password, a certificate) was taken away or ran out.',
  ),
  tooManyConnections: made(
    'tooManyConnections',
    421,
    '4.3.2',
    (hostname: string) => `${hostname} has too many connections; please try again in a few minutes`,
    ['mail.example.test'],
    'limits.maxConnections is reached.',
  ),
  tooManyConnectionsFromYou: made(
    'tooManyConnectionsFromYou',
    421,
    '4.7.0',
    (hostname: string, host: string) =>
      `${hostname} has too many connections from ${host}; please close some first`,
    ['mail.example.test', '192.0.2.1'],
    'limits.maxConnectionsPerAddress is reached; of IPv6 a whole /64 counts as one address.',
  ),
  notYourDoor: made(
    'notYourDoor',
    554,
    '5.7.1',
    (hostname: string, address: string) => `${hostname} does not talk to ${address} on this port`,
    ['mail.example.test', '192.0.2.1'],
    'lmtp[].clients does not name this address. If it is that of a mail server of yours, add it.',
  ),
  tooManyConnectionsInTime: made(
    'tooManyConnectionsInTime',
    421,
    '4.7.28',
    (hostname: string, most: number, per: string, network: string, until: number) =>
      `${hostname} takes at most ${most} connections ${timeWords(per)} from ${network}; please try again from ${formatUntil(until)} on`,
    ['mail.example.test', 200, 'minute', '192.0.2.0/24', Date.UTC(2026, 0, 2, 10)],
    'limits.strangers.connectionsPerMinute or connectionsPerHour. The sender tries again by itself; limits.strangers.exempt names networks that are not counted.',
  ),
  tooManyUnknownRecipients: made(
    'tooManyUnknownRecipients',
    421,
    '4.7.28',
    (hostname: string, most: number, per: string, network: string, until: number) =>
      `${hostname} was asked from ${network} for more than ${most} recipients ${timeWords(per)} that it has to refuse; please check your addresses, and try again from ${formatUntil(until)} on`,
    ['mail.example.test', 100, 'hour', '192.0.2.0/24', Date.UTC(2026, 0, 2, 10)],
    'limits.strangers.refusedRecipientsPerMinute or refusedRecipientsPerHour: somebody tries which addresses exist. At RCPT the connection is closed, and new ones get the same until then.',
  ),
  timedOut: worded(
    'timedOut',
    421,
    '4.4.2',
    {
      silence: hostname => `${hostname} has waited too long for you; connection closed`,
      session: hostname => `${hostname} ends a session that lasts so long; please open another`,
    },
    'mail.example.test',
    'Nothing came for limits.commandTimeoutSeconds or limits.dataBlockTimeoutSeconds, or the session lasted longer than limits.sessionTimeoutMinutes.',
  ),
  tooManyErrors: made(
    'tooManyErrors',
    421,
    '4.7.0',
    (hostname: string) => `${hostname} has seen too many errors in this session; connection closed`,
    ['mail.example.test'],
    'limits.maxErrorsPerSession commands were refused.',
  ),
  tooManyTransactions: made(
    'tooManyTransactions',
    421,
    '4.7.0',
    (hostname: string) => `${hostname} takes no more messages in this connection; please open another`,
    ['mail.example.test'],
    'limits.maxTransactionsPerSession is reached.',
  ),
  talksTooEarly: fixed(
    'talksTooEarly',
    554,
    '5.5.0',
    'You must wait for the greeting before you talk',
    'The client sent something before the 220. Mail programs wait; spam programs often do not.',
  ),
  fault: made(
    'fault',
    421,
    '4.3.0',
    (hostname: string) => `${hostname} has a problem of its own; connection closed, please try again later`,
    ['mail.example.test'],
    'A bug or a broken environment; the log says what.',
  ),
  notHttp: made(
    'notHttp',
    421,
    '4.7.0',
    (hostname: string) => `${hostname} is a mail server: it speaks SMTP, not HTTP`,
    ['mail.example.test'],
    'A web browser or a web program connected to a mail port.',
  ),
  tlsOnPlainPort: made(
    'tlsOnPlainPort',
    421,
    '4.7.0',
    (hostname: string, ways: readonly string[]) =>
      `${hostname} starts without TLS on this port${ways.length > 0 ? `: use ${ways.join(', or ')}` : ''}`,
    ['mail.example.test', ['STARTTLS', 'port 465']],
    'The client began a TLS handshake on a port for STARTTLS. Named is what this server has: STARTTLS, and the ports with the role submissions.',
  ),
  textAfterStartTls: fixed(
    'textAfterStartTls',
    554,
    '5.5.0',
    'STARTTLS has to be the last command before the handshake; connection closed',
    'What came behind STARTTLS in the clear may come from somebody on the way (CVE-2011-0411); it is thrown away.',
  ),
  textAfterTurn: fixed(
    'textAfterTurn',
    554,
    '5.5.0',
    'Wait for the answer before you greet; connection closed',
    'What came behind ATRN or TURN before its answer was said to a server, and there would be a client.',
  ),
  tlsUnavailable: fixed(
    'tlsUnavailable',
    454,
    '4.7.0',
    'TLS is not available at the moment; please try again later',
    'The certificate cannot be used; the log says why.',
  ),

  // Grammar
  unknownCommand: made(
    'unknownCommand',
    500,
    '5.5.1',
    (verb: string) => `No such command: ${quoted(verb)}. HELP lists the commands`,
    ['XYZZY'],
    'The first word of the line is no SMTP command.',
  ),
  otherDialect: made(
    'otherDialect',
    500,
    '5.5.1',
    (hello: string) =>
      hello === 'LHLO'
        ? 'This is LMTP: say LHLO, or talk SMTP to another port'
        : 'This is SMTP: say EHLO, or talk LMTP to another port',
    ['LHLO'],
    'A client talks SMTP where LMTP is spoken ([[lmtp]]), or the other way round (RFC 2033). Give it the other port, or the other protocol.',
  ),
  badCommandLine: fixed(
    'badCommandLine',
    500,
    '5.5.2',
    'A command is one line of plain text; HELP lists the commands',
    'The line is empty, or holds a NUL, another control character or octets that are no UTF-8.',
  ),
  bareLineFeed: fixed(
    'bareLineFeed',
    500,
    '5.5.2',
    'End each line with CR LF, not with LF alone (with netcat: nc -C)',
    'SMTP lines end with CR LF. Servers that disagree about this can be tricked into taking two messages for one.',
  ),
  lineTooLong: made(
    'lineTooLong',
    500,
    '5.5.2',
    (most: number) => `Line too long: at most ${most} characters`,
    [2048],
    'A command line over the limit (RFC 5321 §4.5.3.1.4).',
  ),
  syntax: worded(
    'syntax',
    501,
    '5.5.4',
    {
      usage: syntax => `Syntax: ${syntax}`,
      standsAlone: verb => `${verb} stands alone on its line`,
      noHostName: () => 'That is no host name: one word in ASCII, at most 255 characters',
      noChunkSize: () => 'Syntax: BDAT <size> [LAST]; I cannot tell how much would follow, so I hang up',
    },
    'DATA',
    'The command is known, its argument is not right; the text says how it goes.',
  ),
  unknownParameter: made(
    'unknownParameter',
    555,
    '5.5.4',
    (keyword: string) => `Parameter not known here: ${quoted(keyword)}`,
    ['FOO'],
    'A parameter of MAIL or RCPT that this server does not offer, or any parameter after HELO.',
  ),
  badParameter: worded(
    'badParameter',
    501,
    '5.5.4',
    {
      notOne: part => `Not a parameter: ${part}`,
      twice: name => `${name} is given twice`,
      size: () => 'SIZE= takes a number of bytes',
      body: () => 'BODY= takes 7BIT, 8BITMIME or BINARYMIME',
      smtpUtf8: () => 'SMTPUTF8 takes no value',
      requireTls: () => 'REQUIRETLS takes no value',
      ret: () => 'RET= takes FULL or HDRS',
      envid: () => 'ENVID= takes at most 100 printable characters as xtext (RFC 3461 section 4.4)',
      priority: () => 'MT-PRIORITY= takes a number from -9 to 9 (RFC 6710 section 3)',
      by: () => 'BY= takes seconds, and what to do then: 3600;R or 3600;N (RFC 2852 section 4)',
      byReturn: () => 'BY= with R takes at least one second',
      holdFor: () => 'HOLDFOR= takes a number of seconds',
      holdUntil: () => 'HOLDUNTIL= takes a time: 2026-12-24T18:00:00Z',
      holdTwice: () => 'HOLDFOR and HOLDUNTIL: one of them is enough',
      holdTooLong: most => `A message is held here for at most ${most} seconds`,
      holdBeyondBy: () => 'The time of BY= is over before the message may be delivered',
      auth: () => 'AUTH= takes <> or an address as xtext (RFC 4954 section 5)',
      notify: () => 'NOTIFY= takes NEVER, or some of SUCCESS,FAILURE,DELAY',
      orcpt: () => 'ORCPT= takes a type and an address: rfc822;user@example.test (RFC 3461 section 4.2)',
    },
    'SIZE',
    'A parameter of MAIL or RCPT that is none, or with a value that cannot be.',
  ),
  wrongOrder: worded(
    'wrongOrder',
    503,
    '5.5.1',
    {
      helloFirst: hello => `Say ${hello} first`,
      mailFirst: () => 'Say MAIL first',
      mailAndRcptFirst: () => 'Say MAIL and RCPT first',
      finishAuth: () => 'Finish AUTH first',
      finishTransaction: () => 'A message is under way: finish it, or give it up with RSET',
      finishChunks: () => 'BDAT has begun: go on with BDAT, or give up with RSET',
      finishMessage: () => 'Finish the message first',
      hasTls: () => 'TLS is on already',
      loggedIn: () => 'You are logged in already',
    },
    'EHLO',
    'The command is right, but not now; the text says what comes first.',
  ),
  notOffered: made(
    'notOffered',
    502,
    '5.5.1',
    (verb: string) => `${verb} is not offered`,
    ['TURN'],
    'A known command that this server, or this port, does not offer.',
  ),
  help: made(
    'help',
    214,
    '2.0.0',
    (lines: readonly string[]) => lines,
    [['HELP with the name of a command explains it']],
    'The answer to HELP.',
  ),
  noSuchTopic: made(
    'noSuchTopic',
    504,
    '5.5.4',
    (topic: string) => `There is no command ${quoted(topic)}; HELP alone lists them`,
    ['XYZZY'],
    'HELP with something that is no command.',
  ),

  // Transactions
  senderOk: fixed('senderOk', 250, '2.1.0', 'Ok', 'The answer to MAIL.'),
  priorityLowered: made(
    'priorityLowered',
    250,
    '2.3.6',
    (priority: number) => `${priority} is the priority of this message, for a higher one is not given`,
    [4],
    'The answer to MAIL that asks for a higher priority than submission.maxPriority (RFC 6710).',
  ),
  recipientOk: fixed('recipientOk', 250, '2.1.5', 'Ok', 'The answer to RCPT.'),
  sendData: fixed(
    'sendData',
    354,
    undefined,
    'End data with <CR><LF>.<CR><LF>',
    'The answer to DATA: the message comes next.',
  ),
  chunkOk: made(
    'chunkOk',
    250,
    '2.0.0',
    (bytes: number) => `Ok: ${bytes} bytes received`,
    [1024],
    'The answer to BDAT without LAST.',
  ),
  queued: made(
    'queued',
    250,
    '2.0.0',
    (id: string) => `Ok: queued as ${id}`,
    ['1CCD5D74AAE'],
    'The message is stored; from now on it is ours. "postrider trace <id>" tells what becomes of it.',
  ),
  delivered: made(
    'delivered',
    250,
    '2.0.0',
    (recipient: string, id: string) => `<${recipient}> delivered as ${id}`,
    ['anna@example.test', '1CCD5D74AAE'],
    'Over LMTP: the message is in the mailbox of this recipient. "postrider trace <id>" tells it too.',
  ),
  badSender: worded(
    'badSender',
    501,
    '5.1.7',
    pathProblems,
    'MAIL FROM:<user@example.test>',
    'The reverse-path of MAIL cannot be read.',
  ),
  badRecipient: worded(
    'badRecipient',
    501,
    '5.1.3',
    pathProblems,
    'RCPT TO:<user@example.test>',
    'The forward-path of RCPT cannot be read.',
  ),
  senderNeedsSmtpUtf8: made(
    'senderNeedsSmtpUtf8',
    550,
    '5.6.7',
    (verb: string) => `Characters beyond ASCII need SMTPUTF8: say so in ${verb}`,
    ['MAIL'],
    'A reverse-path with characters beyond ASCII in MAIL without SMTPUTF8 (RFC 6531 §3.5).',
  ),
  needsSmtpUtf8: made(
    'needsSmtpUtf8',
    553,
    '5.6.7',
    (verb: string) => `Characters beyond ASCII need SMTPUTF8: say so in ${verb}`,
    ['MAIL'],
    'A forward-path with characters beyond ASCII in a transaction without SMTPUTF8 (RFC 6531 §3.5), or VRFY and EXPN without it.',
  ),
  noRecipients: fixed(
    'noRecipients',
    503,
    '5.5.1',
    'No recipients: say RCPT first',
    'DATA or BDAT before any RCPT.',
  ),
  noValidRecipients: fixed(
    'noValidRecipients',
    554,
    '5.5.1',
    'No valid recipients',
    'DATA or BDAT after every RCPT was refused.',
  ),
  tooManyRecipients: made(
    'tooManyRecipients',
    452,
    '4.5.3',
    (most: number) => `At most ${most} recipients in one transaction; send the rest in another`,
    [1000],
    'limits.maxRecipients. Mail servers send the rest by themselves (RFC 5321 §4.5.3.1.10).',
  ),
  tooMuchInTime: made(
    'tooMuchInTime',
    450,
    '4.7.28',
    (what: 'messages' | 'recipients', most: number, per: string, network: string, until: number) =>
      `At most ${most} ${what} ${timeWords(per)} are taken from ${network}; please try again from ${formatUntil(until)} on`,
    ['messages', 2000, 'hour', '192.0.2.0/24', Date.UTC(2026, 0, 2, 10)],
    'limits.strangers.messagesPerMinute, messagesPerHour, recipientsPerMinute or recipientsPerHour, of a network from which little wanted mail has come so far. The sender tries again by itself; limits.strangers.exempt names networks that are not counted.',
  ),
  tooManyNewRecipients: made(
    'tooManyNewRecipients',
    450,
    '4.7.28',
    (most: number, until: number) =>
      `You have written to ${most} new addresses within a day, which is as many as this account may; try the others from ${new Date(until).toISOString().slice(0, 16).replace('T', ' ')} UTC, or ask your administrator`,
    [1000, Date.UTC(2026, 0, 2, 10)],
    'submission.accountLimits.newRecipientsPerDay, or the same in submission.limits for one account. If the account does not send so much: somebody may have its password.',
  ),
  binaryNeedsBdat: fixed(
    'binaryNeedsBdat',
    503,
    '5.5.1',
    'BODY=BINARYMIME takes BDAT, not DATA',
    'RFC 3030 §3.',
  ),
  urlNotFound: fixed(
    'urlNotFound',
    554,
    '5.6.6',
    'There is nothing at this URL that you may send',
    'BURL (RFC 4468): the message has gone, the URL has expired, its key was changed (RESETKEY), or it was authorized for somebody else.',
  ),
  urlNotOurs: fixed(
    'urlNotOurs',
    554,
    '5.7.8',
    'This server takes URLs of its own mailboxes only, authorized with GENURLAUTH',
    'BURL (RFC 4468): a URL of another server, or one without URLAUTH. The mail program has to ask the IMAP server here for one.',
  ),
  messageTooBig: made(
    'messageTooBig',
    552,
    '5.3.4',
    (limit: number) => `Message too big: at most ${limit} bytes`,
    [52428800],
    'limits.maxMessageBytes, found in SIZE= or while the message came.',
  ),
  bareLineEnd: fixed(
    'bareLineEnd',
    // RFC 5321 §4.3.2: 550 at this place is for policy.
    554,
    '5.6.0',
    'Message refused: it has a CR or LF that is not part of a CR LF',
    'What a relay may take for the end of the message (SMTP smuggling) is refused. The sending program has to be mended.',
  ),
  nulInMessage: fixed(
    'nulInMessage',
    554,
    '5.6.0',
    'Message refused: it has a NUL character',
    'Text has no NUL; binary data takes BODY=BINARYMIME and BDAT.',
  ),
  textLineTooLong: made(
    'textLineTooLong',
    554,
    '5.6.0',
    (most: number) => `Message refused: it has a line of more than ${most} characters`,
    [1000],
    'Only a server that is embedded with a maxTextLineBytes of its own says that; RFC 5321 §4.5.3.1.6 allows 1000. The sending program has to encode it (quoted-printable, base64).',
  ),
  headerTooLong: made(
    'headerTooLong',
    552,
    '5.3.4',
    (most: number) => `Message refused: its header section has more than ${most} bytes`,
    [262144],
    'No mail program writes such a header section.',
  ),
  insufficientStorage: fixed(
    'insufficientStorage',
    452,
    '4.3.1',
    'No space left here; please try again later',
    'The disk of the data folder is full. Free some space; the sender tries again by itself.',
  ),
  localError: fixed(
    'localError',
    451,
    '4.3.0',
    'A problem of ours; please try again later',
    'Storage or another part failed; the log says what. Nothing of the message was kept.',
  ),
  loop: made(
    'loop',
    554,
    '5.4.6',
    (hops: number) => `Message refused: it has passed ${hops} servers, so it runs in a circle`,
    [101],
    'More Received fields than delivery.maxReceivedFields (RFC 5321 §6.3).',
  ),
  comesBack: made(
    'comesBack',
    554,
    '5.4.6',
    (address: string) =>
      `Message refused: it has been here before, and <${address}> would send it out once more`,
    ['team@example.test'],
    'A Delivered-To field (RFC 9228) names an alias, a group or a catch-all to which the message would go: it runs in a circle, because one of its members sends mail back.',
  ),
  badHeader: worded(
    'badHeader',
    554,
    '5.6.0',
    headerProblems,
    'from',
    'The header section of a submitted message cannot be sent on as it is.',
  ),

  // Where a message is from
  notAuthentic: made(
    'notAuthentic',
    550,
    '5.7.26',
    (lines: readonly string[]) => lines,
    [
      [
        'example.com asks that mail which it has not sent be refused (DMARC), and nothing proves that it has sent this message.',
        'SPF: example.com does not let 192.0.2.1 send its mail (-all)',
        'DKIM: the message has no signature',
        'More: https://www.rfc-editor.org/rfc/rfc9989',
      ],
    ],
    'The domain of the From field wants such mail refused. Its lines say what SPF and DKIM came to. Whoever has sent it honestly asks the administrator of that domain to let this server in the SPF record, or to sign.',
  ),
  unwanted: made(
    'unwanted',
    550,
    '5.7.1',
    (because: string) => [
      `Your message was not delivered: ${because}`,
      "If it is not spam, write to postmaster at the recipient's domain, which takes it all the same, and quote this reply; or have the recipient put your address on the list of wanted senders",
    ],
    ['it looks like spam'],
    'Scanners, lists and the filter found too much against a message of a stranger; the trail has each line of it.',
  ),
  scannerRefused: made(
    'scannerRefused',
    550,
    '5.7.1',
    (because: string) => `The message was not accepted: ${because}`,
    ['it contains a virus'],
    'A scanner refuses a message of a stranger by itself, whatever its points and for whomever it is, postmaster too.',
  ),
  senderBlocked: made(
    'senderBlocked',
    550,
    '5.7.1',
    (recipients: readonly string[], sender: string, list: 'account' | 'administrator') =>
      list === 'administrator'
        ? `This server takes no mail from ${sender}: its administrator has blocked this sender`
        : `${recipients
            .slice(0, 3)
            .map(recipient => `<${recipient}>`)
            .join(
              ', ',
            )} ${recipients.length === 1 ? 'takes' : 'take'} no mail from ${sender}: the sender is blocked there`,
    [['anna@example.test'], 'boris@example.org', 'account'],
    'A list of blocked senders, of the account or of the administrator ("postrider sender list"): at RCPT by the sender address, after the message by its From field. Nobody else is concerned.',
  ),
  outgoingRefused: made(
    'outgoingRefused',
    550,
    '5.7.1',
    (because: string) => [
      `Your message was not accepted: ${because}`,
      'If you have not sent it, somebody has your password: tell the administrator of this server',
    ],
    ['it contains a virus'],
    'A scanner that looks at what accounts send ([[scanners]], outgoing = true) refuses it, or it has too many points (submission.spamScore). The alerts name the account.',
  ),
  outgoingTooLarge: made(
    'outgoingTooLarge',
    552,
    '5.3.4',
    (because: string) =>
      `Your message was not accepted: ${because}; send it in parts, or a link to what is large`,
    ['it is too large to be looked at (31.2 MB)'],
    'A scanner that looks at what accounts send takes no message of this size, and its whenTooLarge is not "accept".',
  ),
  outgoingLater: made(
    'outgoingLater',
    451,
    '4.7.1',
    (because: string) => `Your message cannot be accepted now: ${because}; please try again later`,
    ['it could not be looked at'],
    'A scanner that looks at what accounts send, and that the settings want to be asked, is away (whenDown = "defer").',
  ),
  hookRefused: made(
    'hookRefused',
    550,
    '5.7.1',
    (lines: readonly string[]) => lines,
    [['Not today']],
    'The hook file of the administrator refuses it ([hooks] in the settings), in its own words and with the code that it names, 500 to 599.',
  ),
  hookDeferred: made(
    'hookDeferred',
    451,
    '4.7.1',
    (lines: readonly string[]) => lines,
    [['Please try again in an hour']],
    'The hook file of the administrator puts it off, in its own words; at connect with 421. The sender tries again by itself.',
  ),
  recipientFiltered: made(
    'recipientFiltered',
    550,
    '5.7.1',
    (lines: readonly string[]) => lines,
    [['Command rejected']],
    'A milter ([[scanners]], kind = "milter") refuses this recipient, in its own words and with its own codes; the others are not concerned.',
  ),
  recipientFilteredLater: made(
    'recipientFilteredLater',
    451,
    '4.7.1',
    (lines: readonly string[]) => lines,
    [['Service unavailable - try again later']],
    'A milter puts this recipient off, in its own words and with its own codes. The sender tries again by itself.',
  ),
  screenedLater: made(
    'screenedLater',
    451,
    '4.7.1',
    (because: string) => `The message cannot be accepted now: ${because}; please try again later`,
    ['it could not be looked at'],
    'A scanner that the settings want to be asked is away (whenDown = "defer"), or asks to see the message again.',
  ),
  spfRefused: made(
    'spfRefused',
    550,
    '5.7.23',
    (lines: readonly string[]) => lines,
    [['SPF: example.com does not let 192.0.2.1 send its mail (-all)']],
    'With mailAuthentication.spf = "enforce": the domain of the sender says that this client may not send for it.',
  ),
  noValidSignature: made(
    'noValidSignature',
    550,
    '5.7.20',
    (lines: readonly string[]) => lines,
    [['DKIM: the signature of example.com does not hold: the body was changed']],
    'With mailAuthentication.dkim = "enforce": the message is signed, and no signature holds.',
  ),
  noReverseName: made(
    'noReverseName',
    550,
    '5.7.25',
    (lines: readonly string[]) => lines,
    [['The address 192.0.2.1 has no name that leads back to it: the address has no name (PTR)']],
    'With mailAuthentication.iprev = "enforce": the client has no name in the DNS that leads back to its address.',
  ),
  severalAuthors: made(
    'severalAuthors',
    550,
    '5.7.1',
    (problem: string) => `Message refused: ${problem}`,
    ['it has more than one From field'],
    'It could show different readers different authors (RFC 5322 §3.6), and nobody could say whose domain is to prove it.',
  ),
  authenticationDeferred: made(
    'authenticationDeferred',
    451,
    '4.4.3',
    (lines: readonly string[]) => lines,
    [
      [
        'Whether example.com has sent this message cannot be found out at this moment; please try again later.',
        'DKIM: the key s._domainkey.example.com could not be looked up',
      ],
    ],
    'The domain of the From field wants mail refused or put aside that it has not sent, and the DNS does not answer. The sender tries again by itself.',
  ),

  // Who may
  authenticated: fixed('authenticated', 235, '2.7.0', 'Authentication successful', 'The answer to AUTH.'),
  accountDisabled: fixed(
    'accountDisabled',
    550,
    '5.7.1',
    'Your account is disabled; ask the administrator of this server',
    'The account was disabled or removed after it had logged in ("postrider account enable").',
  ),
  authChallenge: made(
    'authChallenge',
    334,
    undefined,
    (base64: string) => base64,
    ['VXNlcm5hbWU6'],
    'A step of AUTH: the answer comes next, in base64.',
  ),
  authFailed: fixed(
    'authFailed',
    535,
    '5.7.8',
    'Name or password is wrong',
    'AUTH failed. The name is the whole address. The same reply for every reason, so that nobody can find out which names exist; after many wrong passwords also for the right one, for a quarter of an hour (the log and "postrider trace" with the name say so).',
  ),
  tokenRefused: fixed(
    'tokenRefused',
    535,
    '5.7.8',
    'That token lets nobody in here',
    'AUTH with a token (OAUTHBEARER, XOAUTH2) that is expired, is not for this server, or names no account of it. "postrider trace" with the address says which.',
  ),
  certificateRefused: fixed(
    'certificateRefused',
    535,
    '5.7.8',
    'That certificate lets nobody in here',
    'AUTH EXTERNAL with a certificate that names no account, or another one than the client wants. "postrider trace" with the address says which.',
  ),
  authCancelled: fixed(
    'authCancelled',
    501,
    '5.7.0',
    'Authentication cancelled',
    'The client sent * in the middle of AUTH.',
  ),
  authElsewhere: made(
    'authElsewhere',
    502,
    '5.5.1',
    (place: string) => `AUTH is not offered on this port; log in on ${place}`,
    ['port 587 or 465'],
    'AUTH on the port for other servers (25): nobody guesses passwords there.',
  ),
  authNotBase64: fixed(
    'authNotBase64',
    501,
    '5.5.2',
    'That is not base64',
    'An answer in AUTH that cannot be decoded.',
  ),
  authMalformed: fixed(
    'authMalformed',
    501,
    '5.5.2',
    'That is no answer of this mechanism',
    'An answer in AUTH that lacks name or password (RFC 4616 §2).',
  ),
  authLineTooLong: made(
    'authLineTooLong',
    500,
    '5.5.6',
    (most: number) => `Line too long: at most ${most} characters`,
    [12288],
    'A line of AUTH over the limit (RFC 4954 §4).',
  ),
  authUnavailable: fixed(
    'authUnavailable',
    454,
    '4.7.0',
    'Log-ins cannot be checked at the moment; please try again later',
    'A fault of ours, or whoever knows the account outside (an OpenID provider, LDAP) does not answer; it says nothing of the password. The log says what.',
  ),
  authMechanismUnknown: made(
    'authMechanismUnknown',
    504,
    '5.5.4',
    (offered: string) => `Mechanism not offered; there is ${offered}`,
    ['PLAIN LOGIN'],
    'AUTH with a mechanism that EHLO did not name.',
  ),
  authNeedsTls: fixed(
    'authNeedsTls',
    538,
    '5.7.11',
    'Passwords only over TLS: say STARTTLS first',
    'AUTH on a connection that everybody on the way can read.',
  ),
  authRequired: fixed(
    'authRequired',
    530,
    '5.7.0',
    'Log in first (AUTH)',
    'This port is for users with an account. Mail from other servers goes to port 25.',
  ),
  startTlsFirst: fixed(
    'startTlsFirst',
    530,
    '5.7.0',
    'Say STARTTLS first, then log in (AUTH)',
    'This port is for users with an account, and passwords travel only under TLS.',
  ),
  // Mail that is kept for other servers
  queueStarted: made(
    'queueStarted',
    253,
    '2.0.0',
    (count: number, node: string) =>
      `Ok, ${count} pending ${count === 1 ? 'message' : 'messages'} for ${node} started`,
    [3, 'example.org'],
    'The answer to ETRN: what waits for the domain is being sent to its mail hosts now.',
  ),
  longQueueStarted: made(
    'longQueueStarted',
    252,
    '2.0.0',
    (node: string) => `Ok, pending messages for ${node} started`,
    ['example.org'],
    'The same, when there are more than anybody wants to count.',
  ),
  queueStartedBefore: made(
    'queueStartedBefore',
    250,
    '2.0.0',
    (node: string) => `Ok, queuing for ${node} was started a moment ago`,
    ['example.org'],
    'ETRN again within a minute: nothing more is done. The owner of the domain may ask as often as it likes.',
  ),
  nothingQueued: made(
    'nothingQueued',
    251,
    '2.0.0',
    (node: string) => `Ok, no messages waiting for ${node}`,
    ['example.org'],
    'The answer to ETRN when nothing waits. What comes in the next half hour is sent at once.',
  ),
  cannotStartQueue: made(
    'cannotStartQueue',
    458,
    '4.3.0',
    (node: string) => `Unable to queue messages for ${node} at the moment; please try again later`,
    ['example.org'],
    'ETRN, and the queue cannot be read. The log says why.',
  ),
  nodeNotAllowed: worded(
    'nodeNotAllowed',
    459,
    '4.7.1',
    {
      notRelayed: node => `${node} is not allowed: this server keeps no mail for it`,
      notYours: node => `${node} is not allowed: log in with the account that owns it`,
      noSuchQueue: name =>
        `There is no queue #${name}; #all is every domain of the account with which you have logged in`,
      noDomains: () => 'Your account owns no domain for which this server keeps mail',
    },
    'example.org',
    'ETRN for a domain that is not relayed here, or not for this client: "postrider domain relay" shows who may ask.',
  ),
  turning: fixed(
    'turning',
    250,
    '2.0.0',
    'Ok, now reversing the connection; greet me',
    'The answer to ATRN and TURN: the client is the server from now on.',
  ),
  nothingToFetch: fixed(
    'nothingToFetch',
    453,
    '4.0.0',
    'You have no mail',
    'The answer to ATRN and TURN when nothing waits.',
  ),
  fetchRefused: worded(
    'fetchRefused',
    450,
    '4.7.1',
    {
      notYours: domain =>
        `Refused: ${domain} is no domain whose mail your account may fetch, so you get none at all`,
      noDomains: () => 'Refused: your account owns no domain for which this server keeps mail',
    },
    'example.org',
    'ATRN or TURN for a domain that another account owns, or none: "postrider domain relay" shows and changes that.',
  ),
  cannotFetch: fixed(
    'cannotFetch',
    451,
    '4.3.0',
    'Mail cannot be fetched at the moment; please try again later',
    'ATRN or TURN, and the queue cannot be read. The log says why.',
  ),
  fetchElsewhere: made(
    'fetchElsewhere',
    530,
    '5.7.0',
    (place: string) => `Mail is fetched after AUTH, which is not offered on this port; log in on ${place}`,
    ['port 587 or 465'],
    'ATRN or TURN on the port for other servers (25).',
  ),
  senderNotYours: made(
    'senderNotYours',
    553,
    '5.7.1',
    (sender: string, account: string) => `<${sender}> is not an address of ${account}`,
    ['boss@example.test', 'anna@example.test'],
    'submission.senderAddress says which addresses an account may send from.',
  ),
  writerNotYours: made(
    'writerNotYours',
    550,
    '5.7.1',
    (field: string, writer: string, account: string) => [
      `The ${field} field has <${writer}>, which is not an address of ${account}`,
      'Choose one of your own addresses as the sender in your mail program; the administrator can give you this one as an alias',
    ],
    ['From', 'boss@example.test', 'anna@example.test'],
    'What a reader sees as the author (From), or as who has sent it for him (Sender), has to be an address that the account may send from, as submission.senderAddress says. An alias makes it one ("postrider alias create"), and so does a group whose members may send as it ("postrider group change"). To pass on what somebody else wrote, forward it; a program that writes for many sends from one of localNetworks.',
  ),
  writerUnreadable: made(
    'writerUnreadable',
    550,
    '5.7.1',
    (field: string, writer?: string) =>
      writer === undefined
        ? `The ${field} field has more addresses than can be looked at; write one of your own`
        : `The ${field} field has <${writer}>, which is no address that every program reads in the same way; write one of your own`,
    ['From', 'boss@example.org@example.test'],
    'Readers could be shown another author than the one that is checked (submission.senderAddress).',
  ),
  writerMissing: made(
    'writerMissing',
    550,
    '5.7.1',
    (field: string) => `The ${field} field names nobody; write one of your own addresses`,
    ['From'],
    'The field is there, and is empty or has the name of a group without members. A program that writes no From field at all gets one from the server.',
  ),
  relayDenied: made(
    'relayDenied',
    550,
    '5.7.1',
    (recipient: string) => `<${recipient}> is not here, and relaying takes a login`,
    ['someone@example.com'],
    'A stranger wants to send through this server to another. Users log in on port 587 or 465.',
  ),
  notForMailboxes: made(
    'notForMailboxes',
    550,
    '5.1.2',
    (recipient: string) => `<${recipient}> has no mailbox here, and LMTP is for mailboxes only`,
    ['someone@example.com'],
    'LMTP hands over what is to be delivered on this server; nothing is relayed by it. The server in front sends mail here for a domain that this one does not have: "postrider domain create" makes it one, or correct the transport there.',
  ),
  noDomainYet: fixed(
    'noDomainYet',
    450,
    '4.3.0',
    'This server has no mail domain yet; please try again later',
    'RCPT while the directory has no domain at all. Either none was made ("postrider domain create"), or this is not the data folder or database that has them: an unmounted volume, another dataFolder. For that the answer is not for good.',
  ),
  nobodyYet: made(
    'nobodyYet',
    450,
    '4.2.1',
    (recipient: string) => `There is nobody here yet to read mail for <${recipient}>; please try again later`,
    ['postmaster@example.test'],
    'Any address of a domain of ours while this server has neither an enabled account nor an alias or a group: they are yet to come ("postrider account create"), and the first mail is not refused for good. postmaster@ and abuse@ as long as there is no enabled account, because such mail has to find somebody (RFC 5321 §4.5.1).',
  ),
  noSuchMailbox: made(
    'noSuchMailbox',
    550,
    '5.1.1',
    (recipient: string) => `<${recipient}> does not exist here; please check the address`,
    ['nobody@example.test'],
    'The domain is ours, the address is not.',
  ),
  noSuchReturnPath: worded(
    'noSuchReturnPath',
    550,
    '5.1.1',
    {
      forged: address => `<${address}> is no return address that this server has given out`,
      expired: address => `<${address}> was a return address, and is too old to be one any longer`,
    },
    'SRS0=abcdef=aa=example.com=anna@example.test',
    'An address that looks like those of forwarded mail (forwarding.rewriteSender), with a hash that is not of this server, or from more than three weeks ago.',
  ),
  returnPathForReports: made(
    'returnPathForReports',
    550,
    '5.7.1',
    (address: string) =>
      `<${address}> takes only reports on forwarded mail (MAIL FROM:<>); please write to the address of the person`,
    ['SRS0=abcdef=aa=example.com=anna@example.test'],
    'Somebody writes to the return address of forwarded mail (forwarding.rewriteSender) as if it were one of a person: what it led to would be mail of strangers, sent on by this server.',
  ),
  mailboxDisabled: made(
    'mailboxDisabled',
    550,
    '5.2.1',
    (recipient: string) => `<${recipient}> takes no mail`,
    ['anna@example.test'],
    'The account is disabled ("postrider account enable").',
  ),
  mailboxFull: made(
    'mailboxFull',
    452,
    '4.2.2',
    (recipient: string) => `<${recipient}> has no room for this message now; please try again later`,
    ['anna@example.test'],
    'The account has used its quota ("postrider account list" shows it, "postrider account quota" changes it), or the message is larger than what is left of it. Its owner has been told at 80 and at 95 per cent. Who is logged in is not answered so: that mail waits in the queue.',
  ),
  mailboxFullForLong: made(
    'mailboxFullForLong',
    552,
    '5.2.2',
    (recipient: string) =>
      `<${recipient}> has had no room for mail for more than a week; please reach the recipient some other way`,
    ['anna@example.test'],
    'The account has had more than 95 per cent of its quota for a week, and there is no room for this message. To wait would be in vain, so the sender hears of it at once.',
  ),
  tooLargeForMailbox: made(
    'tooLargeForMailbox',
    552,
    '5.2.3',
    (recipient: string) =>
      `This message is larger than all the mail that <${recipient}> may have; please send less`,
    ['anna@example.test'],
    'SIZE= says more than the whole quota of the account.',
  ),

  // VRFY, EXPN, terminals
  verified: made(
    'verified',
    250,
    '2.1.5',
    (lines: readonly string[]) => lines,
    [['Anna <anna@example.test>']],
    'The answer to VRFY and EXPN.',
  ),
  willTry: fixed(
    'willTry',
    252,
    '2.0.0',
    'I do not say who is here, but send the message and I will try',
    'The answer to VRFY and EXPN for strangers (verifyForEveryone changes it).',
  ),
  ambiguous: made(
    'ambiguous',
    553,
    '5.1.4',
    (lines: readonly string[]) => lines,
    [['More than one address matches; which one?', 'anna@example.test', 'anna@example.org']],
    'VRFY with a name that several addresses have.',
  ),
  notAList: made(
    'notAList',
    550,
    '5.1.1',
    (text: string) => `${text} is not a list here`,
    ['anna'],
    'EXPN with an address that is no alias or group.',
  ),
  foreignMailbox: fixed(
    'foreignMailbox',
    252,
    '2.1.5',
    'That address is not of this server; send the message and I will try',
    'VRFY with an address elsewhere (RFC 5321 §3.5.3).',
  ),
  notAnAddress: fixed(
    'notAnAddress',
    501,
    '5.1.3',
    'That is neither an address nor a user name',
    'VRFY or EXPN with something that cannot be one.',
  ),
  verifiedNeedsSmtpUtf8: fixed(
    'verifiedNeedsSmtpUtf8',
    252,
    '2.6.8',
    'There is such a mailbox; its name needs SMTPUTF8',
    'VRFY without SMTPUTF8 whose answer has characters beyond ASCII (RFC 6531 §3.7.4.2).',
  ),
  expandedNeedsSmtpUtf8: fixed(
    'expandedNeedsSmtpUtf8',
    550,
    '5.6.8',
    'Names in this group need SMTPUTF8',
    'EXPN without SMTPUTF8 whose answer has characters beyond ASCII (RFC 6531 §3.7.4.2).',
  ),
  sendOnlyHere: fixed(
    'sendOnlyHere',
    550,
    '5.3.3',
    'SEND reaches users of this server only; use MAIL for others',
    'SEND to an address elsewhere: a terminal can only be open here (RFC 821 §3.4).',
  ),
  terminalClosed: made(
    'terminalClosed',
    450,
    '4.2.1',
    (recipient: string) => `<${recipient}> has no terminal open`,
    ['anna@example.test'],
    'SEND reaches only users with a terminal ("postrider terminal"); SOML and SAML reach the mailbox too.',
  ),
  terminalsForUsers: made(
    'terminalsForUsers',
    502,
    '5.7.0',
    (verb: string, place: string) => `${verb} is for users who have logged in, on ${place}`,
    ['SEND', 'port 587 or 465'],
    'SEND, SOML and SAML are offered to authenticated users and local networks only.',
  ),
} as const

/** Every reply of the catalogue, in its order. */
export const replyEntries: readonly ReplyEntry[] = entries
