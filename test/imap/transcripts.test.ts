// Every IMAP transcript, three ways: line by line, byte by byte, everything pipelined; and each with services that answer at
// once and with services that answer later. The answers must be the same.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { createImapServer } from '../../src/imap/server/create-imap-server.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { testSecureContext } from '../harness/secure-context.ts'
import { converse } from '../transcripts/peer.ts'
import { testTranscripts } from '../transcripts/test-transcripts.ts'
import type { Tempo, Transcript, Way } from '../transcripts/transcript.ts'
import { createHouse } from './house.ts'

async function play(transcript: Transcript, way: Way, tempo: Tempo): Promise<void> {
  const { settings } = transcript
  const role = settings.tls && settings.options.includes('implicit') ? 'imaps' : 'imap'
  const house = createHouse({ tempo })
  const clock = createManualClock()
  const server = createImapServer({
    hostname: 'mail.example.test',
    listeners: [{ role, address: '127.0.0.1', port: 0, proxyFrom: settings.proxyFrom }],
    services: house.services,
    limits: settings.limits,
    ...(settings.tls ? { tls: { secureContext: testSecureContext } } : {}),
    allowPlaintextAuthOnLoopback: settings.options.includes('allowPlaintextAuthOnLoopback'),
    clock,
  })
  const [listener] = await server.listen()
  assert.ok(listener)
  try {
    await converse(transcript, way, { port: listener.port, clock, implicitTls: role === 'imaps' })
  } finally {
    await server.close(0)
  }
  assert.deepEqual(house.accepted, transcript.accepted)
  assert.equal(house.open(), 0, 'whatever was opened is closed, once')
}

testTranscripts(join(import.meta.dirname, 'transcripts'), play)
