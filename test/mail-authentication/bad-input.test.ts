// What strangers may send and publish to keep a server busy, to hide, or to be taken for somebody else.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { array, asyncProperty, assert as check, constantFrom, record, string, tuple } from 'fast-check'
import { authenticate as byOthers } from 'mailauth'
import { parseAuthenticationResults } from '../../src/mail-authentication/authentication-results.ts'
import { removeForgedResults } from '../../src/mail-authentication/remove-forged.ts'
import { composeResultsField } from '../../src/mail-authentication/results-field.ts'
import { checkHost } from '../../src/mail-authentication/spf/check-host.ts'
import { authenticate } from './authenticate.ts'
import { createSigner } from './signer.ts'
import { createZone, type ZoneRecords } from './zone.ts'

const question = {
  clientAddress: '203.0.113.9',
  heloName: 'client.example.net',
  identity: 'mailfrom',
  localPart: 'a',
  domain: 'a.test',
  hostname: 'mx.here.test',
  at: 0,
} as const

describe('SPF records that lead astray', () => {
  it('10,000 includes end after ten lookups', async () => {
    const zone = createZone({
      'a.test': {
        txt: [
          `v=spf1 ${Array.from({ length: 10_000 }, (_, index) => `include:${index}.a.test`).join(' ')} -all`,
        ],
      },
      ...Object.fromEntries(
        Array.from({ length: 10_000 }, (_, index) => [`${index}.a.test`, { txt: ['v=spf1 ?all'] }]),
      ),
    })
    const found = await checkHost(zone, question)
    assert.partialDeepStrictEqual(found, {
      result: 'permerror',
      problem: 'the SPF record needs more than 10 DNS lookups, which is the most',
    })
    assert.equal(zone.questions.length, 11)
  })

  for (const [what, records] of [
    ['itself', { 'a.test': { txt: ['v=spf1 include:a.test -all'] } }],
    ['itself by a redirect', { 'a.test': { txt: ['v=spf1 redirect=a.test'] } }],
    [
      'each other',
      { 'a.test': { txt: ['v=spf1 include:b.test'] }, 'b.test': { txt: ['v=spf1 include:a.test'] } },
    ],
  ] as const) {
    it(`that include ${what} end`, async () => {
      const zone = createZone(records)
      assert.equal((await checkHost(zone, question)).result, 'permerror')
      assert.equal(zone.questions.length, 11)
    })
  }

  it('that grow with each macro keep to the length of a name', async () => {
    const long = `v=spf1 exists:${'%{d}.'.repeat(60)}a.test -all`
    const zone = createZone({ 'a.test': { txt: [long] } })
    assert.equal((await checkHost(zone, question)).result, 'fail')
    assert.ok(zone.questions.every(asked => asked.length <= 253 + 'txt '.length))
  })

  it('of 60 KB without sense are read in no time', async () => {
    for (const text of [
      'a'.repeat(60_000),
      '%'.repeat(60_000),
      ` a:${'%{d99999'.repeat(7000)}`,
      ' ip4:1.2.3.4/'.repeat(4000),
    ]) {
      const zone = createZone({ 'a.test': { txt: [`v=spf1 ${text}`] } })
      assert.equal((await checkHost(zone, question)).result, 'permerror')
    }
  })

  it('of a DNS that fails are a temporary error', async () => {
    for (const records of [
      { 'a.test': { failing: 'all' as const } },
      { 'a.test': { txt: ['v=spf1 include:b.test -all'] }, 'b.test': { failing: 'all' as const } },
      { 'a.test': { txt: ['v=spf1 a:b.test -all'] }, 'b.test': { failing: 'all' as const } },
    ]) {
      assert.equal((await checkHost(createZone(records), question)).result, 'temperror')
    }
  })
})

describe('chains of ARC that are none', () => {
  const seal = (instance: number, chain: string) =>
    `ARC-Seal: i=${instance}; a=rsa-sha256; cv=${chain}; d=a.test; s=s; b=AAAA\r\nARC-Message-Signature: i=${instance}; a=rsa-sha256; d=a.test; s=s; h=from; bh=AAAA; b=AAAA\r\nARC-Authentication-Results: i=${instance}; a.test; dmarc=pass header.from=b.test\r\n`
  for (const [what, fields] of [
    [
      'of 51 sets',
      Array.from({ length: 51 }, (_, index) => seal(index + 1, index === 0 ? 'none' : 'pass')).join(''),
    ],
    ['with a gap', seal(1, 'none') + seal(3, 'pass')],
    ['with a set twice', seal(1, 'none') + seal(1, 'none')],
    ['that begins in the middle', seal(2, 'pass')],
    ['of set 0', seal(0, 'none')],
    ['of half a set', seal(1, 'none').split('\r\n').slice(0, 1).join('\r\n') + '\r\n'],
    ['that says pass at its beginning', seal(1, 'pass')],
    ['of 1,000 seals', 'ARC-Seal: i=1; a=rsa-sha256; cv=none; d=a.test; s=s; b=AAAA\r\n'.repeat(1000)],
    ['of binary dust', 'ARC-Seal: \x00\xff;;;=\r\n'],
  ] as const) {
    it(`${what} are a fail, and ask the DNS nothing`, async () => {
      const zone = createZone({})
      const { arc } = await authenticate(zone, `${fields}From: a@b.test\r\n\r\nx\r\n`)
      assert.equal(arc?.result, 'fail')
      assert.deepEqual(
        zone.questions.filter(asked => asked.includes('_domainkey')),
        [],
      )
    })
  }
})

describe('our name in a field that we have not written', () => {
  for (const [field, isRemoved] of [
    ['Authentication-Results: mx.here.test; spf=pass', true],
    ['authentication-results:\r\n\tMX.HERE.TEST 1;\r\n spf=pass', true],
    ['Authentication-Results : mx.here.test', true],
    ['Authentication-Results: (so it is) mx.here.test; spf=pass', true],
    ['Authentication-Results: "mx.here.test"; spf=pass', true],
    ['Authentication-Results: mx.here.test.; spf=pass', true],
    ['Authentication-Results:', true],
    ['Postrider-Verdict: accept', true],
    ['Authentication-Results: mx.here.test.evil.test; spf=pass', false],
    ['Authentication-Results: mx.other.test; spf=pass', false],
    ['ARC-Authentication-Results: i=1; mx.here.test; spf=pass', false],
    ['X-Authentication-Results: mx.here.test', false],
  ] as const) {
    it(`${JSON.stringify(field)} is ${isRemoved ? 'removed' : 'left'}`, () => {
      const section = `Subject: x\r\n${field}\r\nTo: a@b.test\r\n`
      const left = Buffer.from(removeForgedResults(Buffer.from(section), 'mx.here.test')).toString()
      assert.equal(left, isRemoved ? 'Subject: x\r\nTo: a@b.test\r\n' : section)
    })
  }

  it('is removed wherever it stands', () => {
    const section = `${'X: y\r\n'.repeat(5000)}Authentication-Results: mx.here.test; spf=pass\r\n`
    assert.equal(removeForgedResults(Buffer.from(section), 'mx.here.test').length, 30_000)
  })
})

describe('whatever a stranger sends', () => {
  const word = constantFrom(
    'From',
    'DKIM-Signature',
    'ARC-Seal',
    'ARC-Message-Signature',
    'ARC-Authentication-Results',
    ': ',
    'v=1; ',
    'a=rsa-sha256; ',
    'd=a.test; ',
    's=s; ',
    'h=from; ',
    'bh=AAAA; ',
    'b=AAAA; ',
    'i=1; ',
    'cv=none; ',
    '\r\n',
    ' ',
    '\t',
    '<',
    '>',
    '@',
    '"',
    '(',
    ')',
    '\\',
    ';',
    '=',
    'a@b.test',
    '\xff',
    '\0',
  )
  it('comes to a result, which is a field of lines that anybody can read', async () => {
    await check(
      asyncProperty(array(word, { maxLength: 60 }), array(word, { maxLength: 10 }), async (head, body) => {
        const evidence = await authenticate(createZone({}), `${head.join('')}\r\n\r\n${body.join('')}`)
        const field = composeResultsField('mx.here.test', '203.0.113.9', evidence)
        assert.match(field, /^Authentication-Results: mx\.here\.test;(?:\r\n\t[ -~]+)+\r\n$/)
        assert.ok(field.split('\r\n').every(line => line.length < 998))
        assert.equal(parseAuthenticationResults(field.slice(field.indexOf(':') + 1))?.by, 'mx.here.test')
      }),
      { numRuns: 300 },
    )
  })

  it('of SPF comes to a result', async () => {
    const term = constantFrom(
      'a',
      'mx',
      'ptr',
      'include:',
      'exists:',
      'redirect=',
      'exp=',
      'b.test',
      '%{i}',
      '%{lr-}',
      '%{p}',
      '/24',
      '//64',
      '-all',
      ' ',
      'ip6:::1',
      '%',
      'ip4:',
    )
    await check(
      asyncProperty(array(term, { maxLength: 20 }), string({ maxLength: 20 }), async (terms, localPart) => {
        const zone = createZone({
          'a.test': { txt: [`v=spf1 ${terms.join('')}`] },
          'b.test': { txt: ['v=spf1 a -all'], a: ['203.0.113.9'] },
        })
        const { result } = await checkHost(zone, { ...question, localPart })
        assert.ok(['none', 'neutral', 'pass', 'fail', 'softfail', 'temperror', 'permerror'].includes(result))
      }),
      { numRuns: 300 },
    )
  })
})

describe('a library that we have not written', () => {
  const rsa = createSigner('a.test')
  const ed25519 = createSigner('b.test', { type: 'ed25519' })
  const dmarc = constantFrom(
    'v=DMARC1; p=reject',
    'v=DMARC1; p=quarantine; adkim=s',
    'v=DMARC1; p=none; aspf=s',
    'p=reject',
    'v=DMARC1; p=reject; t=y',
  )
  const spf = constantFrom(
    'v=spf1 ip4:203.0.113.0/24 -all',
    'v=spf1 ~all',
    'v=spf1 a mx ?all',
    'v=spf1 include:b.test -all',
    'v=spf1 foo',
  )
  const scene = record({
    zones: tuple(spf, spf, dmarc, dmarc),
    author: constantFrom('x@a.test', 'x@sub.a.test', 'x@b.test'),
    sender: constantFrom('y@a.test', 'y@news.a.test', 'y@c.test'),
    canonicalization: constantFrom('relaxed/relaxed', 'simple/simple'),
    signers: constantFrom([rsa], [ed25519], [rsa, ed25519], []),
    change: constantFrom('', 'body', 'field'),
  })

  it('comes to the same results', async () => {
    await check(
      asyncProperty(scene, async ({ zones, author, sender, canonicalization, signers, change }) => {
        const records: Record<string, ZoneRecords> = {
          'a.test': { txt: [zones[0]], a: ['203.0.113.9'] },
          'b.test': { txt: [zones[1]] },
          'news.a.test': { txt: [zones[1]] },
          '_dmarc.a.test': { txt: [zones[2]] },
          '_dmarc.b.test': { txt: [zones[3]] },
          [rsa.keyName]: { txt: [rsa.keyRecord] },
          [ed25519.keyName]: { txt: [ed25519.keyRecord] },
        }
        let text = `From: ${author}\r\nSubject: A  subject\r\n\r\nThe text \t of it. \r\n\r\n`
        for (const signer of signers) text = await signer.sign(text, { canonicalization })
        if (change === 'body') text = text.replace('The text', 'Some text')
        if (change === 'field') text = text.replace('A  subject', 'a  subject')
        const own = await authenticate(createZone(records), text, {
          from: sender,
          heloName: 'client.example.net',
        })
        const others = await byOthers(Buffer.from(text, 'latin1'), {
          ip: '203.0.113.9',
          helo: 'client.example.net',
          sender,
          mta: 'mx.here.test',
          disableBimi: true,
          strict: true,
          resolver: asNode(createZone(records)),
        } as Parameters<typeof byOthers>[1])
        assert.equal(own.spf?.[0]?.result, others.spf && others.spf.status.result)
        const signed = others.dkim.results
          .map(({ status }) => status.result)
          .filter(result => result !== 'none')
        assert.deepEqual(own.dkim?.map(({ result }) => result).toSorted(), signed.toSorted())
        assert.equal(own.dmarc?.result, others.dmarc && others.dmarc.status.result)
        if (own.dmarc?.result === 'fail') assert.equal(own.dmarc.policy, others.dmarc && others.dmarc.policy)
      }),
      { numRuns: 200 },
    )
  })
})

/** As `dns.promises.resolve` answers. */
function asNode(zone: ReturnType<typeof createZone>) {
  return async (name: string, type: string): Promise<unknown> => {
    const ask = { TXT: zone.txt, A: zone.a, AAAA: zone.aaaa, MX: zone.mx, PTR: zone.ptr, CNAME: zone.cname }[
      type
    ]
    const answer = ask ? await ask(name) : undefined
    if (answer?.kind === 'found') return type === 'TXT' ? answer.records.map(text => [text]) : answer.records
    throw Object.assign(new Error(answer?.kind), {
      code:
        answer?.kind === 'temporary-failure'
          ? 'ESERVFAIL'
          : answer?.kind === 'no-data'
            ? 'ENODATA'
            : 'ENOTFOUND',
    })
  }
}
