// What becomes of a message for each of its recipients, by its score and by their lists.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeMessage } from '../../src/intake/judge-message.ts'
import type { ScreeningVerdict } from '../../src/screening/screen.ts'
import type { SenderDecision } from '../../src/sender-list/sender-list.ts'
import { recipient } from './open-intake.ts'

type Voice = 'allow' | 'unproven' | 'block' | undefined

const because = 'why'
const told = 'for the peer'
const verdicts = {
  accept: { kind: 'accept' },
  junk: { kind: 'junk', because },
  defer: { kind: 'defer', by: 'score', because, told },
  'defer by a scanner': { kind: 'defer', by: 'scanner', because, told },
  quarantine: { kind: 'quarantine', by: 'score', because, told },
  'quarantine by a scanner': { kind: 'quarantine', by: 'scanner', because, told },
  refuse: { kind: 'refuse', by: 'score', because, told },
  'refuse, unseen': {
    kind: 'refuse',
    by: 'score',
    because,
    told,
    otherwise: { kind: 'defer', by: 'scanner', because, told },
  },
  'refuse, to be looked at': {
    kind: 'refuse',
    by: 'score',
    because,
    told,
    otherwise: { kind: 'quarantine', by: 'scanner', because, told },
  },
  'refuse by a scanner': { kind: 'refuse', by: 'scanner', because, told },
} as const satisfies Record<string, ScreeningVerdict>

function decision(voice: Voice): SenderDecision | undefined {
  if (voice === undefined) return undefined
  return {
    verdict: voice === 'block' ? 'block' : 'allow',
    entry: 'friend.test',
    list: 'account',
    by: 'author',
    name: 'boris@friend.test',
    ...(voice === 'unproven' ? { isUnproven: true } : {}),
  }
}

/** '550', or what becomes of it for each: 'inbox junk'. */
function judge(
  verdict: ScreeningVerdict,
  recipients: readonly (readonly [string, Voice])[],
  more: { isSuspicious?: boolean; isAccepted?: boolean } = {},
): string {
  const judged = judgeMessage({
    recipients: recipients.map(([name]) => recipient(`${name}@here.test`)),
    decisions: recipients.map(([, voice]) => decision(voice)),
    screened: { verdict, evidence: { score: 0, lines: [] }, headerFields: [] },
    isSuspicious: false,
    ...more,
  })
  return judged.kind === 'refuse'
    ? String(judged.reply.code)
    : judged.recipients.map(({ fate }) => fate).join(' ')
}

const table: readonly (readonly [
  keyof typeof verdicts,
  alone: string,
  allowed: string,
  role: string,
  mixed: string,
])[] = [
  // of one recipient; of one who allows it; of postmaster; of one who allows it, one who says nothing and one who blocks it
  ['accept', 'inbox', 'inbox', 'inbox', 'inbox inbox junk'],
  ['junk', 'junk', 'inbox', 'junk', 'inbox junk junk'],
  ['defer', '451', '451', 'inbox', '451'],
  ['defer by a scanner', '451', '451', '451', '451'],
  ['quarantine', 'quarantine', 'inbox', 'junk', 'inbox quarantine junk'],
  ['quarantine by a scanner', 'quarantine', 'quarantine', 'junk', 'quarantine quarantine junk'],
  ['refuse', '550', 'inbox', 'junk', 'inbox junk junk'],
  ['refuse, unseen', '550', '451', '451', '451'],
  ['refuse, to be looked at', '550', 'quarantine', 'junk', 'quarantine quarantine junk'],
  ['refuse by a scanner', '550', '550', '550', '550'],
]

for (const [name, alone, allowed, role, mixed] of table)
  test(name, () => {
    const verdict = verdicts[name]
    assert.equal(judge(verdict, [['anna', undefined]]), alone)
    assert.equal(judge(verdict, [['anna', 'unproven']]), alone)
    assert.equal(judge(verdict, [['anna', 'allow']]), allowed)
    assert.equal(judge(verdict, [['anna', undefined]], { isAccepted: true }), allowed)
    assert.equal(judge(verdict, [['anna', 'block']]), '550')
    assert.equal(judge(verdict, [['anna', 'block']], { isAccepted: true }), '550')
    assert.equal(judge(verdict, [['postmaster', 'block']]), role)
    assert.equal(
      judge(verdict, [
        ['anna', 'allow'],
        ['carl', undefined],
        ['eva', 'block'],
      ]),
      mixed,
    )
  })

test('no list helps where it is in doubt whom a message is from', () => {
  assert.equal(judge(verdicts.accept, [['anna', 'allow']], { isSuspicious: true }), 'junk')
  assert.equal(judge(verdicts.quarantine, [['anna', undefined]], { isSuspicious: true }), 'quarantine')
})
