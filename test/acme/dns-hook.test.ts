// A program of the administrator that does not end, or leaves something behind: what waits for it does so for its time at most.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createDnsHook } from '../../src/acme/dns-hook.ts'
import { eventually } from '../harness/eventually.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { isRunning } from '../harness/process-tree.ts'

const record = { name: '_acme-challenge.example.test', value: 'proof', domain: 'example.test' }

/** A shell that starts something which holds its output, and then does what it is told. */
function createHook(t: TestContext, then: string) {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-hook-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const program = join(folder, 'hook')
  writeFileSync(program, `#!/bin/sh\nsleep 300 &\necho "$!." >"${folder}/sleeper"\n${then}\n`, {
    mode: 0o755,
  })
  const clock = createManualClock()
  return {
    program,
    clock,
    added: createDnsHook([program], clock).run('add', record),
    sleeper: () =>
      eventually('the hook to have started', async () => {
        const text = readFileSync(join(folder, 'sleeper'), { encoding: 'utf8', flag: 'a+' })
        return text.endsWith('.\n') ? Number.parseInt(text, 10) : undefined
      }),
  }
}

test('a hook that waits for something that hangs: after five minutes both are ended, and that is what is told', async t => {
  const { program, clock, added, sleeper } = createHook(t, 'wait')
  const pid = await sleeper()
  clock.advance(5 * 60_000)
  await assert.rejects(added, { message: `${program} add: it had not ended after 5 minutes` })
  await eventually('its child to be gone', async () => (isRunning(pid) ? undefined : true))
})

test('a hook that has done its work and leaves something in the background: nobody waits for that, or ends it', async t => {
  const { added, sleeper } = createHook(t, 'exit 0')
  await added
  const pid = await sleeper()
  assert.equal(isRunning(pid), true)
  process.kill(pid)
})
