// Properties of the parts that see what strangers send, and of the forms in which messages go out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { isProblem, parseCommand, syntaxOf } from '../../src/pop3/grammar/command.ts'
import { findLanguage } from '../../src/pop3/grammar/language.ts'
import { formatResponse } from '../../src/pop3/responses/response.ts'
import { DotStuffer } from '../../src/pop3/responses/stuff-dots.ts'
import { TopReader } from '../../src/pop3/responses/top.ts'
import { LineReader, type ReaderEvent } from '../../src/pop3/server/line-reader.ts'
import { MessageMarks } from '../../src/pop3/server/message-marks.ts'
import { startServer } from './start-server.ts'

/** Text in which dots and line ends are often. */
const text = fc
  .array(fc.constantFrom('.', '..', '\r\n', '\r', '\n', 'a', 'Subject: x'), { maxLength: 40 })
  .map(parts => parts.join(''))

const cuts = fc.array(fc.nat(60), { maxLength: 5 })

function cut(octets: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.filter(place => place < octets.length).sort((a, b) => a - b), octets.length]
  return places.slice(1).map((end, index) => octets.subarray(places[index], end))
}

function stuff(octets: Buffer, at: readonly number[]): string {
  const stuffer = new DotStuffer()
  const pieces = cut(octets, at).flatMap(piece => stuffer.take(piece))
  return Buffer.concat(pieces).toString('latin1') + stuffer.finish()
}

test('a stuffed message is the message, ends once, and however it is cut', () => {
  fc.assert(
    fc.property(text, cuts, (message, at) => {
      const octets = Buffer.from(message)
      const sent = stuff(octets, at)
      assert.equal(sent, stuff(octets, []))
      assert.ok(sent.endsWith('.\r\n'))
      // Whoever takes LF alone for a line end, and whoever takes CR LF, finds no end before the end.
      assert.equal(sent.search(/(?:^|\n)\.\r?\n/), sent.length - 4 < 0 ? 0 : sent.length - 4)
      const read = sent.slice(0, -3).replaceAll(/(^|\n)\./g, '$1')
      assert.ok(read === message || read === `${message}\r\n`, 'nothing is lost')
      assert.ok(message !== '' || read === '')
    }),
  )
})

test('TOP is the header section and so many lines, however the message is cut', () => {
  fc.assert(
    fc.property(text, cuts, fc.nat(5), (message, at, lines) => {
      const top = (places: readonly number[]): string => {
        const reader = new TopReader(lines)
        let read = ''
        for (const piece of cut(Buffer.from(message), places)) {
          if (reader.isOver) break
          read += Buffer.from(reader.take(piece)).toString('latin1')
        }
        return read
      }
      const whole = top([])
      assert.equal(top(at), whole)
      assert.ok(message.startsWith(whole))
      const end = /(?:^|\n)\r*\n/.exec(message)
      if (!end) {
        assert.equal(whole, message)
        return
      }
      const bodyStart = end.index + end[0].length
      const body = message.slice(bodyStart).split('\n')
      const expected = body.slice(0, lines).join('\n') + (body.length > lines && lines > 0 ? '\n' : '')
      assert.equal(whole, message.slice(0, bodyStart) + expected)
    }),
  )
})

test('lines are the same however the bytes come', () => {
  const stream = fc
    .array(fc.constantFrom('a', 'bb', '\r\n', '\n', '\r', 'x'.repeat(12), 'AUTH '), { maxLength: 30 })
    .map(parts => Buffer.from(parts.join('')))
  const readAll = (pieces: readonly Buffer[]): string[] => {
    const reader = new LineReader({
      maxLineBytes: beginning => (beginning.startsWith('AUTH ') ? 30 : 10),
      maxSkippedBytes: 1000,
    })
    const events: string[] = []
    const tell = (event: ReaderEvent): string =>
      event.kind === 'line' ? `line ${event.line.toString('latin1')}` : event.kind
    for (const piece of pieces)
      for (let rest: Buffer | undefined = piece; rest && rest.length > 0; ) {
        const step = reader.read(rest)
        if (step.event) events.push(tell(step.event))
        rest = step.rest
      }
    return events
  }
  fc.assert(
    fc.property(stream, cuts, (bytes, at) => {
      const whole = readAll([bytes])
      assert.deepEqual(readAll(cut(bytes, at)), whole)
      assert.deepEqual(readAll([...bytes].map(byte => Buffer.from([byte]))), whole)
      assert.equal(whole.length, bytes.filter(byte => byte === 0x0a).length)
    }),
  )
})

test('any line is a command or a problem; keywords are the same in either case', () => {
  const verbs = Object.keys(syntaxOf)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      parseCommand(Buffer.from(bytes))
    }),
  )
  fc.assert(
    fc.property(
      fc.constantFrom(...verbs),
      fc.array(fc.constantFrom('1', '0', 'x', '', '99999999999999999999', '*', 'PLAIN'), { maxLength: 3 }),
      (verb, words) => {
        const line = [verb, ...words].join(' ')
        const upper = parseCommand(Buffer.from(line))
        assert.deepEqual(parseCommand(Buffer.from([verb.toLowerCase(), ...words].join(' '))), upper)
        if (!isProblem(upper)) assert.equal(upper.verb, verb)
      },
    ),
  )
})

test('a password is all that stands behind PASS', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }), password => {
      assert.deepEqual(parseCommand(Buffer.from(`PASS ${password}`)), { verb: 'PASS', password })
    }),
  )
})

test('a response is one line of 512 octets at most', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 600, unit: 'binary' }),
      fc.constantFrom('en', 'ru'),
      (words, language) => {
        const line = formatResponse({ status: '-ERR', text: { en: words, ru: words } }, language)
        assert.ok(Buffer.byteLength(line) <= 512)
        assert.match(line, /^-ERR(?: [^[\r\n][^\r\n]*)?\r\n$/)
        if (language === 'en') assert.match(line, /^[ -~]*\r\n$/)
      },
    ),
  )
})

test('marks are a set of numbers', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 100 })), numbers => {
      const marks = new MessageMarks(100)
      for (const number of numbers) marks.add(number)
      const expected = [...new Set(numbers)].sort((a, b) => a - b)
      assert.deepEqual([...marks], expected)
      assert.equal(marks.size, expected.length)
      marks.clear()
      assert.deepEqual([[...marks], marks.size], [[], 0])
    }),
  )
})

test('a language range finds the nearest language', () => {
  assert.equal(findLanguage('EN'), 'en')
  assert.equal(findLanguage('ru-RU'), 'ru')
  assert.equal(findLanguage('ru-Cyrl-RU'), 'ru')
  assert.equal(findLanguage('rus'), undefined)
  assert.equal(findLanguage('x-en'), undefined)
})

const words = [
  'USER', 'anna@example.test', 'PASS', 'secret word', 'AUTH', 'PLAIN', 'LOGIN', '=', '*', 'AGFubmFAZXhhbXBsZS50ZXN0AHNlY3JldCB3b3Jk', 'CAPA', 'STLS', 'UTF8', 'LANG', 'ru', 'STAT', 'LIST', 'UIDL', 'RETR', 'TOP', 'DELE', 'RSET', 'NOOP', 'QUIT', 'APOP', '0', '1', '2', '3', '4', '5', '6',
] // biome-ignore format: a list of words

const lines = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...words).map(word => `${word} `) },
      { weight: 6, arbitrary: fc.constantFrom('\r\n', '\r\n', '\n', '\0', '\xff') },
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 40 },
  )
  .map(parts => parts.join('').replaceAll(' \r\n', '\r\n'))

test('whatever strangers send: no fault of ours comes of it, and whatever was opened is closed', async t => {
  const { server, house, connect, logged } = await startServer(t, {}, { tempo: 'later' })
  await fc.assert(
    fc.asyncProperty(lines, fc.constantFrom('greeted', 'logged-in' as const), async (sent, until) => {
      const client = await connect(until)
      client.socket.end(Buffer.from(`${sent}\r\n`, 'latin1'))
      await client.rest()
      client.destroy()
      while (server.connectionCount > 0) await nextTurn()
      assert.equal(house.open(), 0)
      assert.deepEqual(
        logged.filter(line => !line.includes('a fault that the transcript wants')),
        [],
      )
    }),
    { numRuns: 200 },
  )
})
