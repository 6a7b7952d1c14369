// Guessing passwords from a hundred networks of a network namespace, over TLS, on a server that runs as a process of its own: who is
// stopped, who is not hindered, and how much memory it costs. What else there is to guess stands in brute-force.test.ts.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { findNetworkNamespace } from '../harness/network-namespace.ts'
import { runProgram } from '../harness/programs.ts'
import type { Guessed } from './guessers.ts'

const namespace = await findNetworkNamespace()

test('10,000 wrong passwords of one account from 100 networks of a namespace: few are looked at, nobody else is hindered, and memory stays bounded', {
  skip: 'skip' in namespace && namespace.skip,
}, async t => {
  assert.ok('wrapper' in namespace)
  const program = join(import.meta.dirname, 'guessers.ts')
  const { exitCode, stdout, stderr } = await runProgram([...namespace.wrapper, process.execPath, program], {
    timeoutMs: 120_000,
  })
  assert.equal(exitCode, 0, stderr + stdout)
  const found = JSON.parse(stdout) as Guessed
  const [before, half, after] = found.memory
  t.diagnostic(
    `${found.compared} passwords looked at, ${found.blocked} not any more; memory of the server: ${before} MiB, ${half} MiB after 5,000 guesses, ${after} MiB after 10,000`,
  )
  assert.deepEqual(found.wrong, { 535: 10_000 })
  assert.deepEqual(new Set(found.meanwhile), new Set([235]))
  assert.equal(found.annaFromNowhereSeen, 235, 'from a network that nobody knows')
  assert.equal(found.annaFromGuessers, 535, 'from one of those that guess, with the right password')
  // A hundred, then two of each network, and those that were under way; the last is that of the right password.
  assert.ok(found.compared >= 100 && found.compared < 400, String(found.compared))
  assert.equal(found.compared + found.blocked, 10_001)
  // What is counted has its room from the start: the second half takes none of its own.
  assert.ok(after - half < 64, `${after - half} MiB more`)
})
