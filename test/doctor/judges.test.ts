// Verdicts of postrider doctor on observations that are costly to bring about: each has the right finding and no other.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeClock, readGreetingTime } from '../../src/doctor/checks/clock.ts'
import { judgeKeys } from '../../src/doctor/checks/dkim.ts'
import { type DoorView, judgeCertificates, judgeDoor } from '../../src/doctor/checks/doors.ts'
import { judgeOutward } from '../../src/doctor/checks/outward.ts'
import { judgeSignatures } from '../../src/doctor/checks/signatures.ts'
import type { ZoneView } from '../../src/doctor/checks/zone-view.ts'
import { judgeZone } from '../../src/doctor/checks/zones.ts'
import type { Verdict } from '../../src/doctor/finding.ts'
import type { OwnServer } from '../../src/doctor/own-server.ts'
import type { DkimKey } from '../../src/signing/dkim-key.ts'
import { issueCertificate } from '../harness/certificates.ts'

const hostname = 'mail.example.test'
const dayMs = 86_400_000
const now = Date.now()

const own: OwnServer = {
  hostname,
  domains: [],
  addresses: ['192.0.2.1'],
  sending: [],
  behindRouter: [],
  sources: [],
  listeners: [{ role: 'relay', port: 25 }],
  localNetworks: [],
  smartHost: undefined,
  mailPort: 25,
  ipv6: true,
  state: 'running',
  stsPolicy: undefined,
  autoconfig: 'off',
  signs: true,
  takesMailFor: async () => await Promise.resolve(true),
}

const codesOf = ({ findings }: Verdict): string[] => findings.map(({ code }) => code)

const key = (state: DkimKey['state'], selector: string): DkimKey => ({
  domain: 'example.test',
  selector,
  algorithm: 'rsa',
  publicKey: 'AAAA',
  isImported: false,
  state,
  stateSince: now,
  createdAt: now,
})

test('keys that come, go, and are revoked', () => {
  const right = { kind: 'right' } as const
  const missing = { kind: 'missing' } as const
  const judge = (...views: Parameters<typeof judgeKeys>[1]): string[] =>
    codesOf(judgeKeys('example.test', views, true))
  const active = { key: key('active', 'a'), finding: right }
  assert.deepEqual(judge(active, { key: key('next', 'n'), finding: right }), [])
  assert.deepEqual(judge(active, { key: key('next', 'n'), finding: missing }), ['dkim-next-missing'])
  assert.deepEqual(judge({ key: key('next', 'n'), finding: missing }), ['dkim-missing'])
  assert.deepEqual(judge(active, { key: key('retired', 'r'), finding: missing }), ['dkim-retired-missing'])
  assert.deepEqual(judge(active, { key: key('revoked', 'r'), finding: missing }), [])
  assert.deepEqual(judge(active, { key: key('revoked', 'r'), finding: right }), ['dkim-revoked-published'])
})

test('keys of a server that signs nothing are not checked', () => {
  const verdict = judgeKeys(
    'example.test',
    [{ key: key('active', 'a'), finding: { kind: 'missing' } }],
    false,
  )
  assert.deepEqual(codesOf(verdict), [])
  assert.equal(verdict.notChecked.length, 1)
})

const door = (outcome: DoorView['outcome'], role: DoorView['role'] = 'submission'): DoorView => ({
  name: hostname,
  address: '192.0.2.1',
  port: 587,
  role,
  outcome,
})

test('a port that answers wrongly, or without TLS', () => {
  const open = { kind: 'open', greets: hostname, tls: undefined } as const
  assert.deepEqual(codesOf(judgeDoor(own, door({ kind: 'broken', detail: 'no shared cipher' }))), [
    'port-broken',
  ])
  assert.deepEqual(codesOf(judgeDoor(own, door(open))), ['port-without-tls'])
  assert.deepEqual(codesOf(judgeDoor(own, door(open, 'relay'))), [])
})

test('a port to which no way leads from this machine is not checked', () => {
  const verdict = judgeDoor(own, door({ kind: 'closed', isWithoutWay: true, detail: 'no way' }))
  assert.deepEqual(codesOf(verdict), [])
  assert.equal(verdict.notChecked.length, 1)
})

test('certificates that are over, revoked, or live for a week', async () => {
  const judge = async (
    days: readonly [number, number],
    problem: { code: string; detail: string } | undefined,
    role: DoorView['role'] = 'submission',
  ): Promise<string[]> => {
    const { x509 } = await issueCertificate(undefined, [hostname], {
      notBefore: new Date(now + days[0] * dayMs),
      notAfter: new Date(now + days[1] * dayMs),
    })
    const tls = { chain: [x509], problem }
    return codesOf(judgeCertificates([door({ kind: 'open', greets: hostname, tls }, role)], [], now))
  }
  const over = { code: 'CERT_HAS_EXPIRED', detail: 'the certificate has expired' }
  assert.deepEqual(await judge([-90, -1], over), ['certificate-expired'])
  assert.deepEqual(await judge([-90, 90], { code: 'CERT_REVOKED', detail: 'it was revoked' }), [
    'certificate-invalid',
  ])
  assert.deepEqual(await judge([-80, 10], undefined), ['certificate-ends'])
  // Of six days, renewed when two are left.
  assert.deepEqual(await judge([-4, 2], undefined), [])
  assert.deepEqual(await judge([-5.5, 0.5], undefined), ['certificate-ends'])
  // Other servers take any.
  assert.deepEqual(await judge([-90, -1], over, 'relay'), [])
})

test('a smart host that is not reached', () => {
  const smartHost = { host: 'smart.test', port: 587 }
  const attempt = { peer: 'smart.test', port: 587, outcome: { kind: 'closed', detail: 'refused' } } as const
  assert.deepEqual(codesOf(judgeOutward({ source: undefined, attempts: [attempt] }, { smartHost })), [
    'smart-host-closed',
  ])
})

test('peers that are not found say nothing of the way out', () => {
  const attempt = { peer: 'gone.test', port: 25, outcome: { kind: 'unknown', detail: 'SERVFAIL' } } as const
  const verdict = judgeOutward({ source: undefined, attempts: [attempt] }, own)
  assert.deepEqual(codesOf(verdict), [])
  assert.equal(verdict.notChecked.length, 1)
})

test('the time in a greeting, and one peer among several that is wrong itself', () => {
  const at = Date.parse('2026-11-27T10:56:20Z')
  const exim = 'S: 220 mx.example.org ESMTP Exim 4.98 Fri, 27 Nov 2026 11:56:19 +0100'
  assert.deepEqual(readGreetingTime('mx.example.org', exim, at), {
    source: 'mx.example.org',
    offsetMs: -1000,
  })
  assert.equal(readGreetingTime('mx.example.org', 'S: 220 mx.example.org ESMTP Postfix', at), undefined)
  const offsets = [-500, 400, 3_600_000].map(offsetMs => ({ source: 'x', offsetMs }))
  assert.deepEqual(codesOf(judgeClock({ offsets, failures: [] })), [])
  assert.deepEqual(codesOf(judgeClock({ offsets: offsets.slice(2), failures: [] })), ['clock-wrong'])
})

const soa = (
  mname: string,
  serial: number,
  isAuthoritative = true,
): ZoneView['servers'][number]['sightings'][number] => ({
  address: '192.0.2.53',
  soa: {
    kind: 'answer',
    rcode: isAuthoritative ? 'NOERROR' : 'REFUSED',
    isAuthoritative,
    isAuthentic: false,
    records: isAuthoritative
      ? [{ type: 'SOA', name: 'example.test', data: { mname, rname: 'root.example.test', serial } }]
      : [],
    authorities: [],
  },
  answers: [],
})

const zone = (...sightings: readonly ReturnType<typeof soa>[]): ZoneView => ({
  apex: 'example.test',
  servers: sightings.map((sighting, index) => ({
    name: `ns${index}.example.test`,
    namedBy: 'both',
    addresses: { kind: 'some', addresses: [sighting.address] },
    sightings: [sighting],
  })),
  delegation: sightings.map((_, index) => `ns${index}.example.test`),
  questions: [],
  bogus: [],
  isAuthentic: false,
  isSigned: undefined,
})

test('serial numbers: those of one operator are compared, across the end of their circle', () => {
  const judge = (...sightings: readonly ReturnType<typeof soa>[]): string[] =>
    codesOf(judgeZone(zone(...sightings)))
  assert.deepEqual(judge(soa('a.test', 7), soa('a.test', 7)), [])
  assert.deepEqual(judge(soa('a.test', 7), soa('a.test', 6)), ['name-server-behind'])
  assert.deepEqual(judge(soa('a.test', 7), soa('b.test', 2026112701)), [])
  const [finding] = judgeZone(zone(soa('a.test', 2 ** 32 - 1), soa('a.test', 1))).findings
  assert.match(finding?.what ?? '', /^ns0\.example\.test .*serial 4294967295.* is behind ns1/)
  // The same records for mail: nothing is wrong as yet.
  assert.equal(finding?.severity, 'advice')
})

test('signatures: a zone that is not signed has none to check; one that nobody has seen is not checked', () => {
  const judge = (view: ZoneView): Verdict => judgeSignatures(view, now)
  const seen = zone(soa('a.test', 7))
  assert.deepEqual(judge({ ...seen, isSigned: false }), { findings: [], notChecked: [] })
  const nowhere: ZoneView = { ...zone(), isSigned: true }
  for (const view of [
    nowhere,
    { ...nowhere, isSigned: undefined },
    { ...zone(soa('a.test', 7, false)), isSigned: true },
    { ...seen, isSigned: true },
    seen,
  ]) {
    const { findings, notChecked } = judge(view)
    assert.deepEqual(findings, [])
    assert.equal(notChecked.length, 1)
  }
})

test('where no name server answers as itself, something on the way answers in its place: not checked', () => {
  const verdict = judgeZone(zone(soa('a.test', 7, false), soa('a.test', 7, false)))
  assert.deepEqual(codesOf(verdict), [])
  assert.equal(verdict.notChecked.length, 1)
})
