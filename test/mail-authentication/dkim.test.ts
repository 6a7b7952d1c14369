// DKIM: the examples of the RFCs, what makes a signature void, and what strangers may send to keep us busy.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { parseKey } from '../../src/mail-authentication/dkim/key.ts'
import { authenticate } from './authenticate.ts'
import { createSigner } from './signer.ts'
import { createZone } from './zone.ts'

function withCrlf(text: string): string {
  return text.replaceAll('\n', '\r\n')
}

// RFC 6376 appendix A, with errata 3192 and 4926: the text as it was signed.
const rfc6376 = withCrlf(`DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
        4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
        KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
        4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game. Are you hungry yet?

Joe.
`)

// RFC 8463 appendix A.
const rfc8463 = withCrlf(`DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
`)

const exampleKey =
  'v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB'

const examples = createZone({
  'brisbane._domainkey.example.com': { txt: [exampleKey] },
  'test._domainkey.football.example.com': {
    txt: [
      'v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB',
    ],
  },
  'brisbane._domainkey.football.example.com': {
    txt: ['v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='],
  },
})

describe('the examples of the RFCs', () => {
  it('RFC 6376', async t => {
    const { dkim } = await authenticate(examples, rfc6376)
    assert.deepEqual(dkim, [
      {
        result: 'pass',
        algorithm: 'rsa-sha256',
        domain: 'example.com',
        selector: 'brisbane',
        tell: 'AuUoFEfD',
        keyBits: 1024,
      },
    ])
    t.diagnostic('1 signature of RFC 6376')
  })

  it('RFC 8463, with a signature of each kind', async t => {
    const { dkim = [] } = await authenticate(examples, rfc8463)
    assert.deepEqual(
      dkim.map(({ result, algorithm }) => `${algorithm} ${result}`),
      ['ed25519-sha256 pass', 'rsa-sha256 pass'],
    )
    t.diagnostic('2 signatures of RFC 8463')
  })

  for (const [what, changed] of [
    ['a word of the body', rfc6376.replace('hungry', 'angry')],
    ['a blank of a field', rfc6376.replace('Is dinner', 'Is  dinner')],
    ['the author', rfc6376.replace('Joe SixPack', 'Joe')],
  ] as const) {
    it(`RFC 6376, with ${what} changed`, async () => {
      const { dkim = [] } = await authenticate(examples, changed)
      assert.equal(dkim[0]?.result, 'fail')
    })
  }

  it('RFC 8463, with one more Subject than was signed', async () => {
    const { dkim = [] } = await authenticate(examples, `Subject: other\r\n${rfc8463}`)
    assert.deepEqual(
      dkim.map(({ result }) => result),
      ['fail', 'fail'],
    )
  })
})

const message = 'From: a@signed.test\r\nTo: b@here.test\r\nSubject: x\r\n\r\nThe text.\r\n'

/** The result of the one signature, and why. */
async function verify(
  text: string,
  records: Readonly<Record<string, { txt?: readonly string[]; failing?: 'all' }>>,
): Promise<string> {
  const { dkim = [] } = await authenticate(createZone(records), text)
  assert.equal(dkim.length, 1)
  return `${dkim[0]?.result}${dkim[0]?.problem === undefined ? '' : `: ${dkim[0].problem}`}`
}

describe('a signature', () => {
  const signer = createSigner('signed.test')
  const key = { [signer.keyName]: { txt: [signer.keyRecord] } }

  for (const canonicalization of ['simple/simple', 'simple/relaxed', 'relaxed/simple', 'relaxed/relaxed']) {
    it(`of another program holds, ${canonicalization}`, async () => {
      assert.equal(await verify(await signer.sign(message, { canonicalization }), key), 'pass')
    })
  }

  it('of Ed25519 holds', async () => {
    const other = createSigner('signed.test', { type: 'ed25519' })
    assert.equal(
      await verify(await other.sign(message), { [other.keyName]: { txt: [other.keyRecord] } }),
      'pass',
    )
  })

  it('with l= counts when it covers all, and not when more follows', async () => {
    const signed = await signer.sign(message, { maxBodyLength: 11 })
    assert.equal(await verify(signed, key), 'pass')
    assert.equal(
      await verify(`${signed}More.\r\n`, key),
      "policy: it covers 11 of the 18 octets of the body (l=); the rest could be anybody's",
    )
    assert.equal(
      await verify(signed.replace('The text.\r\n', 'The\r\n'), key),
      'fail: the body is shorter than the signature says',
    )
  })

  it('does not count where somebody has added a field that readers see instead of the one that it covers', async () => {
    const signed = await signer.sign(message)
    for (const name of ['Subject', 'To'])
      assert.equal(
        await verify(`${name}: b@here.test\r\n${signed}`, key),
        `policy: there are more fields ${name.toLowerCase()} than it covers; the one that is shown could be anybody's`,
      )
    // Nobody shows it, and each server on the way adds one.
    assert.equal(
      await verify(`Received: by other.test; Thu, 1 Jan 2026 00:00:00 +0000\r\n${signed}`, key),
      'pass',
    )
    assert.equal(await verify(await signer.sign(`Subject: y\r\n${message}`), key), 'pass')
  })

  it('that is expired does not count', async () => {
    const expires = new Date(Date.now() + 3_600_000)
    const signed = await signer.sign(message, { expires })
    const zone = createZone(key)
    const [before, after] = await Promise.all(
      [-1000, 1000].map(ms => authenticate(zone, signed, { at: expires.getTime() + ms })),
    )
    assert.equal(before?.dkim?.[0]?.result, 'pass')
    assert.partialDeepStrictEqual(after?.dkim, [{ result: 'fail', problem: 'it is valid no longer' }])
  })

  for (const [what, change, problem] of [
    ['without h=', (text: string) => text.replace(/ h=[^;]*;/, ''), 'permerror: it has no h='],
    [
      'of another version',
      (text: string) => text.replace('v=1;', 'v=2;'),
      'permerror: it has another version than 1',
    ],
    [
      'of SHA-1',
      (text: string) => text.replace('rsa-sha256', 'rsa-sha1'),
      'permerror: rsa-sha1 is broken, and counts no more (RFC 8301)',
    ],
    [
      'that leaves out From',
      (text: string) => text.replace(/h=[^;]*;/, 'h=subject;'),
      'permerror: it does not cover the From field',
    ],
    [
      'with a tag twice',
      (text: string) => text.replace('v=1;', 'v=1; v=1;'),
      'permerror: it is no list of tags',
    ],
    [
      'in the name of a domain that is not its own',
      (text: string) => text.replace('v=1;', 'v=1; i=@other.test;'),
      'permerror: i= is not within the domain of d=',
    ],
    [
      'that expires before it is made',
      (text: string) => text.replace('v=1;', 'v=1; x=1;'),
      'permerror: it expires before it was made',
    ],
    [
      'with an l= that is no number',
      (text: string) => text.replace('v=1;', 'v=1; l=all;'),
      'permerror: l= is no number',
    ],
  ] as const) {
    it(`${what} is void`, async () => {
      assert.equal(await verify(change(await signer.sign(message)), key), problem)
    })
  }
})

describe('a key', () => {
  const signer = createSigner('signed.test')
  const { keyName, keyRecord } = signer
  for (const [what, record, problem] of [
    ['that is not there', undefined, `permerror: there is no key ${keyName} in the DNS`],
    ['that was revoked', 'v=DKIM1; p=', 'permerror: the key in the DNS was revoked (p= is empty)'],
    ['for something else', `${keyRecord}; s=tlsrpt`, 'permerror: the key in the DNS is not for mail'],
    ['for another hash', `${keyRecord}; h=sha1`, 'permerror: the key in the DNS is not for SHA-256'],
    [
      'of another version',
      keyRecord.replace('DKIM1', 'DKIM2'),
      'permerror: the key in the DNS is of another version',
    ],
    ['that is none', 'v=DKIM1; p=QUJD', 'permerror: the key in the DNS cannot be read'],
    [
      'of the other type',
      createSigner('x.test', { type: 'ed25519' }).keyRecord,
      'permerror: the key is of the type ed25519, not rsa',
    ],
  ] as const) {
    it(what, async () => {
      const records = record === undefined ? {} : { [keyName]: { txt: [record] } }
      assert.equal(await verify(await signer.sign(message), records), problem)
    })
  }

  it('that cannot be looked up is a temporary error', async () => {
    assert.match(await verify(await signer.sign(message), { [keyName]: { failing: 'all' } }), /^temperror: /)
  })

  it('beside another record is found', async () => {
    assert.equal(
      await verify(await signer.sign(message), { [keyName]: { txt: ['hello', keyRecord] } }),
      'pass',
    )
  })

  it('that is only tried out counts, and says so', async () => {
    const zone = createZone({ [keyName]: { txt: [`${keyRecord}; t=y`] } })
    const { dkim } = await authenticate(zone, await signer.sign(message))
    assert.partialDeepStrictEqual(dkim, [{ result: 'pass', isTesting: true }])
  })

  for (const [bits, problem] of [
    [512, 'the key in the DNS has 512 bits, and needs 1024 at least (RFC 8301)'],
    [16_384, 'the key in the DNS has 16384 bits; more than 8192 are not taken'],
  ] as const) {
    it(`of ${bits} bits is not taken`, () => {
      assert.deepEqual(parseKey(`p=${rsaKey(bits)}`), { kind: 'unusable', problem })
    })
  }

  it('with an exponent as long as the modulus is not taken', () => {
    const found = parseKey(`p=${rsaKey(2048, [1, ...Array<number>(250).fill(0), 1])}`)
    assert.deepEqual(found, {
      kind: 'unusable',
      problem: 'the key in the DNS has an exponent that is longer than any',
    })
  })

  it('longer than any is not even read', () => {
    assert.deepEqual(parseKey(`p=${'A'.repeat(60_000)}`), {
      kind: 'unusable',
      problem: 'the key in the DNS is longer than any key',
    })
  })
})

/** As PKCS #1, with a modulus that is none; nobody has to find primes for it. */
function rsaKey(bits: number, exponent: readonly number[] = [1, 0, 1]): string {
  const modulus = Buffer.alloc(bits / 8, 0xab)
  return der(0x30, [integer(modulus), integer(Buffer.from(exponent))]).toString('base64')
}

function integer(bytes: Buffer): Buffer {
  return der(0x02, [(bytes[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.from([0]), bytes]) : bytes])
}

function der(tag: number, contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 128 ? [length] : [0x82, Math.floor(length / 256), length % 256]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

describe('many signatures', () => {
  const signer = createSigner('signed.test')

  it('of a thousand, ten are looked at, those of the author first, and their keys are asked for once', async () => {
    const junk = Array.from(
      { length: 600 },
      (_, index) =>
        `DKIM-Signature: v=1; a=rsa-sha256; d=junk${index}.test; s=s; h=from; l=${index}; bh=AAAA; b=AAAA\r\n`,
    )
    const signed = await signer.sign(message)
    // A field of a signature ends before the From field.
    const own = signed.slice(0, signed.indexOf('From:'))
    const text = junk.slice(0, 40).join('') + own + junk.slice(40).join('') + message
    const zone = createZone({ [signer.keyName]: { txt: [signer.keyRecord] } })
    const { dkim = [], dkimPassedOver } = await authenticate(zone, text)
    assert.equal(dkim.length, 10)
    assert.equal(dkimPassedOver, 591)
    assert.partialDeepStrictEqual(dkim[0], { result: 'pass', domain: 'signed.test' })
    assert.equal(zone.questions.filter(question => question.includes('_domainkey')).length, 10)
  })

  it('no key is made of what a stranger publishes that a key cannot be', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const data = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
    assert.equal(parseKey(`p=${data}`).kind, 'unusable')
  })
})
