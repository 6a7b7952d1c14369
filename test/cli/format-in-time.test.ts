// A message whose HTML would keep a converter busy for hours is given up, and shown as it came.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatInTime } from '../../src/cli/format-in-time.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { createManualClock } from '../harness/manual-clock.ts'

test('what can be formatted is', async () => {
  assert.equal(
    await formatInTime(Buffer.from('Subject: x\r\n\r\nText\r\n'), systemClock),
    'Subject: x\n\nText',
  )
})

test('what takes too long is given up', async () => {
  const parts = ['text/plain', 'text/html'].map(
    type => `--x\r\nContent-Type: ${type}\r\n\r\n${'<a href="'.repeat(1_000_000)}\r\n`,
  )
  const message = `Content-Type: multipart/mixed; boundary=x\r\n\r\n${parts.join('')}--x--\r\n`
  const clock = createManualClock(0)
  const formatted = formatInTime(Buffer.from(message), clock)
  clock.advance(10_000)
  assert.equal(await formatted, undefined)
})
