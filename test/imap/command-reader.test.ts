// Commands in the bytes of a client: the same whatever pieces they come in, and any bytes have an end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { CommandReader, type ReaderEvent } from '../../src/imap/server/command-reader.ts'
import { cutAt } from '../smtp-server/nasty-bytes.ts'

const limits = { maxLineBytes: () => 60, maxSkippedBytes: () => 200 }

type Choice = 'collect' | 'stream' | 'refuse'

/** Every event in words; neighbouring octets are joined. */
function readAll(pieces: readonly Buffer[], choose: (count: number) => Choice): readonly string[] {
  const reader = new CommandReader(limits)
  const told: string[] = []
  let octets = ''
  let literals = 0
  const follow = (event: ReaderEvent): 'go-on' | 'over' => {
    switch (event.kind) {
      case 'octets':
        octets += event.bytes.toString('latin1')
        if (event.isLast) told.push(`octets ${octets}`)
        if (event.isLast) octets = ''
        return 'go-on'
      case 'command':
        told.push(`command ${event.bytes.toString('latin1')}`)
        return 'go-on'
      case 'bare-line-feed':
      case 'line-too-long':
        told.push(event.kind)
        return 'go-on'
      case 'skipped':
        told.push('skipped')
        return 'go-on'
      case 'endless':
        told.push('endless')
        return 'over'
      case 'literal': {
        const { size, waits } = event.mark
        told.push(`literal ${event.bytes.toString('latin1')}`)
        const choice = size > 100 ? 'refuse' : choose(literals++)
        if (choice === 'collect') reader.collect(event.mark)
        else if (choice === 'stream') reader.stream(event.mark)
        else {
          const course = reader.skip(event.mark)
          told.push(course)
          assert.equal(course === 'over', waits)
          if (course === 'endless') return 'over'
        }
        return 'go-on'
      }
      default:
        return event satisfies never
    }
  }
  for (const piece of pieces) {
    let rest: Buffer | undefined = piece
    while (rest && rest.length > 0) {
      const step = reader.read(rest)
      if (step.event && follow(step.event) === 'over') return told
      rest = step.rest
    }
  }
  return told
}

const pieces = fc.constantFrom(
  'a NOOP', '\r\n', '\n', '\r', ' ', 'x', ' {3}\r\n', ' {2+}\r\n', ' {0+}\r\n', '~{4+}\r\n', '{99999999999999999999}\r\n', '{150+}\r\n', 'abc', 'y'.repeat(40),
) // biome-ignore format: a list of words

void test('the same events, whatever pieces the bytes come in', () => {
  fc.assert(
    fc.property(
      fc.array(pieces, { maxLength: 20 }),
      fc.array(fc.nat(500), { maxLength: 10 }),
      fc.array(fc.constantFrom<Choice>('collect', 'collect', 'stream', 'refuse'), {
        minLength: 30,
        maxLength: 30,
      }),
      (parts, cuts, choices) => {
        const bytes = Buffer.from(parts.join(''))
        if (bytes.length === 0) return
        const choose = (count: number): Choice => choices[count % choices.length] ?? 'collect'
        const whole = readAll([bytes], choose)
        assert.deepEqual(readAll(cutAt(bytes, cuts), choose), whole)
        assert.deepEqual(readAll(cutAt(bytes, [...bytes.keys()]), choose), whole)
      },
    ),
    { numRuns: 2000 },
  )
})

void test('a command is what stands between two of them, with the literals of strings in it', () => {
  const bytes = Buffer.from('a1 X {3}\r\n\r\n{ {0+}\r\n\r\na2 Y {2+}\r\nno {1}\r\na3 Z\r\n')
  const choices: Choice[] = ['collect', 'collect', 'refuse']
  assert.deepEqual(
    readAll([bytes], count => choices[count] ?? 'collect'),
    [
      'literal a1 X {3}',
      'literal a1 X {3}\r\n\r\n{ {0+}',
      'command a1 X {3}\r\n\r\n{ {0+}\r\n',
      'literal a2 Y {2+}',
      'skipping',
      // The client waits for an answer before it sends that octet, and gets one.
      'skipped',
      'command a3 Z',
    ],
  )
})

test('a literal that comes byte by byte is a part of its command, however many bytes it has', () => {
  const reader = new CommandReader({ maxLineBytes: () => 60, maxSkippedBytes: () => 200 })
  const text = Array.from({ length: 5000 }, (_, n) => String.fromCharCode(97 + (n % 26))).join('')
  const heard: string[] = []
  for (const byte of Buffer.from(`a SEARCH TEXT {${text.length}+}\r\n${text} ALL\r\n`)) {
    const { event } = reader.read(Buffer.from([byte]))
    if (event?.kind === 'literal') reader.collect(event.mark)
    if (event?.kind === 'command') heard.push(event.bytes.toString())
  }
  assert.deepEqual(heard, [`a SEARCH TEXT {${text.length}+}\r\n${text} ALL`])
})
