// Signatures as a verifier that we did not write sees them (RFC 6376, RFC 8301, RFC 8463).
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { array, asyncProperty, constantFrom, assert as hold, integer } from 'fast-check'
import { makeKeyPair, openKey } from '../../src/signing/key-pair.ts'
import { formatKeyRecord, keyRecordName } from '../../src/signing/key-record.ts'
import { DkimSigner, type Signing, type SigningQuestion } from '../../src/signing/message-signer.ts'
import { RelaxedBodyHash } from '../../src/signing/relaxed-body.ts'
import type { KeyAlgorithm, SigningKey } from '../../src/signing/signing-key.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { verifyWithMailauth } from './verify-with-mailauth.ts'

const domain = 'example.test'
const pairs = { rsa: await makeKeyPair('rsa'), ed25519: await makeKeyPair('ed25519') }
const records = new Map<string, string>()
const keyOf = (algorithm: KeyAlgorithm, selector: string): SigningKey => {
  records.set(keyRecordName(domain, selector), formatKeyRecord(pairs[algorithm]))
  return openKey({ domain, selector, algorithm, privateKey: pairs[algorithm].privateKey })
}
const keys = [keyOf('rsa', 'r1'), keyOf('ed25519', 'e1')]

interface Case {
  readonly message?: Partial<SigningQuestion['message']>
  readonly pieceBytes?: number
  /** Domains in which the account has an address. */
  readonly own?: readonly string[]
}

const signer = (own: readonly string[], used: readonly SigningKey[] = keys, hasDomains = true): DkimSigner =>
  new DkimSigner({
    keys: {
      hasDomains: () => Promise.resolve(hasDomains),
      find: author =>
        Promise.resolve(
          author === domain || author.endsWith(`.${domain}`) ? { domain, keys: used } : undefined,
        ),
    },
    storage: {
      run: (_operation, input) =>
        Promise.resolve(own.includes((input as { domain: string }).domain) as never),
    },
    clock: createManualClock(),
    senderAddress: 'own',
  })

function inPieces(bytes: Uint8Array, size: number): SigningQuestion['mailData'] {
  return {
    size: bytes.length,
    async *open() {
      for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
    },
  }
}

async function sign(
  text: string,
  { message = {}, pieceBytes = 64, own = [domain] }: Case = {},
): Promise<Signing & { readonly signed: string }> {
  const bytes = Buffer.from(text, 'latin1')
  const signing = await signer(own).sign({
    message: { id: 1, accountId: 1, isReport: false, ...message },
    form: 'as-it-is',
    mailData: inPieces(bytes, pieceBytes),
  })
  return { ...signing, signed: Buffer.from(signing.fields).toString('latin1') + text }
}

const results = async (text: string): Promise<string[]> =>
  (await verifyWithMailauth(text, records)).map(one => `${one.algorithm} ${one.selector} ${one.result}`)

const bothPass = ['rsa-sha256 r1 pass', 'ed25519-sha256 e1 pass']

const head = [
  'Received: from a by b; Fri, 27 Nov 2026 08:00:00 +0000',
  'From: =?utf-8?Q?Anna?= <anna@example.test>',
  'To: boris@example.org,',
  '\tclara@example.org',
  'Subject:   a  subject \t with blanks  ',
  'Date: Fri, 27 Nov 2026 08:00:00 +0000',
  'Message-ID: <1@example.test>',
  'MIME-Version: 1.0',
  'Content-Type: text/plain; charset=utf-8',
  'List-Unsubscribe: <https://example.test/u>',
  'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
]
const section = `${head.join('\r\n')}\r\n`

describe('a signed message', () => {
  const bodies: Readonly<Record<string, string>> = {
    'with text': 'Hello,\r\n\r\n  this   is\ttext. \r\n.\r\n',
    'without a body': '',
    'with empty lines only': '\r\n\r\n\r\n',
    'with blanks only': '  \t \r\n \r\n',
    'without a last line end': 'text and no end',
    'with blanks at its end': 'text \t\r\n\r\n \r\n\r\n',
    'that begins with empty lines': '\r\n\r\n \r\ntext\r\n',
    'with eight bits': 'gr\xc3\xbc\xc3\x9fe \xa0 \xff\r\n',
    'that is long': `${'A long line, over and over. '.repeat(30)}\r\n`.repeat(10),
  }
  for (const [name, body] of Object.entries(bodies)) {
    it(`${name} verifies, in whatever pieces it is read`, async () => {
      for (const pieceBytes of [1, 7, 65_536]) {
        const { signed, signatures } = await sign(`${section}\r\n${body}`, { pieceBytes })
        assert.deepEqual(await results(signed), bothPass)
        assert.deepEqual(signatures, [
          { domain, selector: 'r1' },
          { domain, selector: 'e1' },
        ])
      }
    })
  }

  it('verifies without the empty line after its header section', async () => {
    assert.deepEqual(await results((await sign(section)).signed), bothPass)
  })

  it('has a field of lines that every server takes, and nothing but ASCII', async () => {
    const { fields } = await sign(`${section}\r\ntext\r\n`)
    for (const line of Buffer.from(fields).toString('latin1').split('\r\n')) {
      assert.ok(line.length <= 78, line)
      assert.match(line, /^[\t\x20-\x7e]*$/)
    }
  })

  // RFC 6376 §8.15, §5.4.2
  for (const added of [
    'From: boss@example.test',
    'Subject: Another',
    'To: dora@example.org',
    'Content-Type: text/html',
  ])
    it(`no longer verifies with a second "${added}"`, async () => {
      const { signed } = await sign(`${section}\r\ntext\r\n`)
      assert.deepEqual(await results(`${added}\r\n${signed}`), [
        'rsa-sha256 r1 fail',
        'ed25519-sha256 e1 fail',
      ])
    })

  it('no longer verifies when something of it was changed', async () => {
    const { signed } = await sign(`${section}\r\ntext\r\n`)
    for (const [from, to] of [
      ['a  subject', 'no subject'],
      ['/u>', '/v>'],
      ['text\r\n', 'test\r\n'],
    ] as const) {
      const lastOne = signed.lastIndexOf(from)
      const changed = signed.slice(0, lastOne) + to + signed.slice(lastOne + from.length)
      for (const result of await results(changed)) assert.match(result, /(fail|neutral)$/)
    }
  })

  it('still verifies with the fields that servers and lists put before it, and blanks changed as they do', async () => {
    const { signed } = await sign(`${section}\r\nsome  text\r\n`)
    const passed = `Received: from x by y\r\nSender: list@example.org\r\n${signed.replace('some  text', 'some \t text  ')}`
    assert.deepEqual(await results(passed), bothPass)
  })

  it('verifies for any body', async () => {
    const words = constantFrom(' ', '\t', '\r\n', 'a', '.', 'text', '\xe4', '\r\n\r\n', '=')
    await hold(
      asyncProperty(
        array(words, { maxLength: 60 }),
        integer({ min: 1, max: 9 }),
        async (parts, pieceBytes) => {
          const { signed } = await sign(`${section}\r\n${parts.join('')}`, { pieceBytes })
          assert.deepEqual(await results(signed), bothPass)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('the hash of a body', () => {
  it('is of the form that RFC 6376 §3.4.4 and §3.4.5 show', () => {
    const examples = { '': '', ' C \r\nD \t E\r\n\r\n\r\n': ' C\r\nD E\r\n' }
    for (const [text, relaxed] of Object.entries(examples)) {
      const body = new RelaxedBodyHash()
      body.take(Buffer.from(text))
      assert.equal(body.finish(), createHash('sha256').update(relaxed).digest('base64'))
    }
  })

  it('takes many empty lines in one piece, with text behind them in the next', () => {
    const lines = '\r\n'.repeat(3000)
    const one = new RelaxedBodyHash()
    one.take(Buffer.from(`${lines}text\r\n`))
    const two = new RelaxedBodyHash()
    two.take(Buffer.from(lines))
    two.take(Buffer.from('text\r\n'))
    assert.equal(one.finish(), two.finish())
  })
})

describe('what is signed', () => {
  const from = (value: string, more: string[] = []): string =>
    `${[`From: ${value}`, 'Subject: x', ...more].join('\r\n')}\r\n\r\ntext\r\n`

  it('is what an account, a local network or this server itself sends', async () => {
    for (const message of [
      { accountId: 7 },
      { accountId: undefined, isLocal: true },
      { accountId: undefined, isReport: true },
    ])
      assert.equal((await sign(from('anna@example.test'), { message })).signatures.length, 2)
  })

  it('is nothing that a stranger sends, whoever he says he is', async () => {
    const { signatures, unsigned, fields } = await sign(from('anna@example.test'), {
      message: { accountId: undefined },
    })
    assert.deepEqual(
      { signatures, unsigned, bytes: fields.length },
      { signatures: [], unsigned: undefined, bytes: 0 },
    )
  })

  it('is a subdomain of ours too, in the name of the domain', async () => {
    const { signatures } = await sign(from('MAILER-DAEMON@mail.example.test'))
    assert.deepEqual(signatures[0], { domain, selector: 'r1' })
  })

  it('is no other domain', async () => {
    assert.equal((await sign(from('anna@example.org'))).signatures.length, 0)
  })

  it('is nothing that an account writes in the name of a domain in which it has no address', async () => {
    const { signatures, unsigned } = await sign(from('anna@example.test'), { own: ['other.test'] })
    assert.deepEqual(signatures, [])
    assert.match(unsigned ?? '', /no address in example\.test/)
  })

  it('is nothing whose author is in doubt', async () => {
    for (const text of [
      from('anna@example.test', ['From: eva@example.org']),
      from('anna@example.test, eva@example.org'),
      from('"anna@example.test'),
      from('<anna@example.test> <eva@example.org>'),
    ]) {
      const { signatures, unsigned } = await sign(text)
      assert.deepEqual(signatures, [], text)
      assert.match(unsigned ?? '', /From field|several domains/)
    }
  })

  it('is not signed while no key is in the DNS, and the reason says what to do', async () => {
    const { signatures, unsigned } = await signer([domain], []).sign({
      message: { id: 1, accountId: 1, isReport: false },
      form: 'as-it-is',
      mailData: inPieces(Buffer.from(from('anna@example.test')), 100),
    })
    assert.deepEqual(signatures, [])
    assert.match(unsigned ?? '', /postrider domain dkim example\.test/)
  })

  it('is not even read on a server without domains', async () => {
    const { signatures, unsigned } = await signer([], [], false).sign({
      message: { id: 1, accountId: 1, isReport: false },
      form: 'as-it-is',
      mailData: {
        size: 10,
        open: () => {
          throw new Error('it was read')
        },
      },
    })
    assert.deepEqual({ signatures, unsigned }, { signatures: [], unsigned: undefined })
  })

  it('is read and signed once for however many receivers, and once for each form', async () => {
    let opened = 0
    const bytes = Buffer.from(from('anna@example.test'))
    const one = signer([domain])
    const question = (form: string): SigningQuestion => ({
      message: { id: 1, accountId: 1, isReport: false },
      form,
      mailData: {
        size: bytes.length,
        async *open() {
          opened++
          yield bytes
        },
      },
    })
    const signed = await Promise.all(['a', 'a', 'a', 'b'].map(form => one.sign(question(form))))
    await one.sign(question('a'))
    assert.equal(opened, 2)
    assert.equal(signed[0], signed[2])
  })

  it('is asked for again when the mail data could not be read', async () => {
    const bytes = Buffer.from(from('anna@example.test'))
    const one = signer([domain])
    const message = { id: 1, accountId: 1, isReport: false }
    const broken = {
      size: 1,
      open: () => {
        throw new Error('the disk')
      },
    }
    await assert.rejects(one.sign({ message, form: 'a', mailData: broken }), /the disk/)
    assert.equal((await one.sign({ message, form: 'a', mailData: inPieces(bytes, 9) })).signatures.length, 2)
  })
})
