// Messages that a filter changes.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asyncProperty, constantFrom, assert as hold, integer, string } from 'fast-check'
import { editMessage, type FieldEdit, type MessageEdits } from '../../src/message/edit-message.ts'
import { parseHeaderFields } from '../../src/message/header-section.ts'

async function edit(message: string, edits: Partial<MessageEdits>, pieceBytes = 7): Promise<string> {
  const bytes = Buffer.from(message)
  async function* pieces(): AsyncIterable<Uint8Array> {
    for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes)
  }
  const edited: Uint8Array[] = []
  for await (const piece of editMessage(pieces(), { fields: [], ...edits }, 100_000)) edited.push(piece)
  return Buffer.concat(edited).toString()
}

const head = [
  'Received: from a\r\n\tby b',
  'Subject: Lunch',
  'X-Old: 1',
  'x-old: 2',
  'From: boris@example.net',
]
const message = `${head.join('\r\n')}\r\n\r\nAt noon?\r\n`

describe('a message with other fields', () => {
  const cases: Readonly<Record<string, readonly [readonly FieldEdit[], readonly string[]]>> = {
    'one behind the last': [[{ kind: 'add', name: 'X-Seen', value: 'yes' }], [...head, 'X-Seen: yes']],
    'one before all others': [
      [{ kind: 'insert', index: 0, name: 'X-Seen', value: ' yes' }],
      ['X-Seen: yes', ...head],
    ],
    'one between others, each counted from what those before left': [
      [
        { kind: 'insert', index: 0, name: 'A', value: '1' },
        { kind: 'insert', index: 2, name: 'B', value: '2' },
        { kind: 'insert', index: 99, name: 'C', value: '3' },
      ],
      ['A: 1', 'Received: from a\r\n\tby b', 'B: 2', ...head.slice(1), 'C: 3'],
    ],
    'one changed, whatever letters its name has': [
      [{ kind: 'change', index: 1, name: 'SUBJECT', value: '[spam] Lunch' }],
      [head[0] ?? '', 'SUBJECT: [spam] Lunch', ...head.slice(2)],
    ],
    'the second of its name changed, the first gone': [
      [
        { kind: 'change', index: 2, name: 'X-Old', value: 'two' },
        { kind: 'change', index: 1, name: 'X-Old', value: undefined },
      ],
      [head[0] ?? '', head[1] ?? '', 'X-Old: two', head[4] ?? ''],
    ],
    'one changed that is not there': [
      [
        { kind: 'change', index: 3, name: 'X-Old', value: 'three' },
        { kind: 'change', index: 1, name: 'X-None', value: undefined },
      ],
      [...head, 'X-Old: three'],
    ],
    'lines in a value, which stay in it': [
      [{ kind: 'add', name: 'X-Seen', value: 'one\ntwo\r\n\r\nthree\0' }],
      [...head, 'X-Seen: one\r\n\ttwo\r\n\tthree'],
    ],
    'no name that is none': [[{ kind: 'add', name: 'X Seen:\r\n\r\n', value: 'yes' }], head],
  }
  for (const [name, [fields, expected]] of Object.entries(cases))
    it(name, async () => {
      assert.equal(await edit(message, { fields }), `${expected.join('\r\n')}\r\n\r\nAt noon?\r\n`)
    })

  it('keeps lines that are no fields where they are', async () => {
    const odd = 'From: a\r\nno field here\r\n\r\ntext\r\n'
    const seen = { kind: 'insert', index: 1, name: 'X', value: '1' } as const
    // The line that is no field ends the header section: what follows is text.
    assert.equal(await edit(odd, { fields: [seen] }), 'From: a\r\nX: 1\r\n\r\nno field here\r\n\r\ntext\r\n')
  })

  it('without edits it is the same, in whatever pieces it comes', async () => {
    await hold(
      asyncProperty(
        string(),
        integer({ min: 1, max: 50 }),
        constantFrom('', '\r\n', 'x\r\n\r\n'),
        async (text, size, end) => {
          const one = `Subject: x\r\n\r\n${text}${end}`
          assert.equal(await edit(one, {}, size), Buffer.from(one).toString())
        },
      ),
    )
  })

  it('has no more fields than were asked for, whatever a value holds', async () => {
    await hold(
      asyncProperty(string({ unit: constantFrom('\r', '\n', ' ', '\t', 'a', ':', '\0') }), async value => {
        const edited = await edit(message, { fields: [{ kind: 'add', name: 'X', value }] })
        const [section = ''] = edited.split('\r\n\r\n', 1)
        assert.equal(parseHeaderFields(Buffer.from(`${section}\r\n`)).length, 6)
      }),
    )
  })
})

describe('a message with another body', () => {
  it('has it in the place of its own, in whatever pieces that comes', async () => {
    for (const size of [1, 7, 1000])
      assert.equal(
        await edit(message, { body: Buffer.from('At one.\r\n') }, size),
        `${head.join('\r\n')}\r\n\r\nAt one.\r\n`,
      )
  })

  it('has one where it had none', async () => {
    assert.equal(
      await edit('Subject: x\r\n', { body: Buffer.from('text\r\n') }),
      'Subject: x\r\n\r\ntext\r\n',
    )
  })
})
