// Plays a transcript against a server on a real socket, in one of the three ways.
import assert from 'node:assert/strict'
import { createSmtpServer } from '../../src/smtp/server/create-smtp-server.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { testSecureContext } from '../harness/secure-context.ts'
import { createHouse } from './house.ts'
import { converse } from './peer.ts'
import { matches, type Tempo, type Transcript, type Way } from './transcript.ts'

export async function play(transcript: Transcript, way: Way, tempo: Tempo): Promise<void> {
  const { settings } = transcript
  const house = createHouse(tempo, {
    relays: settings.options.includes('relays'),
    urls: settings.options.includes('urls'),
  })
  const clock = createManualClock()
  const withTls = settings.tls || settings.role === 'submissions'
  const server = createSmtpServer({
    hostname: 'mail.example.test',
    listeners: [
      {
        role: settings.role,
        address: '127.0.0.1',
        port: 0,
        proxyFrom: settings.proxyFrom,
        ...(settings.clients.length > 0 ? { clients: settings.clients } : {}),
      },
    ],
    services: house.services,
    limits: settings.limits,
    ...(withTls ? { tls: { secureContext: testSecureContext } } : {}),
    localNetworks: settings.localNetworks,
    allowPlaintextAuthOnLoopback: settings.options.includes('allowPlaintextAuthOnLoopback'),
    verifyForEveryone: settings.options.includes('verifyForEveryone'),
    offersRequireTls: settings.options.includes('offersRequireTls'),
    allowMissingAngleBrackets: settings.options.includes('allowMissingAngleBrackets'),
    ...(settings.options.includes('transferExtensions')
      ? { transferExtensions: { maxPriority: 8, deliverBy: true, maxHoldSeconds: 86_400 } }
      : {}),
    clock,
  })
  const [listener] = await server.listen()
  assert.ok(listener)
  const implicitTls = settings.role === 'submissions'
  try {
    await converse(transcript, way, { port: listener.port, clock, implicitTls })
  } finally {
    await server.close(0)
  }
  assert.deepEqual(
    house.accepted.filter((line, index) => !matches(transcript.accepted[index] ?? '', line)),
    [],
    'accepted, but not as the transcript has it',
  )
  assert.equal(house.accepted.length, transcript.accepted.length, 'number of accepted messages')
  if (transcript.refused) assert.deepEqual(house.refused, transcript.refused, 'refusals for the trail')
  assert.equal(house.openSinks(), 0, 'every sink is finished or aborted, once')
}
