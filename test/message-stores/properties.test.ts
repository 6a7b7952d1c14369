// Whatever a message, a name or a line is made of: it comes back as it went out, and nothing throws.
import assert from 'node:assert/strict'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LineEnds } from '../../src/mail-access/line-ends.ts'
import {
  formatKeywordsFile,
  formatSubscriptions,
  parseKeywordsFile,
  parseSubscriptions,
} from '../../src/message-stores/maildir/dovecot-files.ts'
import {
  formatFileName,
  parseFileName,
  readLetters,
  timeOfBase,
  writeLetters,
} from '../../src/message-stores/maildir/file-name.ts'
import { formatFolderName, parseFolderName } from '../../src/message-stores/maildir/folder-name.ts'
import { indexMbox } from '../../src/message-stores/mbox/index-mbox.ts'
import { LinePieces } from '../../src/message-stores/mbox/line-pieces.ts'
import { readContent } from '../../src/message-stores/mbox/read-content.ts'
import { formatSeparator, parseSeparator } from '../../src/message-stores/mbox/separator.ts'
import { readStatus } from '../../src/message-stores/mbox/status-fields.ts'
import { composeMbox } from '../../src/message-stores/mbox/write-mbox.ts'

/** Pieces of which trouble is made. */
const text = fc
  .array(
    fc.constantFrom(
      'From ',
      'From a@b.test Mon Jan  1 00:00:01 2024',
      '>',
      '\r\n',
      '\r\n\r\n',
      '\r',
      'Subject: x',
      ':',
      ' ',
      '\0',
      '\xff',
      'text',
    ),
    { minLength: 1, maxLength: 30 },
  )
  .map(parts => parts.join(''))

const message = fc.record({
  // A header section, as the messages of a mailbox nearly all have one.
  text: text.map(body => `Subject: property\r\n${body}`),
  flags: fc.nat({ max: 31 }),
  keywords: fc.uniqueArray(fc.constantFrom('$Forwarded', 'work', '$Label1', 'junk')),
  receivedAt: fc.nat({ max: 4_000_000_000 }).map(seconds => seconds * 1000),
})

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(Buffer.from(chunk))
  return Buffer.concat(all)
}

test('what is written into an mbox file is read from it: texts, flags, keywords and times', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-mbox-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'mbox')
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 50 }),
      async (messages, size) => {
        const written: Buffer[] = []
        for (const one of messages)
          written.push(
            await collect(
              composeMbox({ ...one, traceFields: '' }, pieces(Buffer.from(one.text, 'latin1'), size)),
            ),
          )
        await writeFile(path, Buffer.concat(written))
        const file = await open(path)
        const found: unknown[] = []
        try {
          for await (const entry of indexMbox(file)) {
            const lines = new LineEnds()
            const content = lines.take(await collect(readContent(file, entry)))
            const { flags, keywords } = readStatus(entry.fields)
            found.push({
              text: Buffer.from(content).toString('latin1'),
              flags,
              keywords: keywords.toSorted(),
              receivedAt: entry.receivedAt,
            })
          }
        } finally {
          await file.close()
        }
        assert.deepEqual(
          found,
          messages.map(one => ({
            ...one,
            // The last line has an end in the file.
            text: one.text.replace(/(?<!\r\n)$/, one.text.endsWith('\r') ? '\n' : '\r\n'),
            keywords: one.keywords.toSorted(),
          })),
        )
      },
    ),
    { numRuns: 100 },
  )
})

test('lines come whole, or in pieces that make them whole, however the chunks are cut', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '\n', '\r'), maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      (content, size) => {
        const bytes = Buffer.from(content)
        const lines = new LinePieces(0)
        const found: string[] = []
        const take = (taken: Iterable<{ readonly bytes: Buffer; readonly offset: number }>): void => {
          for (const piece of taken) {
            assert.equal(piece.offset, Buffer.byteLength(found.join('')))
            found.push(piece.bytes.toString())
          }
        }
        for (let at = 0; at < bytes.length; at += size) take(lines.take(bytes.subarray(at, at + size)))
        take(lines.finish())
        assert.equal(found.join(''), content)
        for (const line of found.slice(0, -1)) assert.match(line, /^[^\n]*\n$/)
      },
    ),
  )
})

test('names of folders, with whatever is in them, are names of files and come back', () => {
  // Not by fc.string: for the unit 'binary' that takes seconds.
  const character = fc.oneof(fc.integer({ min: 1, max: 0x7f }), fc.integer({ min: 0x80, max: 0x10ffff }))
  const level = fc
    .array(character, { minLength: 1, maxLength: 20 })
    .map(points => String.fromCodePoint(...points))
    .filter(name => !name.includes('/') && name.isWellFormed())
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 4 }), levels => {
      fc.pre(levels.length > 1 || levels[0] !== 'INBOX')
      const name = formatFolderName(levels)
      assert.doesNotMatch(name, /[/\0\n]|^\.\.?$/)
      assert.deepEqual(parseFolderName(name), levels)
      assert.deepEqual(parseSubscriptions(formatSubscriptions([levels]), '.'), [levels])
    }),
    { numRuns: 50 },
  )
  assert.equal(formatFolderName(['INBOX']), '')
})

test('flags and keywords in the names of files come back', () => {
  const names = ['work', undefined, '$Label1'] as const
  fc.assert(
    fc.property(fc.nat({ max: 31 }), fc.subarray(['work', '$Label1', '$Forwarded']), (flags, keywords) => {
      const letters = writeLetters(flags, keywords, keyword => {
        const number = names.findIndex(name => name === keyword)
        return number < 0 ? undefined : String.fromCharCode('a'.charCodeAt(0) + number)
      })
      const parsed = parseFileName(formatFileName({ base: '1700000000.M1P2.host,S=3', letters }))
      assert.equal(parsed?.base, '1700000000.M1P2.host,S=3')
      const read = readLetters(parsed?.letters ?? '', names)
      assert.deepEqual([read.flags, read.keywords.toSorted()], [flags, keywords.toSorted()])
    }),
  )
  assert.deepEqual(parseKeywordsFile(formatKeywordsFile(names)), names)
})

test('whatever stands where a name or a line is wanted, nothing throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), anything => {
      parseFileName(anything)
      timeOfBase(anything)
      parseFolderName(anything)
      parseKeywordsFile(anything)
      parseSubscriptions(anything, '/')
      parseSubscriptions(`V\t2\n${anything}`, '.')
      parseSeparator(`From ${anything}`)
      readStatus(
        new Map([
          ['x-mozilla-status', anything],
          ['status', anything],
          ['x-gmail-labels', anything],
        ]),
      )
    }),
  )
})

test('the line that begins a message has its time', () => {
  fc.assert(
    fc.property(fc.nat({ max: 4_000_000_000 }), seconds => {
      assert.equal(parseSeparator(formatSeparator('a@b.test', seconds * 1000))?.receivedAt, seconds * 1000)
    }),
  )
})
