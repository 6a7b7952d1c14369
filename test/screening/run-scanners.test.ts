// Scanners side by side: what their reports come to, and what one that is away, hangs or is confused costs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Log, silentLog } from '../../src/runtime/log.ts'
import { type Scanner, ScannerFault, type ScanReport } from '../../src/scanner/contract.ts'
import { type ScannerPolicy, Scanners } from '../../src/screening/run-scanners.ts'
import { meaningOf, sumOf } from '../../src/screening/score.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { plainMessage, specimen } from '../scanner/specimen.ts'

function policy(scan: Scanner['scan'], more: Partial<ScannerPolicy> = {}): ScannerPolicy {
  return {
    scanner: { name: 'test', scan },
    timeoutMs: 10_000,
    whenDown: 'accept',
    whenTooLarge: 'accept',
    maxBytes: 1_000_000,
    weight: 1,
    ...more,
  }
}

const reporting = (report: Partial<ScanReport>) => (): Promise<ScanReport> =>
  Promise.resolve({ advice: 'accept', findings: [], ...report })

function scanners(...policies: readonly ScannerPolicy[]) {
  const clock = createManualClock()
  const lines: string[] = []
  const log: Log = { ...silentLog, error: message => void lines.push(message) }
  return { all: new Scanners(policies, { clock, log }), clock, lines }
}

test('lines of findings, weighed; what the rules do not account for is a line too', async () => {
  const { all } = scanners(
    policy(
      reporting({
        advice: 'mark',
        score: 8,
        findings: [
          { name: 'A', score: 3, detail: 'a' },
          { name: 'B', score: 4.5 },
        ],
        text: 'spam',
        headerFields: [{ name: 'X-Spam', value: 'yes' }],
      }),
      { weight: 2 },
    ),
    policy(reporting({ score: 1, findings: [{ name: 'C', score: 1 }] })),
  )
  const [first, second] = await all.scan(specimen(plainMessage))
  assert.deepEqual(first, {
    scanner: 'test',
    advice: 'mark',
    lines: [
      { source: 'test', name: 'A', points: 6, detail: 'a' },
      { source: 'test', name: 'B', points: 9 },
      { source: 'test', name: 'total', points: 1 },
    ],
    headerFields: [{ name: 'X-Spam', value: 'yes' }],
    text: 'spam',
  })
  assert.deepEqual(second?.lines, [{ source: 'test', name: 'C', points: 1 }])
  const sum = sumOf([...(first?.lines ?? []), ...(second?.lines ?? [])])
  assert.equal(sum, 17)
  assert.equal(meaningOf(sum, { junk: 5, refuse: 20 }), 'junk')
  assert.equal(meaningOf(20, { junk: 5, refuse: 20 }), 'refuse')
  assert.equal(meaningOf(4.99, { junk: 5, refuse: 20 }), 'accept')
})

test('one that is away costs what the settings say, and is told of once', async () => {
  const gone = (): Promise<ScanReport> =>
    Promise.reject(new ScannerFault('SCANNER_UNAVAILABLE', 'The scanner test gave no answer: refused.'))
  const { all, lines } = scanners(policy(gone), policy(gone, { whenDown: 'defer' }))
  for (let n = 0; n < 3; n++) {
    const [accepting, deferring] = await all.scan(specimen(plainMessage))
    assert.equal(accepting?.advice, 'accept')
    assert.equal(accepting?.notLooked, 'The scanner test gave no answer: refused.')
    assert.equal(deferring?.advice, 'defer')
  }
  assert.equal(lines.filter(line => line.includes('does not look at mail')).length, 1)
})

test('one that hangs is waited for as long as the settings say', async () => {
  const { all, clock } = scanners(
    policy(
      (_specimen, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () =>
            reject(new ScannerFault('SCANNER_UNAVAILABLE', 'it did not answer in time')),
          )
        }),
      { whenDown: 'defer' },
    ),
    policy(reporting({})),
  )
  const scanning = all.scan(specimen(plainMessage))
  clock.advance(10_000)
  const [hanging, other] = await scanning
  assert.equal(hanging?.advice, 'defer')
  assert.equal(other?.notLooked, undefined)
})

test('a message that is too large for it passes, however it says so', async () => {
  const tooLarge = (): Promise<ScanReport> =>
    Promise.reject(new ScannerFault('SCANNER_TOO_LARGE', 'too large'))
  const { all, lines } = scanners(
    policy(tooLarge, { whenDown: 'defer' }),
    policy(reporting({ advice: 'refuse' }), { maxBytes: 10, whenDown: 'defer' }),
  )
  const [first, second] = await all.scan(specimen(plainMessage))
  assert.deepEqual([first?.advice, second?.advice], ['accept', 'accept'])
  assert.match(second?.notLooked ?? '', /and 10 are the most/)
  assert.deepEqual(lines, [])
})

test('what is too large for it may be refused or kept aside, which "down" has nothing to do with', async () => {
  const tooLarge = (): Promise<ScanReport> =>
    Promise.reject(new ScannerFault('SCANNER_TOO_LARGE', 'too large'))
  const { all } = scanners(
    policy(tooLarge, { whenTooLarge: 'quarantine' }),
    policy(reporting({}), { maxBytes: 10, whenTooLarge: 'refuse', whenDown: 'defer' }),
    policy(reporting({}), { whenTooLarge: 'refuse' }),
  )
  const [first, second, third] = await all.scan(specimen(plainMessage))
  assert.deepEqual([first?.advice, second?.advice, third?.advice], ['quarantine', 'refuse', 'accept'])
  assert.match(second?.text ?? '', /^it is too large to be looked at/)
  assert.match(second?.notLooked ?? '', /and 10 are the most/)
})

test('an exception in a scanner costs its own verdict only', async () => {
  const broken = (): Promise<ScanReport> => Promise.reject(new TypeError('undefined is not a function'))
  const { all } = scanners(policy(broken), policy(reporting({ advice: 'refuse' })))
  const [first, second] = await all.scan(specimen(plainMessage))
  assert.equal(first?.advice, 'accept')
  assert.equal(second?.advice, 'refuse')
})
