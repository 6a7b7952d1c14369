// A client that takes its time gets no other verdict than one that is quick: the time of the DNS is not his.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authenticate } from './authenticate.ts'
import { createZone } from './zone.ts'

const message = 'From: Anna <anna@example.com>\r\nSubject: soon\r\n\r\nDear Boris\r\n'

// With nothing left to ask, what p=reject forbids was taken.
test('who waits before the header section is refused by DMARC as ever', async () => {
  const zone = createZone({
    'example.com': { txt: ['v=spf1 -all'] },
    '_dmarc.example.com': { txt: ['v=DMARC1; p=reject'] },
  })
  const { dmarc } = await authenticate(zone, message, { headerMs: 21_000 })
  assert.partialDeepStrictEqual(dmarc, { result: 'fail', policy: 'reject' })
})

// It was put off each time, and returned in the end.
test('a message that takes long to come passes by another name of its organisation', async () => {
  const zone = createZone({
    'bounces.example.com': { txt: ['v=spf1 ip4:203.0.113.9 -all'] },
    '_dmarc.example.com': { txt: ['v=DMARC1; p=reject'] },
  })
  const { dmarc } = await authenticate(zone, message, { from: 'b@bounces.example.com', bodyMs: 600_000 })
  assert.partialDeepStrictEqual(dmarc, { result: 'pass', alignedSpf: 'bounces.example.com' })
})
