// DMARC (RFC 9989): the tree walk, the policy that applies, and whose proof counts.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SignedHeader } from '../../src/mail-authentication/dkim/signed-header.ts'
import { findAuthorDomains } from '../../src/mail-authentication/dmarc/author-domains.ts'
import { DmarcCheck, type Identifiers } from '../../src/mail-authentication/dmarc/evaluate.ts'
import { createZone, type ZoneRecords } from './zone.ts'

const nobody: Identifiers = { spf: undefined, dkim: [], unknown: [] }

function zoneOf(records: Readonly<Record<string, string | ZoneRecords>>) {
  return createZone(
    Object.fromEntries(
      Object.entries(records).map(([name, found]) => [
        name,
        typeof found === 'string' ? { txt: [found] } : found,
      ]),
    ),
  )
}

async function evaluate(
  records: Readonly<Record<string, string | ZoneRecords>>,
  domain: string,
  identifiers: Partial<Identifiers> = {},
) {
  return await new DmarcCheck(zoneOf(records)).evaluate(domain, { ...nobody, ...identifiers })
}

describe('the tree walk', () => {
  it('asks eight times at most: the name, then from seven labels on', async () => {
    const zone = zoneOf({})
    const { result } = await new DmarcCheck(zone).evaluate('a.b.c.d.e.f.g.h.i.j.mail.example.com', nobody)
    assert.equal(result, 'none')
    assert.deepEqual(
      zone.questions,
      [
        'a.b.c.d.e.f.g.h.i.j.mail.example.com',
        'g.h.i.j.mail.example.com',
        'h.i.j.mail.example.com',
        'i.j.mail.example.com',
        'j.mail.example.com',
        'mail.example.com',
        'example.com',
        'com',
      ].map(name => `txt _dmarc.${name}`),
    )
  })

  it('asks for each name once, however many domains lead there', async () => {
    const zone = zoneOf({ '_dmarc.example.com': 'v=DMARC1; p=reject' })
    await new DmarcCheck(zone).evaluate('mail.example.com', {
      ...nobody,
      spf: 'example.com',
      dkim: ['example.com', 'example.com'],
    })
    assert.equal(new Set(zone.questions).size, 3)
  })

  it('ends at the top of an organisation (psd=n)', async () => {
    const records = {
      '_dmarc.mail.example.com': 'v=DMARC1; p=reject; psd=n',
      '_dmarc.example.com': 'v=DMARC1; p=none',
    }
    const found = await evaluate(records, 'a.mail.example.com', { dkim: ['example.com'] })
    assert.partialDeepStrictEqual(found, {
      result: 'fail',
      policyDomain: 'mail.example.com',
      policy: 'reject',
    })
    const within = await evaluate(records, 'a.mail.example.com', { dkim: ['b.mail.example.com'] })
    assert.equal(within.result, 'pass')
  })

  it('ends below a public suffix (psd=y): who is beside is a stranger (appendix B.4)', async () => {
    const records = {
      '_dmarc.giant.bank.example': 'v=DMARC1; p=quarantine',
      '_dmarc.bank.example': 'v=DMARC1; p=reject; psd=y; sp=reject',
    }
    const own = await evaluate(records, 'giant.bank.example', { spf: 'mail.giant.bank.example' })
    assert.equal(own.result, 'pass')
    const beside = await evaluate(records, 'giant.bank.example', { dkim: ['mail.mega.bank.example'] })
    assert.partialDeepStrictEqual(beside, { result: 'fail', policy: 'quarantine' })
    // The suffix speaks for those that have no record.
    const without = await evaluate(records, 'mega.bank.example')
    assert.partialDeepStrictEqual(without, { result: 'fail', policyDomain: 'bank.example', policy: 'reject' })
  })
})

describe('the policy that applies', () => {
  for (const [what, records, domain, policy] of [
    ['p at the domain', { '_dmarc.example.com': 'v=DMARC1; p=reject; sp=none' }, 'example.com', 'reject'],
    [
      'sp below it',
      { '_dmarc.example.com': 'v=DMARC1; p=reject; sp=none', 'sub.example.com': { a: ['192.0.2.1'] } },
      'sub.example.com',
      'none',
    ],
    ['p below it without sp', { '_dmarc.example.com': 'v=DMARC1; p=reject' }, 'sub.example.com', 'reject'],
    [
      'np where there is no such name',
      { '_dmarc.example.com': 'v=DMARC1; p=none; np=reject' },
      'no.example.com',
      'reject',
    ],
    [
      'not np where the name has other records',
      {
        '_dmarc.example.com': 'v=DMARC1; p=none; np=reject',
        'mx.example.com': { mx: [{ preference: 1, exchange: 'x.test' }] },
      },
      'mx.example.com',
      'none',
    ],
    [
      'not np where the name is an alias to nowhere',
      { '_dmarc.example.com': 'v=DMARC1; p=none; np=reject', 'alias.example.com': { cname: ['gone.test'] } },
      'alias.example.com',
      'none',
    ],
    [
      'a step less with t=y',
      { '_dmarc.example.com': 'v=DMARC1; p=reject; t=y' },
      'example.com',
      'quarantine',
    ],
    [
      'a step less with t=y, of quarantine',
      { '_dmarc.example.com': 'v=DMARC1; p=quarantine; t=y' },
      'example.com',
      'none',
    ],
    [
      'none where p is missing and reports are wanted',
      { '_dmarc.example.com': 'v=DMARC1; rua=mailto:a@example.com' },
      'example.com',
      'none',
    ],
    [
      'none where sp is nonsense and reports are wanted',
      { '_dmarc.example.com': 'v=DMARC1; p=reject; sp=x; rua=mailto:a@example.com' },
      'example.com',
      'none',
    ],
  ] as const) {
    it(what, async () => {
      assert.partialDeepStrictEqual(await evaluate(records, domain), { result: 'fail', policy })
    })
  }

  for (const [what, records] of [
    ['without p and without reports', { '_dmarc.example.com': 'v=DMARC1;' }],
    ['with two records', { '_dmarc.example.com': { txt: ['v=DMARC1; p=reject', 'v=DMARC1; p=none'] } }],
    ['that does not begin with its version', { '_dmarc.example.com': 'p=reject; v=DMARC1' }],
    ['with its version in other letters', { '_dmarc.example.com': 'v=dmarc1; p=reject' }],
    ['with a tag twice', { '_dmarc.example.com': 'v=DMARC1; p=reject; p=none' }],
  ] as const) {
    it(`none ${what}`, async () => {
      assert.equal((await evaluate(records, 'example.com')).result, 'none')
    })
  }
})

describe('a proof', () => {
  const relaxed = { '_dmarc.example.com': 'v=DMARC1; p=reject' }
  const strict = { '_dmarc.example.com': 'v=DMARC1; p=reject; adkim=s; aspf=s' }
  for (const [what, records, domain, identifiers, result] of [
    ['of the very domain', strict, 'example.com', { dkim: ['example.com'] }, 'pass'],
    ['of the organisation', relaxed, 'news.example.com', { dkim: ['example.com'] }, 'pass'],
    ['of the organisation, when strict', strict, 'news.example.com', { dkim: ['example.com'] }, 'fail'],
    ['by SPF', relaxed, 'news.example.com', { spf: 'bounce.example.com' }, 'pass'],
    ['by SPF, when strict', strict, 'news.example.com', { spf: 'bounce.example.com' }, 'fail'],
    ['of somebody else', relaxed, 'example.com', { dkim: ['example.net'], spf: 'notexample.com' }, 'fail'],
    ['of a top-level domain', relaxed, 'example.com', { dkim: ['com'] }, 'fail'],
    ['that the DNS keeps from us', relaxed, 'example.com', { unknown: ['example.com'] }, 'temperror'],
    [
      'of somebody else, that the DNS keeps from us',
      relaxed,
      'example.com',
      { unknown: ['example.net'] },
      'fail',
    ],
    [
      'beside one that the DNS keeps from us',
      relaxed,
      'example.com',
      { dkim: ['example.com'], unknown: ['example.com'] },
      'pass',
    ],
  ] as const) {
    it(what, async () => {
      assert.equal((await evaluate(records, domain, identifiers)).result, result)
    })
  }

  it('cannot be judged where the record is not to be had', async () => {
    const found = await evaluate({ '_dmarc.example.com': { failing: 'all' } }, 'example.com', {
      dkim: ['example.com'],
    })
    assert.equal(found.result, 'temperror')
    assert.equal(found.policy, undefined)
  })

  it('of the very domain counts, whatever the DNS says of those above', async () => {
    const records = {
      '_dmarc.mail.example.com': 'v=DMARC1; p=reject',
      '_dmarc.example.com': { failing: 'all' as const },
    }
    assert.equal((await evaluate(records, 'mail.example.com', { dkim: ['mail.example.com'] })).result, 'pass')
    assert.equal((await evaluate(records, 'mail.example.com', { dkim: ['example.com'] })).result, 'temperror')
    assert.equal((await evaluate(records, 'mail.example.com', { dkim: ['example.net'] })).result, 'fail')
  })
})

describe('the author', () => {
  for (const [field, expected] of [
    ['a@example.com', ['example.com']],
    ['Anna <a@Example.COM>', ['example.com']],
    ['"a@bank.test" <x@evil.test>', ['evil.test']],
    ['a@bank.test <x@evil.test>', ['evil.test']],
    ['x@evil.test (a@bank.test)', ['evil.test']],
    ['<x@evil.test> <a@bank.test>', ['evil.test', 'bank.test']],
    ['x@evil.test, Anna <a@bank.test>', ['evil.test', 'bank.test']],
    ['Team: a@one.test, b@two.test;', ['one.test', 'two.test']],
    ['<@route.test,@other.test:a@bank.test>', ['bank.test']],
    ['<"x@evil.test"@bank.test>', ['bank.test']],
    ['<x@evil.test@bank.test>', ['evil.test', 'bank.test']],
    ['Анна <a@пример.рф>', ['xn--e1afmkfd.xn--p1ai']],
    ['a@[192.0.2.1]', ['[192.0.2.1]']],
    ['"Smith", John (Sales) <a@b.test>', ['b.test']],
    ['=?utf-8?q?a=40bank.test?= <x@evil.test>', ['evil.test']],
    ['Anna <a@b.test> (Sales', ['b.test']],
    // Programs show an address for these, or a name for which no domain answers.
    ['"unclosed <a@bank.test>', 'unreadable-from'],
    ['(unclosed <a@bank.test>', 'unreadable-from'],
    ['x@evil.test (unclosed <a@bank.test>', 'unreadable-from'],
    ['\\"Bank\\" <a@bank.test>', 'unreadable-from'],
    ['=?utf-8?q?a=40bank.test?=', 'unreadable-from'],
    ['=?utf-8?q?a=40bank.test?=, x@evil.test', 'unreadable-from'],
    ['=?utf-8?q?a=40bank.test?= x@evil.test', 'unreadable-from'],
    ['=?utf-8?q?a=40bank.test?=:;', 'unreadable-from'],
    ['Bank =?utf-8?q?=3Ca=40bank.test=3E?=', 'unreadable-from'],
    ['=?utf-8?q?a=40bank.test?= <>', 'unreadable-from'],
    ['a@bank.test <undisclosed>', 'unreadable-from'],
    ['"a@bank.test"', 'unreadable-from'],
    ['(a@bank.test)', 'unreadable-from'],
    ['undisclosed:;', 'unreadable-from'],
    ['Bank', 'unreadable-from'],
    ['<>', 'no-from'],
    ['', 'no-from'],
    ['a@bank..test', 'unreadable-from'],
    ['a@', 'unreadable-from'],
    ['a@b.test, a@c.test, a@d.test, a@e.test, a@f.test, a@g.test', 'too-many-authors'],
    [`${'('.repeat(9000)}a@bank.test`, 'too-many-authors'],
  ] as const) {
    it(field.length > 60 ? `${field.slice(0, 60)}…` : field, () => {
      const found = findAuthorDomains(new SignedHeader(Buffer.from(`From: ${field}\r\n`)), 100)
      assert.deepEqual(found.kind === 'domains' ? found.domains : found.kind, expected)
    })
  }

  it('of two From fields is nobody', () => {
    const header = new SignedHeader(Buffer.from('From: a@b.test\r\nfrom : c@d.test\r\n'))
    assert.deepEqual(findAuthorDomains(header, 100), { kind: 'several-from' })
  })

  it('is not looked for in a field whose colon stands on a later line', () => {
    const header = new SignedHeader(Buffer.from('From\r\n : c@d.test\r\nFrom: a@b.test\r\n'))
    assert.deepEqual(findAuthorDomains(header, 100), { kind: 'domains', domains: ['b.test'] })
  })

  it('is nobody where not all fields are looked at', () => {
    const header = new SignedHeader(
      Buffer.from(`From: a@b.test\r\n${'X: y\r\n'.repeat(3000)}From: c@d.test\r\n`),
    )
    assert.deepEqual(findAuthorDomains(header, 2000), { kind: 'too-many-fields' })
  })
})
