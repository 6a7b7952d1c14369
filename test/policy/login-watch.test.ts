// Who is looked at again while he is logged in: when, how often, and when the storage does not answer.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { changeAccount } from '../../src/directory/accounts.ts'
import { admitProven, type ProvenAccount } from '../../src/directory/authenticate.ts'
import { judgeLogIns } from '../../src/directory/log-in-standing.ts'
import { LoginWatch } from '../../src/policy/login-watch.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { isRefusal } from '../../src/sasl/authority.ts'
import type { Operation, Storage } from '../../src/storage/operation.ts'
import { addAccount, addDomain, openDirectory } from '../directory/open-directory.ts'
import { eventually } from '../harness/eventually.ts'
import { createManualClock } from '../harness/manual-clock.ts'

const anna = parseAddress('anna@example.test') ?? assert.fail()

interface Watching {
  readonly storage: Storage
  readonly clock: ReturnType<typeof createManualClock>
  readonly watch: LoginWatch
  readonly account: ProvenAccount
  /** Of each question that was asked, how many it was about. */
  readonly asked: number[]
  readonly fail: (times: number) => void
}

async function open(t: TestContext): Promise<Watching> {
  const storage = await openDirectory(t)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'anna@example.test')
  const account = await admitProven(storage, anna, '')
  if (isRefusal(account)) assert.fail(account.refused)
  const asked: number[] = []
  let failures = 0
  const clock = createManualClock()
  const watched: Pick<Storage, 'run' | 'onWake'> = {
    onWake: (topic, listener) => storage.onWake(topic, listener),
    async run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
      const known: unknown = operation
      if (known === judgeLogIns) asked.push((input as Parameters<typeof judgeLogIns.run>[1]).logIns.length)
      if (failures-- > 0) throw new Error('the storage does not answer')
      return await storage.run(operation, input)
    },
  }
  const watch = new LoginWatch({ storage: watched, clock, log: silentLog })
  return { storage, clock, watch, account, asked, fail: times => void (failures = times) }
}

const disable = (storage: Storage) => storage.run(changeAccount, { address: anna, enabled: false })

test('a certificate that runs out ends the log-in', async t => {
  const { clock, watch, account, asked } = await open(t)
  const until = clock.now() + 60_000
  let ended = 0
  watch.watch({ ...account, proof: { kind: 'elsewhere', until } }, () => ended++)
  clock.advance(59_000)
  await eventually('the first look', async () => asked.length > 0 || undefined)
  assert.equal(ended, 0)
  clock.advance(1000)
  await eventually('the end', async () => {
    clock.advance(1000)
    return ended === 1 || undefined
  })
})

test('a change costs one question for many, and who has left is not told', async t => {
  const { storage, watch, account, asked } = await open(t)
  let ended = 0
  const leave = Array.from({ length: 450 }, () => watch.watch(account, () => ended++))
  await eventually(
    'the first look',
    async () => asked.reduce((sum, one) => sum + one, 0) === 450 || undefined,
  )
  asked.length = 0
  for (const one of leave.slice(0, 50)) one()
  await disable(storage)
  await eventually('the ends', async () => ended === 400 || undefined)
  assert.deepEqual(asked, [200, 200])
})

test('while the storage does not answer nobody is told anything, and then who should be', async t => {
  const { storage, clock, watch, account, fail, asked } = await open(t)
  let ended = 0
  fail(1)
  watch.watch(account, () => ended++)
  await eventually('the first look', async () => asked.length === 1 || undefined)
  await disable(storage)
  await eventually('the end', async () => {
    clock.advance(5000)
    return ended === 1 || undefined
  })
})
