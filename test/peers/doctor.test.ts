// postrider doctor, where a real BIND serves our signed zone and another validates it: nothing to find in a correct one, and the
// right finding when its signatures are over, about to be, or wrong.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { codesOf, readReport } from '../doctor/report.ts'
import {
  address,
  domain,
  peerAddress,
  prepareSurroundings,
  type Surroundings,
} from '../doctor/surroundings.ts'
import {
  findSignedDnsPorts,
  missingSignedDns,
  type SignedDns,
  type SignedDnsOptions,
  type SignedDnsPorts,
  startSignedDns,
} from '../harness/signed-dns.ts'

const dayMs = 86_400_000
const inDays = (days: number): Date => new Date(Date.now() + days * dayMs)

describe('postrider doctor and BIND', { skip: missingSignedDns() }, () => {
  let ports: SignedDnsPorts
  let surroundings: Surroundings
  let dns: SignedDns | undefined

  before(async () => {
    ports = await findSignedDnsPorts()
    surroundings = await prepareSurroundings({
      text: `127.0.0.1:${ports.resolver}`,
      nameServerPort: ports.authority,
    })
    dns = await serve({})
    await surroundings.start()
  })

  after(async () => {
    await surroundings?.close()
    await dns?.close()
  })

  const serve = async (
    options: Pick<SignedDnsOptions, 'forge' | 'signed' | 'isRefused'>,
  ): Promise<SignedDns> => {
    await dns?.close()
    dns = await startSignedDns({
      zone: domain,
      records: surroundings.records.filter(line => !line.includes('.arpa. ')),
      plainZones: {
        '127.in-addr.arpa': [
          `${address.split('.').toReversed().join('.')}.in-addr.arpa. PTR mail.${domain}.`,
        ],
        // BIND goes on from what it has itself only where that leads on.
        test: [`${domain}. NS ns.${domain}.`, `ns.${domain}. A 127.0.0.1`],
        'peer.test': ['peer.test. MX 10 mx.peer.test.', `mx.peer.test. A ${peerAddress}`],
        'list.test': ['2.0.0.127.list.test. A 127.0.0.2'],
        'domains.test': ['test.domains.test. A 127.0.1.2'],
      },
      ports,
      ...options,
    })
    return dns
  }

  it('finds nothing in a correct zone, and has looked at everything', async () => {
    const ran = await surroundings.doctor()
    const report = readReport(ran)
    assert.deepEqual(report.findings, [])
    assert.deepEqual(report.notChecked, [])
    assert.equal(ran.exitCode, 0)
  })

  it('signatures that end tomorrow: dnssec-expires, and nothing else', async () => {
    await serve({ signed: { from: inDays(-29), until: inDays(1) } })
    const ran = await surroundings.doctor()
    const report = readReport(ran)
    assert.deepEqual(codesOf(report), ['dnssec-expires'], ran.stdout)
    assert.deepEqual(report.notChecked, [])
    assert.equal(ran.exitCode, 1)
  })

  it('signatures that ended yesterday: dnssec-expired, and nothing else', async () => {
    await serve({ signed: { from: inDays(-31), until: inDays(-1) }, isRefused: true })
    const ran = await surroundings.doctor()
    assert.deepEqual(codesOf(readReport(ran)), ['dnssec-expired'], ran.stdout)
    assert.equal(ran.exitCode, 1)
  })

  it('a zone that was changed and not signed again: dnssec-bogus, and nothing else', async () => {
    await serve({ forge: zone => zone.replaceAll('p=none', 'p=reject') })
    const ran = await surroundings.doctor()
    const report = readReport(ran)
    assert.deepEqual(codesOf(report), ['dnssec-bogus'], ran.stdout)
    assert.match(report.findings[0]?.what ?? '', /_dmarc\.example\.test TXT/)
    assert.equal(ran.exitCode, 1)
  })
})
