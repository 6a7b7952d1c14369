// Whose script takes long waits for it himself.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listOwnAddresses } from '../../src/directory/owns-address.ts'
import { AccountScripts } from '../../src/filtering/account-scripts.ts'
import { activateScript, readActiveScript, storeScript } from '../../src/filtering/scripts.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { address, createWorld } from '../delivery/world.ts'
import { messageOf } from '../harness/sieve.ts'

const slow = 'slow@example.test'
const quick = 'quick@example.test'

test('of one account one script runs at a time, and others pass by', async t => {
  const world = await createWorld(t)
  const { storage, clock } = world
  const events: string[] = []
  const watched: Pick<Storage, 'run'> = {
    run(operation, input) {
      const { accountId } = (input ?? {}) as { readonly accountId?: number }
      if (operation.name === listOwnAddresses.name) events.push(`${nameOf(accountId)} begins`)
      return storage.run(operation, input)
    },
  }
  const scripts = new AccountScripts({ storage: watched, hostname: 'mail.example.test', timeZone: 'UTC' })
  const message = messageOf(`X-Long: ${'hay '.repeat(25_000)}\n\nText\n`)
  const accounts = new Map<string, { readonly accountId: number; readonly scriptId: number }>()
  const nameOf = (id: number | undefined): string =>
    [...accounts].find(([, { accountId }]) => accountId === id)?.[0] ?? ''
  for (const [text, script] of [
    [slow, 'if header :contains "x-long" "needle" { discard; }\n'.repeat(300)],
    [quick, 'keep;'],
  ] as const) {
    const accountId = await world.account(text)
    const body = Buffer.from(script)
    await storage.run(storeScript, { ownerId: accountId, name: 'main', body, at: clock.now() })
    await storage.run(activateScript, { accountId, name: 'main' })
    const active = await storage.run(readActiveScript, { accountId })
    accounts.set(text, { accountId, scriptId: active?.id ?? assert.fail() })
  }
  const run = async (text: string): Promise<void> => {
    const answer = await scripts.run({
      ...(accounts.get(text) ?? assert.fail()),
      address: address(text),
      envelope: { reversePath: null, recipient: address(text) },
      senderId: undefined,
      message,
      isJunk: false,
      now: clock.now(),
    })
    assert.deepEqual(
      answer?.outcome.actions.map(({ kind }) => kind),
      ['keep'],
    )
    events.push(`${text} ends`)
  }
  await Promise.all([run(slow), run(slow), run(slow), run(quick)])
  assert.deepEqual(
    events.filter(event => event.startsWith(slow)),
    [1, 2, 3].flatMap(() => [`${slow} begins`, `${slow} ends`]),
  )
  // It began before the first of the others had ended.
  assert.ok(events.indexOf(`${quick} begins`) < events.indexOf(`${slow} ends`), events.join())
})
