// DMARC reports as text: what counts, where they go, what stands in them, and what strangers may send in their place (RFC 9990).
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { composeReportXml, type ReportContent } from '../../src/dmarc-report/compose-report.ts'
import { outcomeOf } from '../../src/dmarc-report/dmarc-outcome.ts'
import { parseReport, type ReceivedDmarcReport } from '../../src/dmarc-report/parse-report.ts'
import { confirmTargets, readTargets } from '../../src/dmarc-report/report-targets.ts'
import { UnreadableReport, unpackReport } from '../../src/dmarc-report/unpack.ts'
import { parsePolicyRecord } from '../../src/mail-authentication/dmarc/policy-record.ts'
import type { AuthenticationEvidence } from '../../src/mail-authentication/evidence.ts'
import { looksLikeDmarcReport } from '../../src/message/dmarc-report-subject.ts'
import { replies } from '../../src/smtp/replies.ts'
import { createZone } from '../mail-authentication/zone.ts'
import { asGzip, blanksDeflated, composeZip, zipOf } from './archives.ts'

const read = async (bytes: Uint8Array): Promise<ReceivedDmarcReport> =>
  await parseReport(unpackReport(Buffer.from(bytes)))

/** Why it cannot be read. */
async function problemOf(bytes: Uint8Array): Promise<string> {
  try {
    await read(bytes)
  } catch (cause) {
    if (cause instanceof UnreadableReport) return cause.message
    throw cause
  }
  return 'none'
}

const frame = { hostname: 'mail.example.test', day: 20_000, domain: 'example.org' }

function policyOf(text: string): ReportContent['policy'] {
  const policy = parsePolicyRecord(text)
  if (!policy || policy.policy === undefined) throw new Error(`no policy: ${text}`)
  return policy
}

const content: ReportContent = {
  frame,
  reporter: { organization: 'Müller & <Söhne>', contact: 'abuse@example.test', generator: 'Postrider 1.0.0' },
  policy: policyOf('v=DMARC1; p=reject; sp=none; aspf=s; t=y; fo=1:d; rua=mailto:a@example.org'),
  unlisted: 7,
  counts: [
    {
      messages: 12,
      outcome: {
        source: '2001:db8::1',
        disposition: 'quarantine',
        dkim: 'fail',
        spf: 'fail',
        reason: { type: 'policy_test_mode', comment: 't=y' },
        headerFrom: 'sub.example.org',
        envelopeFrom: '',
        signatures: [{ domain: 'example.net', selector: 's1', result: 'pass' }],
        sender: { domain: 'helo "<\u0001>" name', result: 'softfail' },
      },
    },
  ],
}

describe('the report', () => {
  it('is what the schema of RFC 9990 wants, in its order', () => {
    assert.deepEqual(composeReportXml(content).split('\n'), [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">',
      '<version>1.0</version>',
      '<report_metadata>',
      '<org_name>Müller &amp; &lt;Söhne&gt;</org_name>',
      '<email>abuse@example.test</email>',
      '<report_id>2024-10-04.example.org@mail.example.test</report_id>',
      '<date_range><begin>1728000000</begin><end>1728086399</end></date_range>',
      '<error>7 more messages came in more ways than are listed here.</error>',
      '<generator>Postrider 1.0.0</generator>',
      '</report_metadata>',
      '<policy_published>',
      '<domain>example.org</domain>',
      '<p>reject</p>',
      '<sp>none</sp>',
      '<np>none</np>',
      '<adkim>r</adkim>',
      '<aspf>s</aspf>',
      '<discovery_method>treewalk</discovery_method>',
      '<fo>1:d</fo>',
      '<testing>y</testing>',
      '</policy_published>',
      '<record>',
      '<row>',
      '<source_ip>2001:db8::1</source_ip>',
      '<count>12</count>',
      '<policy_evaluated><disposition>quarantine</disposition><dkim>fail</dkim><spf>fail</spf><reason><type>policy_test_mode</type><comment>t=y</comment></reason></policy_evaluated>',
      '</row>',
      '<identifiers><header_from>sub.example.org</header_from><envelope_from></envelope_from></identifiers>',
      '<auth_results>',
      '<dkim><domain>example.net</domain><selector>s1</selector><result>pass</result></dkim>',
      '<spf><domain>helo "&lt;?&gt;" name</domain><scope>mfrom</scope><result>softfail</result></spf>',
      '</auth_results>',
      '</record>',
      '</feedback>',
      '',
    ])
  })

  it('is read as it was written, packed in whatever way', async () => {
    const xml = Buffer.from(composeReportXml(content))
    const plain = await read(xml)
    assert.partialDeepStrictEqual(plain, {
      organization: 'Müller & <Söhne>',
      sources: [{ address: '2001:db8::1', messages: 12, sender: 'helo "<?>" name' }],
    })
    assert.deepEqual(await read(gzipSync(xml)), plain)
    assert.deepEqual(await read(Buffer.concat([gzipSync(xml), Buffer.from('\r\n')])), plain)
    assert.deepEqual(await read(zipOf('mail.example.test!example.org!1!2.xml', xml)), plain)
  })
})

describe('what counts of a message', () => {
  const accept = { kind: 'accept' } as const
  const refuse = { kind: 'refuse', reply: replies.localError } as const
  const quarantine = { kind: 'quarantine', because: '' } as const
  const dmarc = {
    result: 'fail',
    domain: 'sub.example.org',
    policy: 'reject',
    policyDomain: 'example.org',
    record: 'v=DMARC1; p=reject; rua=mailto:a@example.org',
  } as const
  const judge = (evidence: AuthenticationEvidence, verdict: Parameters<typeof outcomeOf>[0]['verdict']) => {
    const outcome = outcomeOf({
      clientAddress: '192.0.2.1',
      reversePath: { localPart: 'a', domain: 'example.net' },
      evidence,
      verdict,
    })
    return outcome && [outcome.domain, outcome.outcome.disposition, outcome.outcome.reason?.type]
  }

  it('is what was done with it, and why that is not what the domain wants', () => {
    assert.deepEqual(judge({ dmarc }, refuse), ['example.org', 'reject', undefined])
    const forwarder = { name: 'talk@lists.test', knownBy: 'correspondence' } as const
    assert.deepEqual(judge({ dmarc, forwarder }, quarantine), ['example.org', 'quarantine', 'mailing_list'])
    assert.deepEqual(judge({ dmarc, arc: { result: 'pass', trusted: 'lists.test' } }, accept), [
      'example.org',
      'none',
      'trusted_forwarder',
    ])
    assert.deepEqual(judge({ dmarc }, accept), ['example.org', 'none', 'local_policy'])
    assert.deepEqual(judge({ dmarc: { ...dmarc, policy: 'quarantine', isTesting: true } }, quarantine), [
      'example.org',
      'quarantine',
      'policy_test_mode',
    ])
    assert.deepEqual(judge({ dmarc: { ...dmarc, policy: 'none' } }, accept), [
      'example.org',
      'none',
      undefined,
    ])
    assert.deepEqual(judge({ dmarc: { ...dmarc, policy: 'none' } }, refuse), [
      'example.org',
      'reject',
      'local_policy',
    ])
    assert.deepEqual(judge({ dmarc: { ...dmarc, result: 'pass' } }, accept), [
      'example.org',
      'pass',
      undefined,
    ])
    assert.deepEqual(judge({ dmarc: { ...dmarc, result: 'pass', policy: 'none' } }, accept), [
      'example.org',
      'none',
      undefined,
    ])
    assert.deepEqual(judge({ dmarc: { ...dmarc, result: 'temperror' } }, accept), [
      'example.org',
      'none',
      'other',
    ])
  })

  it('is nothing where nobody asks for a report', () => {
    assert.equal(judge({ dmarc: { ...dmarc, record: 'v=DMARC1; p=reject' } }, accept), undefined)
    assert.equal(judge({ dmarc: { result: 'none', domain: 'example.org' } }, accept), undefined)
    assert.equal(judge({}, accept), undefined)
  })

  it('has the signatures that prove the author first', () => {
    const signature = (domain: string, result: 'pass' | 'fail') => ({ domain, selector: 's', result })
    const reportable = outcomeOf({
      clientAddress: '192.0.2.1',
      reversePath: null,
      verdict: accept,
      evidence: {
        dmarc: { ...dmarc, result: 'pass', alignedDkim: 'example.org' },
        dkim: [
          signature('a.test', 'fail'),
          signature('b.test', 'pass'),
          { result: 'permerror' },
          signature('example.org', 'pass'),
          signature('sub.example.org', 'pass'),
        ],
      },
    })
    assert.deepEqual(
      reportable?.outcome.signatures.map(({ domain }) => domain),
      ['sub.example.org', 'example.org', 'b.test', 'a.test'],
    )
    assert.equal(reportable?.outcome.envelopeFrom, '')
  })
})

describe('where reports go', () => {
  const targets = (rua: string): string[] =>
    readTargets(`v=DMARC1; p=none; rua=${rua}`).map(
      ({ address, maxBytes }) =>
        `${address.localPart}@${address.domain}${maxBytes === undefined ? '' : ` ${maxBytes}`}`,
    )

  it('is to addresses, up to five, none twice', () => {
    assert.deepEqual(targets('mailto:a@example.org, mailto:b%2B1@example.org'), [
      'a@example.org',
      'b+1@example.org',
    ])
    assert.deepEqual(
      targets('https://example.org/,mailto:a@[192.0.2.1],mailto:,x,mailto:%C3%BC@example.org'),
      [],
    )
    assert.deepEqual(targets('mailto:a@example.org!10m,mailto:b@example.org!50,mailto:c@example.org!x'), [
      'a@example.org 10485760',
      'b@example.org 50',
    ])
    assert.equal(targets(Array.from({ length: 9 }, (_, n) => `mailto:${n}@example.org`).join()).length, 5)
    assert.equal(targets('mailto:a@example.org,mailto:a@example.org').length, 1)
    assert.deepEqual(readTargets('v=DMARC1; p=none'), [])
  })

  it('is to others only when they say so, and only where they say', async () => {
    const confirm = async (
      rua: string,
      records: Readonly<Record<string, string>>,
    ): Promise<string[] | string> => {
      const zone = createZone(
        Object.fromEntries(Object.entries(records).map(([name, text]) => [name, { txt: [text] }])),
      )
      const found = await confirmTargets(zone, 'example.org', readTargets(`v=DMARC1; p=none; rua=${rua}`))
      return found.problem ?? found.targets.map(({ address }) => address.localPart)
    }
    const own = { '_dmarc.example.org': 'v=DMARC1; p=none' }
    assert.deepEqual(
      await confirm('mailto:a@example.org,mailto:b@mail.example.org,mailto:c@other.test', own),
      ['a', 'b'],
    )
    const name = 'example.org._report._dmarc.other.test'
    assert.deepEqual(await confirm('mailto:c@other.test', { ...own, [name]: 'v=DMARC1' }), ['c'])
    assert.deepEqual(await confirm('mailto:c@other.test', { ...own, [name]: 'v=spf1 -all' }), [])
    assert.deepEqual(
      await confirm('mailto:c@other.test', { ...own, [name]: 'v=DMARC1; rua=mailto:d@other.test' }),
      ['d'],
    )
    assert.deepEqual(
      await confirm('mailto:c@other.test', { ...own, [name]: 'v=DMARC1; rua=mailto:victim@third.test' }),
      [],
    )
  })
})

describe('a subject', () => {
  it('tells reports from other mail', () => {
    for (const subject of [
      'Report Domain: example.org Submitter: mail.example.test Report-ID: <1@example.test>',
      'Report domain: example.org  Submitter: google.com Report-ID: 7117',
      '[Preview] Report Domain: example.org Submitter: protection.outlook.com Report-ID: x',
    ])
      assert.ok(looksLikeDmarcReport({ subject }), subject)
    assert.ok(!looksLikeDmarcReport({}))
    for (const subject of ['', 'Report on domains', 'Re: Report Domain: x'])
      assert.ok(!looksLikeDmarcReport({ subject }), subject)
  })
})

const head = '<?xml version="1.0"?>'
const about =
  '<report_metadata><report_id>1</report_id></report_metadata><policy_published><domain>example.org</domain></policy_published>'

describe('what is made to hurt', () => {
  it('is found out while it unpacks: ten gigabytes in gzip or zip', async () => {
    const before = process.memoryUsage().rss
    const bomb = blanksDeflated(640, `${head}<feedback>`)
    assert.ok(bomb.length < 11_000_000)
    const tooLarge = 'it unpacks to more than 16 MB, which no report has'
    assert.equal(await problemOf(asGzip(bomb)), tooLarge)
    assert.equal(await problemOf(composeZip([{ name: 'r.xml', data: bomb, size: 0xffff_fff0 }])), tooLarge)
    // It says that it is small.
    assert.match(
      await problemOf(composeZip([{ name: 'r.xml', data: bomb, size: 1000 }])),
      /^it cannot be unpacked \(too many bytes/,
    )
    const grown = process.memoryUsage().rss - before
    assert.ok(grown < 300 * 1024 * 1024, `${grown} bytes`)
  })

  it('is not unpacked twice', async () => {
    const xml = Buffer.from(composeReportXml(content))
    const nested = 'there is an archive inside of the archive'
    assert.equal(await problemOf(zipOf('inner.zip', zipOf('r.xml', xml))), nested)
    assert.equal(await problemOf(zipOf('r.xml', zipOf('r.xml', xml))), nested)
    assert.equal(await problemOf(gzipSync(gzipSync(xml))), nested)
    assert.equal(await problemOf(gzipSync(zipOf('r.xml', xml))), nested)
  })

  it('is no archive of many files, nor one that is broken', async () => {
    const many = Array.from({ length: 2000 }, (_, n) => ({
      name: `${n}.txt`,
      data: Buffer.from([3, 0]),
      size: 0,
    }))
    assert.equal(await problemOf(composeZip(many)), 'there is no XML file in the archive')
    const whole = zipOf('r.xml', Buffer.from(composeReportXml(content)))
    assert.match(await problemOf(whole.subarray(0, whole.length - 30)), /^it cannot be unpacked/)
    assert.match(
      await problemOf(gzipSync(composeReportXml(content)).subarray(0, -20)),
      /^it cannot be unpacked/,
    )
  })

  it('is no document type, whose entities explode', async () => {
    const laughs = `${head}<!DOCTYPE feedback [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><feedback>${about}&b;</feedback>`
    assert.match(await problemOf(Buffer.from(laughs)), /^it declares a document type/)
    const outside = `${head}<!DOCTYPE feedback SYSTEM "file:///etc/passwd"><feedback>${about}</feedback>`
    assert.match(await problemOf(Buffer.from(outside)), /^it declares a document type/)
    assert.match(await problemOf(Buffer.from(`${head}<feedback>${about}&nbsp;</feedback>`)), /^it is no XML/)
  })

  it('is no element of many attributes, none nested deep, and no text without end', async () => {
    const attributes = Array.from({ length: 10_000 }, (_, n) => ` a${n}="x"`).join('')
    assert.equal(
      await problemOf(Buffer.from(`${head}<feedback${attributes}>${about}</feedback>`)),
      'an element of it has more than 50 attributes',
    )
    assert.equal(
      await problemOf(Buffer.from(`${head}<feedback>${'<a>'.repeat(10_000)}`)),
      'its elements are nested more than 32 deep',
    )
    assert.equal(
      await problemOf(gzipSync(`${head}<feedback>${'<a/>'.repeat(3_000_000)}`)),
      'it has more than 500000 elements',
    )
    const long = 'x'.repeat(5_000_000)
    const report = await read(
      Buffer.from(
        `${head}<feedback>${about}<record><row><source_ip>${long}</source_ip></row></record></feedback>`,
      ),
    )
    assert.equal(report.sources[0]?.address.length, 60)
    assert.match(
      await problemOf(Buffer.from(`${head}<feedback a="${long}">`)),
      /^it is no XML \(Max buffer length/,
    )
    assert.match(await problemOf(Buffer.from(`${head}<${long}>`)), /^it is no XML \(Max buffer length/)
  })

  it('is bounded in what is kept of it: of fifty thousand sources, a thousand and the sum of the rest', async () => {
    const records = Array.from(
      { length: 50_000 },
      (_, n) =>
        `<record><row><source_ip>10.${n >> 16}.${(n >> 8) & 255}.${n & 255}</source_ip><count>2</count><policy_evaluated><dkim>${n % 2 === 0 ? 'pass' : 'fail'}</dkim></policy_evaluated></row></record>`,
    )
    const report = await read(Buffer.from(`${head}<feedback>${about}${records.join('')}</feedback>`))
    const others = report.sources.filter(({ address }) => address === '')
    assert.equal(report.sources.length, 1002)
    assert.deepEqual(
      others.map(({ dkim, messages }) => [dkim, messages]),
      [
        [true, 49_000],
        [false, 49_000],
      ],
    )
  })

  it('is whatever a stranger writes: a report, or a reason', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.string(), async (bytes, text) => {
        for (const beginning of ['', 'PK\x03\x04', '\x1f\x8b\x08', `${head}<feedback>${about}`])
          for (const rest of [bytes, Buffer.from(text)])
            await problemOf(Buffer.concat([Buffer.from(beginning, 'latin1'), rest]))
        readTargets(`v=DMARC1; p=none; rua=${text}`)
        looksLikeDmarcReport({ subject: text })
      }),
    )
  })
})

describe('a report of somebody else', () => {
  it('may be in other letters, in a namespace, or in another encoding than it should', async () => {
    const named = await read(
      Buffer.from(
        `${head}<d:feedback xmlns:d="urn:x"><d:report_metadata><d:org_name> Ex </d:org_name><d:report_id>1</d:report_id></d:report_metadata><d:policy_published><d:domain>EXAMPLE.org</d:domain><d:p>Reject</d:p></d:policy_published><d:record><d:row><d:source_ip>2001:DB8:0::1</d:source_ip><d:count>3</d:count><d:policy_evaluated><d:disposition>None</d:disposition><d:dkim>PASS</d:dkim><d:spf>fail</d:spf></d:policy_evaluated></d:row></d:record></d:feedback>`,
      ),
    )
    assert.partialDeepStrictEqual(named, {
      organization: 'Ex',
      domain: 'example.org',
      policy: 'reject',
      sources: [{ address: '2001:db8::1', dkim: true, spf: false, disposition: 'none', messages: 3 }],
    })
    const latin = Buffer.from(
      `<?xml version="1.0" encoding="windows-1252"?><feedback><report_metadata><org_name>M\xfcller</org_name><report_id>1</report_id></report_metadata><policy_published><domain>example.org</domain></policy_published></feedback>`,
      'latin1',
    )
    assert.equal((await read(latin)).organization, 'Müller')
  })
})
