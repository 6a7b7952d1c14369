// Which networks met a limit: from the trail.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ReachedLimit } from '../../src/policy/stranger-limits.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { replies } from '../../src/smtp/replies.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { appendTrail } from '../../src/trail/operations.ts'
import { makeServerFolder, runHere, succeed, succeedJson } from './run-postrider.ts'

const minute = 60_000
const day = 24 * 60 * minute

test('the networks that met a limit, how often and until when; not those of long ago, nor accounts that write to many', async t => {
  const folder = makeServerFolder(remove => t.after(remove))
  await (await openLocalStorage(join(folder, 'mail-data'))).close()
  assert.equal((await runHere(folder, ['strangers'])).stderr, 'No network has met a limit.\n')
  const now = systemClock.now()
  const limit: ReachedLimit = {
    what: 'messages',
    network: '192.0.2.0/24',
    most: 2000,
    per: 'hour',
    until: now + 10 * minute,
  }
  const reply = replies.tooMuchInTime('messages', 2000, 'hour', limit.network, limit.until)
  const peer = { sessionId: 's1', remoteAddress: '192.0.2.7', command: 'MAIL' }
  const away = replies.tooManyConnectionsInTime('mx', 200, 'minute', '2001:db8::/64', now)
  const records: readonly { readonly at: number; readonly event: TrailEvent }[] = [
    { at: now - 2 * day, event: { kind: 'refused', ...peer, limit, reply } },
    { at: now - 5 * minute, event: { kind: 'refused', ...peer, limit, reply } },
    { at: now - 4 * minute, event: { kind: 'refused', ...peer, limit, repeated: 7, reply } },
    {
      at: now - 3 * minute,
      event: {
        kind: 'turned-away',
        remoteAddress: '2001:db8::1',
        limit: {
          what: 'connections',
          network: '2001:db8::/64',
          most: 200,
          per: 'minute',
          until: now - minute,
        },
        reply: away,
      },
    },
    {
      at: now - minute,
      event: { kind: 'refused', ...peer, reply: replies.tooManyNewRecipients(1000, now) },
    },
  ]
  const storage = await openLocalStorage(join(folder, 'mail-data'))
  await storage.run(appendTrail, records)
  await storage.close()
  assert.deepEqual(await succeedJson(folder, 'strangers'), [
    {
      network: '192.0.2.0/24',
      limit: 'limits.strangers.messagesPerHour',
      most: 2000,
      times: 9,
      lastAt: new Date(now - 4 * minute).toISOString(),
      until: new Date(now + 10 * minute).toISOString(),
    },
    {
      network: '2001:db8::/64',
      limit: 'limits.strangers.connectionsPerMinute',
      most: 200,
      times: 1,
      lastAt: new Date(now - 3 * minute).toISOString(),
      until: new Date(now - minute).toISOString(),
    },
  ])
  const shown = await succeed(folder, 'strangers', '--since', '3 days')
  assert.match(shown, /^192\.0\.2\.0\/24 +limits\.strangers\.messagesPerHour = 2000 +10 /m)
  assert.match(
    (await runHere(folder, ['strangers', '--since', 'soon'])).stderr,
    /"soon" of --since is no time/,
  )
})
