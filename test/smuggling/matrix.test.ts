// Smuggling and STARTTLS injection as matrices: every combination of what could be taken for the end of mail data, in both
// directions, by DATA and BDAT; and of text before and behind STARTTLS, at the server and at the client. Each runs over a real
// socket; the names of the tests say how many cases there were.
import assert from 'node:assert/strict'
import { connect as connectTcp, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SmtpConnection } from '../../src/smtp/client/contract.ts'
import { openConnection, type RawConnection } from '../harness/raw-connection.ts'
import { testSecureContext } from '../harness/secure-context.ts'
import {
  connect,
  failureOf,
  inWords,
  listen,
  mailDataOf,
  recipient,
  transactionTo,
} from '../smtp-client/open-client.ts'
import {
  beginTransaction,
  remainingCodes,
  type StartedServer,
  startServer,
} from '../smtp-server/start-server.ts'

// What stands before the dot, the dot, and what stands behind it, as some server somewhere has taken it for an end.
const befores = ['\r\n', '\n', '\r', '\n\r', '\r\r\n', '\r\n\0']
const dots = ['.', '..']
const afters = ['\r\n', '\n', '\r', '\n\r', '\r\r\n', '\0\r\n', ' \r\n']

interface Variant {
  readonly name: string
  readonly bytes: string
  /** Where it can be cut in the middle. */
  readonly middle: number
}

const shown = (text: string): string =>
  text.replaceAll('\r', 'CR').replaceAll('\n', 'LF').replaceAll('\0', 'NUL').replaceAll(' ', 'SP')

const theEnd = '\r\n.\r\n'

const variants: readonly Variant[] = befores.flatMap(first =>
  dots.flatMap(dot =>
    afters
      .map(last => ({
        name: shown(first + dot + last),
        bytes: first + dot + last,
        middle: first.length + dot.length,
      }))
      // LF and CR.LF, one behind the other, are CR LF in the end.
      .filter(({ bytes }) => !bytes.includes(theEnd)),
  ),
)

const smuggled = 'evil@example.org'
const hidden = `MAIL FROM:<${smuggled}>\r\nRCPT TO:<b@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nsmuggled`
const messageWith = ({ bytes }: Pick<Variant, 'bytes'>): string =>
  `Subject: outer\r\n\r\nouter${bytes}${hidden}\r\n`

/** RFC 5321 §2.3.8: CR and LF stand together or not at all; and no NUL (RFC 5322 §2.2). */
const isClean = (text: string): boolean => !/\r(?!\n)|(?<!\r)\n|\0/.test(text)

const unstuffed = (text: string): string => text.replaceAll(/(^|\r\n)\./g, '$1')

const packets: Readonly<Record<string, (text: string, variant: Variant) => readonly string[]>> = {
  'in one packet': text => [text],
  'cut within the variant': (text, { bytes, middle }) => {
    const at = text.indexOf(bytes) + middle
    return [text.slice(0, at), text.slice(at)]
  },
  'cut behind the variant': (text, { bytes }) => {
    const at = text.indexOf(bytes) + bytes.length
    return [text.slice(0, at), text.slice(at)]
  },
  'byte by byte': (text, { bytes }) => {
    const at = text.indexOf(bytes)
    return [text.slice(0, at), ...bytes.split(''), text.slice(at + bytes.length)]
  },
}

let server: StartedServer

before(async () => {
  server = await startServer({ limits: { maxErrorsPerSession: 10_000, maxTransactionsPerSession: 10_000 } })
})

after(async () => await server.server.close())

async function writeApart(connection: RawConnection, pieces: readonly string[]): Promise<void> {
  connection.socket.setNoDelay(true)
  for (const piece of pieces) {
    await connection.write(Buffer.from(piece, 'latin1'))
    await nextTurn()
  }
}

const cases = variants.length * Object.keys(packets).length

test(`incoming, DATA: ${variants.length} variants × ${Object.keys(packets).length} ways in packets = ${cases} cases: none is an end`, async () => {
  const connection = await server.greeted()
  await connection.command('EHLO client.example.org')
  for (const variant of variants)
    for (const [way, cut] of Object.entries(packets)) {
      const what = `${variant.name} ${way}`
      const taken = server.taken.length
      await connection.command('MAIL FROM:<a@example.org>')
      await connection.command('RCPT TO:<b@example.test>')
      assert.equal((await connection.command('DATA'))?.code, 354, what)
      const message = messageWith(variant)
      await writeApart(connection, cut(`${message}.\r\n`, variant))
      const reply = await connection.reply()
      // Whatever else came in clear would be the next reply.
      assert.equal((await connection.command('VRFY'))?.code, 501, what)
      const messages = server.taken.slice(taken)
      if (isClean(message)) {
        assert.equal(reply?.code, 250, what)
        assert.deepEqual(
          messages.map(({ mailData }) => mailData),
          [unstuffed(message)],
          what,
        )
      } else {
        assert.deepEqual([reply?.code, messages.length], [554, 0], what)
      }
    }
  assert.ok(server.taken.every(({ transaction }) => JSON.stringify(transaction.reversePath).includes('"a"')))
  connection.destroy()
})

test('incoming, DATA: CRLF.CRLF is an end, so that the matrix can tell', async () => {
  const connection = await server.greeted()
  const taken = server.taken.length
  await beginTransaction(connection)
  await connection.command('DATA')
  await connection.write(`${messageWith({ bytes: theEnd })}.\r\n`)
  const codes: (number | undefined)[] = []
  for (let n = 0; n < 5; n++) codes.push((await connection.reply())?.code)
  assert.deepEqual(codes, [250, 250, 250, 354, 250])
  assert.equal(server.taken.length, taken + 2)
  connection.destroy()
})

const chunkings: Readonly<Record<string, (text: string, variant: Variant) => readonly string[]>> = {
  'in one chunk': text => [text],
  'in two chunks, cut within the variant': packets['cut within the variant'] ?? (text => [text]),
  'in two chunks, cut behind the variant': packets['cut behind the variant'] ?? (text => [text]),
}

for (const body of ['8BITMIME', 'BINARYMIME'] as const) {
  const count = variants.length * Object.keys(chunkings).length
  test(`incoming, BDAT, ${body}: ${variants.length} variants × ${Object.keys(chunkings).length} ways in chunks = ${count} cases: the size is the end`, async () => {
    const connection = await server.greeted()
    await connection.command('EHLO client.example.org')
    for (const variant of variants)
      for (const [way, cut] of Object.entries(chunkings)) {
        const what = `${variant.name} ${way}`
        const taken = server.taken.length
        await connection.command(`MAIL FROM:<a@example.org> BODY=${body}`)
        await connection.command('RCPT TO:<b@example.test>')
        const message = messageWith(variant)
        const chunks = cut(message, variant)
        await writeApart(
          connection,
          chunks.map(
            (chunk, n) => `BDAT ${chunk.length}${n === chunks.length - 1 ? ' LAST' : ''}\r\n${chunk}`,
          ),
        )
        const codes: (number | undefined)[] = []
        for (const _ of chunks) codes.push((await connection.reply())?.code)
        assert.equal((await connection.command('VRFY'))?.code, 501, what)
        const messages = server.taken.slice(taken).map(({ mailData }) => mailData)
        if (body === 'BINARYMIME' || isClean(message))
          assert.deepEqual([codes, messages], [chunks.map(() => 250), [message]], what)
        else {
          // What is wrong in the first chunk is said there, and then no transaction is left for the second (RFC 3030 §2).
          assert.equal(codes.filter(code => code === 554).length, 1, what)
          assert.ok(codes.at(-1) === 554 || codes.at(-1) === 503, what)
          assert.deepEqual(messages, [], what)
        }
        await connection.command('RSET')
      }
    connection.destroy()
  })
}

/** What some server takes for an end: any of these line ends, a dot, any of these. */
const lenientEnd = /(?:\r\n|\n|\r)\0?\.(?:\0?\r\n|\n|\r| \r\n)/

interface LenientServer {
  readonly port: number
  /** Every command line that it saw. */
  readonly commands: string[]
  readonly messages: string[]
}

/** Takes whatever looks like an end for one; of BDAT it counts. */
async function startLenient(
  t: Parameters<typeof listen>[0],
  extensions: readonly string[],
): Promise<LenientServer> {
  const commands: string[] = []
  const messages: string[] = []
  const { port } = await listen(t, socket => {
    let pending = ''
    let mode: 'commands' | 'data' | { readonly bytes: number; readonly isLast: boolean } = 'commands'
    let message = ''
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.write('220 lenient.example\r\n')
    const step = (): boolean => {
      if (mode === 'commands') {
        const end = pending.indexOf('\r\n')
        if (end < 0) return false
        const line = pending.slice(0, end)
        pending = pending.slice(end + 2)
        commands.push(line)
        const [verb = '', size = '', last] = line.split(' ')
        if (verb === 'EHLO')
          socket.write(
            `250-lenient.example\r\n${extensions.map(one => `250-${one}\r\n`).join('')}250 8BITMIME\r\n`,
          )
        else if (verb === 'DATA') {
          mode = 'data'
          // The CRLF of the command counts, as it does everywhere.
          pending = `\r\n${pending}`
          socket.write('354 Go on\r\n')
        } else if (verb === 'BDAT') mode = { bytes: Number(size), isLast: last === 'LAST' }
        else if (verb === 'QUIT') socket.end('221 Bye\r\n')
        else socket.write('250 Ok\r\n')
        return true
      }
      if (mode === 'data') {
        const end = lenientEnd.exec(pending)
        if (!end) return false
        messages.push(pending.slice(2, end.index + 2))
        pending = pending.slice(end.index + end[0].length)
      } else {
        if (pending.length < mode.bytes) return false
        message += pending.slice(0, mode.bytes)
        pending = pending.slice(mode.bytes)
        if (mode.isLast) {
          messages.push(message)
          message = ''
        }
      }
      mode = 'commands'
      socket.write('250 Ok\r\n')
      return true
    }
    socket.on('data', (chunk: string) => {
      pending += chunk
      while (step());
    })
  })
  return { port, commands, messages }
}

const verbs = (lines: readonly string[]): string[] => lines.map(line => line.split(' ')[0] ?? '')

const ways = [
  { how: 'DATA', body: '8BITMIME', extensions: [] },
  { how: 'DATA, pipelined', body: '8BITMIME', extensions: ['PIPELINING'] },
  { how: 'BDAT', body: 'BINARYMIME', extensions: ['CHUNKING', 'BINARYMIME'] },
] as const

for (const { how, body, extensions } of ways) {
  // With an end that is one too: it must not be one on the way out.
  const all = [...variants, { name: shown(theEnd), bytes: theEnd, middle: 3 }].filter(
    // A NUL never comes so far with DATA: it is refused at the door, and from BINARYMIME encoded.
    ({ bytes }) => body === 'BINARYMIME' || !bytes.includes('\0'),
  )
  const cuts = Object.entries(packets)
  test(`outgoing, ${how}: ${all.length} variants × ${cuts.length} ways from the disk = ${all.length * cuts.length} cases: a server that takes each for an end sees none`, async t => {
    const lenient = await startLenient(t, extensions)
    const connection: SmtpConnection = await connect(t, lenient)
    for (const variant of all)
      for (const [way, cut] of cuts) {
        const what = `${variant.name} ${way}`
        const [seen, got] = [lenient.commands.length, lenient.messages.length]
        const message = messageWith(variant)
        const pieces = cut(message, variant).map(piece => Buffer.from(piece, 'latin1'))
        const results = await connection.send(
          transactionTo([recipient('boris@example.org')], { body, mailData: mailDataOf(...pieces) }),
        )
        assert.deepEqual(inWords(results), ['accepted 250'], what)
        const said = verbs(lenient.commands.slice(seen)).filter(verb => verb !== 'EHLO')
        assert.deepEqual(
          said.filter((verb, n) => verb !== 'BDAT' || said[n - 1] !== 'BDAT'),
          ['MAIL', 'RCPT', body === 'BINARYMIME' ? 'BDAT' : 'DATA'],
          what,
        )
        assert.ok(!lenient.commands.some(line => line.includes(smuggled)), what)
        assert.equal(lenient.messages.length, got + 1, what)
        const expected = body === 'BINARYMIME' ? message : message.replaceAll(/\r\n|\r|\n/g, '\r\n')
        const received = lenient.messages.at(-1) ?? ''
        assert.equal(body === 'BINARYMIME' ? received : unstuffed(received), expected, what)
      }
  })
}

test('outgoing: the lenient server takes each variant for an end, so that the matrix can tell', async t => {
  const lenient = await startLenient(t, [])
  const taken = variants.filter(({ bytes }) => lenientEnd.test(bytes))
  for (const { bytes } of taken) {
    const got = lenient.messages.length
    const socket = connectTcp(lenient.port, '127.0.0.1')
    socket.write(`EHLO x\r\nDATA\r\n${messageWith({ bytes })}.\r\nQUIT\r\n`, 'latin1')
    socket.resume()
    await new Promise(resolve => {
      socket.once('close', resolve)
    })
    assert.equal(lenient.messages.length, got + 2, shown(bytes))
  }
  assert.ok(taken.length > 25, `${taken.length}`)
})

// STARTTLS, at the server.

/** What a stranger in between puts behind STARTTLS, to be done as if the client had said it within TLS. */
const injected: readonly string[] = [
  `MAIL FROM:<${smuggled}>\r\n`,
  `EHLO evil.example\r\nMAIL FROM:<${smuggled}>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n`,
  'EHLO evil.example\r\n',
  'AUTH PLAIN AGFubmEAc2VjcmV0\r\n',
  'RSET\r\n',
  'NOOP\r\n',
  'QUIT\r\n',
  'STARTTLS\r\n',
  'XUNKNOWN\r\n',
  'MAIL',
  'x',
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\x16',
  // The start of a ClientHello, which a client that waits for the reply would not send yet.
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
]

/** What comes before it in the same packet. */
const preludes: readonly string[] = ['', 'NOOP\r\n', 'RSET\r\n', 'VRFY b@example.test\r\n']

for (const role of ['relay', 'submission'] as const)
  test(`STARTTLS, ${role}: ${preludes.length} preludes × ${injected.length} injections in one packet = ${preludes.length * injected.length} cases: refused, discarded and closed`, async t => {
    const hellos: string[] = []
    const {
      port,
      server: listening,
      taken,
    } = await startServer({
      listeners: [{ role, address: '127.0.0.1', port: 0 }],
      tls: { secureContext: testSecureContext },
      services: {
        hello(client) {
          hellos.push(client.heloName ?? '')
          return undefined
        },
      },
    })
    t.after(() => listening.close())
    for (const prelude of preludes)
      for (const text of injected) {
        const what = `${shown(prelude)} ${shown(text)}`
        const connection = await openConnection(port)
        await connection.reply()
        await connection.command('EHLO client.example.org')
        await connection.write(Buffer.from(`${prelude}STARTTLS\r\n${text}`, 'latin1'))
        const codes = await remainingCodes(connection)
        // No 220, nothing of what was injected, and the end.
        assert.equal(codes.at(-1), 554, what)
        assert.equal(codes.length, prelude === '' ? 1 : 2, what)
        assert.ok(!codes.includes(220), what)
        await connection.closed
      }
    assert.deepEqual(new Set(hellos), new Set(['client.example.org']))
    assert.deepEqual(taken, [])
  })

const whole = injected.filter(text => text.length >= 6 && !text.startsWith('\x16'))

test(`STARTTLS: ${whole.length} injections in a packet of their own behind it: nothing is done of them, and the end`, async t => {
  const { port, server: listening, taken } = await startServer({ tls: { secureContext: testSecureContext } })
  t.after(() => listening.close())
  for (const text of whole) {
    const connection = await openConnection(port)
    await connection.reply()
    await connection.command('EHLO client.example.org')
    await connection.write('STARTTLS\r\n')
    await nextTurn()
    await connection.write(text)
    const codes = await remainingCodes(connection)
    // With the packet before it, or in place of a ClientHello.
    assert.ok(
      codes.length === 1 && (codes[0] === 220 || codes[0] === 554),
      `${shown(text)} ${codes.join(' ')}`,
    )
  }
  assert.deepEqual(taken, [])
})

const forgotten: readonly (readonly [said: string, then: string, code: number])[] = [
  ['EHLO before.example\r\n', `MAIL FROM:<a@example.org>`, 503],
  ['EHLO before.example\r\nNOOP\r\n', 'RCPT TO:<b@example.test>', 503],
  [`EHLO before.example\r\nMAIL FROM:<${smuggled}>\r\nRSET\r\n`, 'RCPT TO:<b@example.test>', 503],
  [`EHLO before.example\r\nMAIL FROM:<${smuggled}>\r\nRCPT TO:<b@example.test>\r\nRSET\r\n`, 'DATA', 503],
]

test(`STARTTLS: ${forgotten.length} things said before it are forgotten behind it`, async t => {
  const { port, server: listening } = await startServer({ tls: { secureContext: testSecureContext } })
  t.after(() => listening.close())
  for (const [said, then, code] of forgotten) {
    const connection = await openConnection(port)
    await connection.reply()
    await connection.write(`${said}STARTTLS\r\n`)
    while ((await connection.reply())?.code !== 220);
    await connection.startTls()
    assert.equal((await connection.command(then))?.code, code, said)
    connection.destroy()
  }
})

// STARTTLS, at the client.

/** What a stranger in between puts behind a reply in clear, to be taken for what the server says within TLS. */
const answers: readonly string[] = [
  '250 Ok\r\n',
  '250-evil.example\r\n250 AUTH PLAIN LOGIN\r\n',
  '250-evil.example\r\n',
  '250-evil.example',
  '220 Ready\r\n',
  '235 2.7.0 Welcome\r\n',
  '354 Go on\r\n',
  '421 Bye\r\n',
  '454 Not now\r\n',
  '554 No\r\n',
  'GARBAGE\r\n',
  'x',
  '\r\n',
  '\n',
  '\r',
  '\0',
]

const placesOfAnswers = {
  'behind the answer to STARTTLS': { hello: '', startTls: (text: string) => `220 Go on\r\n${text}` },
  'behind the answer to EHLO': { hello: (text: string) => text, startTls: '220 Go on\r\n' },
} as const

for (const [place, { hello, startTls }] of Object.entries(placesOfAnswers)) {
  const modes = ['opportunistic', 'starttls'] as const
  test(`STARTTLS, the client: ${answers.length} injections ${place} × ${modes.length} modes = ${answers.length * modes.length} cases: discarded and closed, and no password goes out`, async t => {
    for (const text of answers)
      for (const mode of modes) {
        const what = `${shown(text)} ${mode}`
        let seen = ''
        const closed = Promise.withResolvers<void>()
        const sockets: Socket[] = []
        const peer = await listen(t, socket => {
          sockets.push(socket)
          socket.on('close', () => closed.resolve())
          socket.write('220 Hi\r\n')
          socket.on('data', chunk => {
            const command = chunk.toString('latin1')
            seen += command
            if (command.startsWith('EHLO'))
              socket.write(
                Buffer.from(
                  `250-Hi\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n${typeof hello === 'function' ? hello(text) : hello}`,
                  'latin1',
                ),
              )
            else if (command.startsWith('STARTTLS'))
              socket.write(Buffer.from(typeof startTls === 'function' ? startTls(text) : startTls, 'latin1'))
            // RFC 3207 §6: a peer that goes on in clear would say more than it wants.
            else socket.write('250 Ok\r\n')
          })
        })
        const auth = { username: 'anna', password: 'secret' }
        const facts = await failureOf(connect(t, peer, { tls: mode, auth }))
        assert.equal(facts.kind, 'protocol', what)
        // What is no reply at all is found when it comes.
        assert.match(facts.stage, /^(hello|tls)$/, what)
        assert.equal(sockets.length, 1, what)
        await closed.promise
        // Not even a ClientHello, nor QUIT: who knows to whom.
        assert.equal(seen, `EHLO client.example.org\r\n${hello === '' ? 'STARTTLS\r\n' : ''}`, what)
      }
  })
}
