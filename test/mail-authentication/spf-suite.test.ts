// The public test suite of RFC 7208 (openspf.org): every case.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { boundDns } from '../../src/mail-authentication/bounded-dns.ts'
import { checkHost } from '../../src/mail-authentication/spf/check-host.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { createZone, type ZoneRecords } from './zone.ts'

type Item = 'TIMEOUT' | Readonly<Record<string, string | readonly string[]>>

interface Scenario {
  readonly description: string
  readonly tests: Readonly<Record<string, SuiteCase>>
  readonly zonedata: Readonly<Record<string, readonly Item[]>>
}

interface SuiteCase {
  readonly helo: string
  readonly host: string
  readonly mailfrom: string
  readonly result: string | readonly string[]
  readonly explanation?: string
}

const { scenarios } = JSON.parse(
  readFileSync(new URL('vectors/rfc7208-tests.json', import.meta.url), 'utf8'),
) as { scenarios: readonly Scenario[] }

const types = { TXT: 'txt', A: 'a', AAAA: 'aaaa', MX: 'mx', PTR: 'ptr', CNAME: 'cname' } as const

/** In this suite what is written as SPF is meant as TXT too, unless the name has TXT records of its own. */
function recordsOf(items: readonly Item[]): ZoneRecords {
  const failing: string[] = []
  const found: Record<string, unknown[]> = {}
  const hasTxt = items.some(item => typeof item === 'object' && 'TXT' in item)
  for (const item of items) {
    if (item === 'TIMEOUT') {
      for (const type of Object.values(types)) if (!found[type]) failing.push(type)
      continue
    }
    for (const [written, value] of Object.entries(item)) {
      if (written === 'SPF' && hasTxt) continue
      const type = written === 'SPF' ? 'txt' : types[written as keyof typeof types]
      if (value === 'NONE') continue
      if (value === 'TIMEOUT') failing.push(type)
      else if (type === 'mx') {
        const [preference, exchange] = value as readonly string[]
        ;(found['mx'] ??= []).push({ preference: Number(preference), exchange: exchange?.toLowerCase() })
      } else if (type === 'txt')
        (found['txt'] ??= []).push(typeof value === 'string' ? value : value.join(''))
      else (found[type] ??= []).push((value as string).toLowerCase())
    }
  }
  return { ...found, failing } as ZoneRecords
}

describe('the SPF suite of RFC 7208', () => {
  let count = 0
  for (const { description, tests, zonedata } of scenarios) {
    describe(description, () => {
      const zone = createZone(
        Object.fromEntries(Object.entries(zonedata).map(([name, items]) => [name, recordsOf(items)])),
      )
      for (const [name, one] of Object.entries(tests)) {
        count++
        it(name, async () => {
          const dns = boundDns(zone, createManualClock(), { timeMs: 20_000, maxQuestions: 200 })
          const at = one.mailfrom.lastIndexOf('@')
          const found = await checkHost(dns, {
            clientAddress: one.host,
            heloName: one.helo,
            identity: 'mailfrom',
            localPart: one.mailfrom === '' ? 'postmaster' : one.mailfrom.slice(0, Math.max(at, 0)),
            domain: one.mailfrom === '' ? one.helo : one.mailfrom.slice(at + 1),
            hostname: 'receiver.example.org',
            at: 1_400_000_000_000,
          })
          const accepted = typeof one.result === 'string' ? [one.result] : one.result
          assert.ok(
            accepted.includes(found.result),
            `${found.result} (${found.problem}), not ${accepted.join(' or ')}`,
          )
          if (one.explanation !== undefined) assert.equal(found.explanation ?? 'DEFAULT', one.explanation)
        })
      }
    })
  }
  it('has all its cases', t => {
    t.diagnostic(`${count} cases of the SPF suite`)
    assert.equal(count, 203)
  })
})
