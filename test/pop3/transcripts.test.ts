// Every POP3 transcript, three ways: line by line, byte by byte, everything pipelined; and each with services that answer at
// once and with services that answer later. The answers must be the same. ACCEPTED is what an update has done.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { createPop3Server } from '../../src/pop3/server/create-pop3-server.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { testSecureContext } from '../harness/secure-context.ts'
import { converse } from '../transcripts/peer.ts'
import { testTranscripts } from '../transcripts/test-transcripts.ts'
import type { Tempo, Transcript, Way } from '../transcripts/transcript.ts'
import { createHouse } from './house.ts'

async function play(transcript: Transcript, way: Way, tempo: Tempo): Promise<void> {
  const { settings } = transcript
  const role = settings.tls && settings.options.includes('implicit') ? 'pop3s' : 'pop3'
  const house = createHouse({ tempo })
  const clock = createManualClock()
  const server = createPop3Server({
    hostname: 'mail.example.test',
    listeners: [{ role, address: '127.0.0.1', port: 0, proxyFrom: settings.proxyFrom }],
    services: house.services,
    limits: settings.limits,
    ...(settings.tls ? { tls: { secureContext: testSecureContext } } : {}),
    ...(settings.options.includes('scramOnly') ? { authMechanisms: ['SCRAM-SHA-256'] } : {}),
    allowPlaintextAuthOnLoopback: settings.options.includes('allowPlaintextAuthOnLoopback'),
    clock,
  })
  const [listener] = await server.listen()
  assert.ok(listener)
  try {
    await converse(transcript, way, { port: listener.port, clock, implicitTls: role === 'pop3s' })
  } finally {
    await server.close(0)
  }
  assert.deepEqual(house.updates, transcript.accepted)
  if (transcript.refused)
    assert.deepEqual(
      house.refused.map(({ mechanism, loginName, problem }) => `${mechanism} ${loginName ?? '-'} ${problem}`),
      transcript.refused,
    )
  assert.equal(house.open(), 0, 'whatever was opened is closed, once')
}

testTranscripts(join(import.meta.dirname, 'transcripts'), play)
