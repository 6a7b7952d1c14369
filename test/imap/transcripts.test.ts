// Every IMAP transcript, three ways: line by line, byte by byte, everything pipelined; and each with services that answer at
// once and with services that answer later. The answers must be the same.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { createImapServer } from '../../src/imap/server/create-imap-server.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { testSecureContext } from '../harness/secure-context.ts'
import { Peer, toBatches } from '../transcripts/peer.ts'
import { parseTranscript, type Transcript, type Way } from '../transcripts/transcript.ts'
import { createHouse, type Tempo } from './house.ts'

const folder = join(import.meta.dirname, 'transcripts')

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
  const peer = new Peer(transcript.name, clock, role === 'imaps')
  try {
    await peer.connect(listener.port)
    const parts = way === 'pipelined' ? toBatches(transcript.moves) : transcript.moves.map(move => [move])
    for (const part of parts) await peer.play(part, way)
    await peer.assertSilent()
  } finally {
    peer.destroy()
    await server.close(0)
  }
  assert.deepEqual(house.accepted, transcript.accepted)
  assert.equal(house.open(), 0, 'whatever was opened is closed, once')
}

const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.transcript'))
  .toSorted()

for (const name of names) {
  const transcript = parseTranscript(name, readFileSync(join(folder, name), 'utf8'))
  suite(name, () => {
    for (const way of transcript.settings.ways) {
      for (const tempo of ['at-once', 'later'] as const)
        void test(`${way}, services answer ${tempo}`, () => play(transcript, way, tempo))
    }
  })
}
