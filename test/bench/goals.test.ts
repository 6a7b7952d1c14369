// What a run of the benchmark says of its goals, by which its exit code is chosen.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatGoals, judgeGoals } from '../../bench/goals.ts'
import { judgeMailboxes } from '../../bench/mailboxes/report.ts'

const idle = { sessions: 10, kernelBytes: 1000, cpuPercent: 0 }

void test('goals that a run has measured are met or not; the others are not told', () => {
  const judge = (serverBytes: number) =>
    judgeGoals({ rows: [], idle: { Postrider: { ...idle, serverBytes } } })
  assert.deepEqual(
    judge(1000).map(({ met }) => met),
    [true, true],
  )
  const goals = judge(20_000)
  assert.deepEqual(
    goals.map(({ met }) => met),
    [false, true],
  )
  assert.match(formatGoals(goals), /idle session: at most 16 KB, kernel included +20\.5 +NO\n/)
})

void test('of mailboxes only where both servers were measured', () => {
  const ours = { server: 'Postrider', rows: new Map([['select', 2]] as const) } as const
  const theirs = { server: 'Dovecot', rows: new Map([['select', 1]] as const) } as const
  const failed = (...measured: Parameters<typeof judgeMailboxes>[0]) =>
    judgeMailboxes(measured).flatMap(({ name, met }) => (met === false ? [name] : []))
  assert.deepEqual(failed(ours, theirs), ['select'])
  assert.deepEqual(failed(ours), [])
})
