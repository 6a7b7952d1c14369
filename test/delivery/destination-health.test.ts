import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Diagnosis } from '../../src/delivery/outcome.ts'
import { DestinationHealth } from '../../src/delivery/pacing/destination-health.ts'
import { createManualClock } from '../harness/manual-clock.ts'

const minute = 60_000

test('one connection more than are borne is asked for after a while, and after longer each time', () => {
  const clock = createManualClock()
  const health = new DestinationHealth({ clock, maxConnections: 20, changed() {} })
  health.reached()
  for (let n = 0; n < 30; n++) health.took()
  assert.equal(health.connections, 20)
  // Several are refused at one time.
  for (const open of [4, 3, 3]) health.refusedConnection(open)
  health.took()
  assert.equal(health.connections, 3)
  for (const wait of [10, 20, 40, 60, 60]) {
    clock.advance(wait * minute - 1)
    assert.equal(health.connections, 3, `${wait}`)
    clock.advance(1)
    assert.equal(health.connections, 4, `${wait}`)
    health.refusedConnection(3)
  }
  assert.equal(health.closure, undefined)
})

test('a complaint is forgotten after fifty messages that are taken, whatever is said of recipients among them', () => {
  const clock = createManualClock()
  const health = new DestinationHealth({ clock, maxConnections: 20, changed() {} })
  const refusal: Diagnosis = { stage: 'rcpt', cause: 'rate', status: '4.7.0', detail: 'refused RCPT' }
  health.reached()
  health.refused('rate-limited', refusal)
  clock.advance(minute)
  for (let n = 0; n < 50; n++) {
    assert.equal(health.connections, 1)
    health.took()
    health.refused('unknown-user', { ...refusal, cause: 'unknown-user', status: '5.1.1' })
  }
  for (let n = 0; n < 5; n++) health.took()
  assert.equal(health.connections, 6)
})
