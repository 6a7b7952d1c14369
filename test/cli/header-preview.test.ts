// What a list shows of a message: the fields of its first 64 KB, however its mail data comes in chunks.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { previewHeader } from '../../src/cli/header-preview.ts'
import { findFieldValue } from '../../src/message/header-section.ts'

async function* chunksOf(text: string, size: number): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const filler = `X-Filler: ${'x'.repeat(100)}\r\n`
const first = 'Subject: Hello\r\n'
const late = 'X-Late: not shown\r\n'

for (const [what, section] of [
  ['a short one', first],
  ['one that is longer than what is looked at', `${first}${filler.repeat(650)}${late}`],
  ['a very long one', `${first}${filler.repeat(5000)}${late}`],
] as const) {
  for (const size of [1_000_000, 65_536, 1000]) {
    test(`${what}, in chunks of ${size} bytes`, async () => {
      const fields = await previewHeader(chunksOf(`${section}\r\nSubject: body\r\n`, size))
      assert.equal(findFieldValue(fields, 'Subject'), 'Hello')
      assert.equal(findFieldValue(fields, 'X-Late'), undefined)
    })
  }
}
