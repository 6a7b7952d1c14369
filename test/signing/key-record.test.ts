// The record of a key as the DNS has it, compared with the key (RFC 6376 §3.6.1).
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Answer } from '../../src/dns/answer.ts'
import { makeKeyPair, readKeyPair } from '../../src/signing/key-pair.ts'
import { compareKeyRecord, formatKeyRecord, type PublishedKey } from '../../src/signing/key-record.ts'
import { nameSelector, parseSelector } from '../../src/signing/selector.ts'

const key: PublishedKey = { algorithm: 'ed25519', publicKey: '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=' }
const rsa: PublishedKey = { algorithm: 'rsa', publicKey: 'MIIBIjAN' }

const found = (...records: string[]): Answer<string> => ({ kind: 'found', records, ttlMs: 1000 })
const compared = (answer: Answer<string>, with_: PublishedKey = key): string => {
  const finding = compareKeyRecord(answer, with_)
  return 'detail' in finding ? `${finding.kind}: ${finding.detail}` : finding.kind
}

describe('a published key', () => {
  it('is right as this server writes it, and as others write the same', () => {
    // RFC 8463 §A.2
    assert.equal(formatKeyRecord(key), `v=DKIM1; k=ed25519; p=${key.publicKey}`)
    assert.equal(compared(found(formatKeyRecord(key))), 'right')
    assert.equal(
      compared(found(`k=ed25519;p=${key.publicKey.slice(0, 9)} ${key.publicKey.slice(9)};`)),
      'right',
    )
    assert.equal(compared(found('p=MIIBIjAN'), rsa), 'right')
    assert.equal(
      compared(found('v=DKIM1; h=sha1:sha256; s=email:tlsrpt; t=s; n=x; p=MIIBIjAN'), rsa),
      'right',
    )
  })

  it('is missing, or nobody knows', () => {
    assert.equal(compared({ kind: 'no-such-domain' }), 'missing')
    assert.equal(compared({ kind: 'no-data' }), 'missing')
    assert.equal(compared({ kind: 'temporary-failure', detail: 'silence' }), 'unknown: silence')
  })

  const different: readonly (readonly [string, RegExp])[] = [
    ['v=DKIM1; k=rsa; p=OTHER', /another key in p=/],
    ['v=DKIM1; k=ed25519; p=MIIBIjAN', /k=ed25519 and not k=rsa/],
    ['v=DKIM1; p=', /revokes/],
    ['v=DKIM2; p=MIIBIjAN', /not v=DKIM1/],
    ['v=DKIM1; h=sha1; p=MIIBIjAN', /SHA-256/],
    ['v=DKIM1; s=tlsrpt; p=MIIBIjAN', /not for mail/],
    ['some words', /no list of tags/],
    ['p=MIIBIjAN; p=MIIBIjAN', /no list of tags/],
  ]
  for (const [record, why] of different)
    it(`is different as "${record}"`, () => {
      assert.match(compared(found(record), rsa), why)
    })

  it('is different where there are two records', () => {
    assert.match(compared(found('p=MIIBIjAN', 'p=MIIBIjAN'), rsa), /2 TXT records/)
  })
})

describe('selectors', () => {
  const november = Date.UTC(2026, 10, 27)
  it('name the time and the kind of key, and are never taken twice', () => {
    assert.equal(nameSelector('rsa', november, new Set()), 'pr202611r')
    assert.equal(nameSelector('ed25519', november, new Set(['pr202611r'])), 'pr202611e')
    assert.equal(nameSelector('rsa', november, new Set(['pr202611r', 'pr202611r2'])), 'pr202611r3')
  })

  it('are labels of the DNS', () => {
    assert.equal(parseSelector('Mail2024'), 'mail2024')
    assert.equal(parseSelector('s1.sub'), 's1.sub')
    for (const text of ['', '-a', 'a_b', 'a..b', 'a b', 'a;', 'ä', 'x'.repeat(64)])
      assert.equal(parseSelector(text), undefined)
  })
})

describe('a key that is brought along', () => {
  it('is refused with what is wrong, and none of it in the words', async () => {
    const { generateKeyPairSync } = await import('node:crypto')
    const small = generateKeyPairSync('rsa', { modulusLength: 768 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    })
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    })
    assert.throws(() => readKeyPair(small), /768 bits/)
    assert.throws(() => readKeyPair(curve), /RSA and Ed25519/)
    for (const text of ['secret words', small.slice(0, 200)]) {
      assert.throws(
        () => readKeyPair(text),
        (cause: Error) => {
          assert.match(cause.message, /no private key in PEM/)
          assert.ok(!`${cause.message} ${String(cause.cause)}`.includes('secret'))
          return true
        },
      )
    }
  })

  it('gives the public half that its record has', async () => {
    const made = await makeKeyPair('ed25519')
    const { createPrivateKey } = await import('node:crypto')
    const pem = createPrivateKey({ key: Buffer.from(made.privateKey), format: 'der', type: 'pkcs8' })
    assert.equal(readKeyPair(pem.export({ type: 'pkcs8', format: 'pem' })).publicKey, made.publicKey)
    assert.equal(Buffer.from(made.publicKey, 'base64').length, 32)
  })
})
