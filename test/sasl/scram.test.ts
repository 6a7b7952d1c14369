// SCRAM by the examples of its RFCs, and what a client may get wrong or somebody in between may try.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Authority } from '../../src/sasl/authority.ts'
import { type ExchangeStep, startExchange } from '../../src/sasl/exchange.ts'
import type { SaslConnection } from '../../src/sasl/mechanism.ts'
import { createScram, type ScramForm } from '../../src/sasl/scram.ts'
import {
  deriveScramCredential,
  formatScramCredential,
  parseScramCredential,
  type ScramCredential,
} from '../../src/sasl/scram-keys.ts'
import { createScramClient } from '../harness/scram-client.ts'
import { anyConnection } from './connection.ts'

interface Account {
  readonly address: string
}

/** Knows one account, by one password or several. */
function authorityOf(name: string, credentials: readonly ScramCredential[]): Authority<Account> {
  return {
    verifyPassword: () => assert.fail('no password comes'),
    openScram: async (_hash, asked) => {
      const [first] = credentials
      assert.ok(first)
      return {
        salt: first.salt,
        iterations: first.iterations,
        keys: asked === name ? credentials : [],
        settle: async keys => (keys ? { address: name } : { refused: 'wrong-password' }),
      }
    },
  }
}

async function challengeOf(
  step: ExchangeStep<Account> | Promise<ExchangeStep<Account>>,
): Promise<{ text: string; next: (answer: string) => Promise<ExchangeStep<Account>> }> {
  const reached = await step
  assert.ok(reached.kind === 'challenge', JSON.stringify(reached))
  return {
    text: reached.data.toString(),
    next: async answer => await reached.next(Buffer.from(answer)),
  }
}

// All that the RFCs have.
for (const { rfc, hash, salt, clientFirst, serverNonce, serverFirst, clientFinal, serverFinal } of [
  {
    rfc: 'RFC 5802 §5',
    hash: 'SHA-1',
    salt: 'QSXCR+Q6sek8bf92',
    clientFirst: 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
    serverNonce: '3rfcNHYJY1ZVvWVs7j',
    serverFirst: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
    clientFinal: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    serverFinal: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  {
    rfc: 'RFC 7677 §3',
    hash: 'SHA-256',
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    clientFinal:
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
] as const) {
  test(`the example of ${rfc}, SCRAM-${hash}: the same bytes, and the account`, async t => {
    const credential = await deriveScramCredential(hash, 'pencil', {
      salt: Buffer.from(salt, 'base64'),
      iterations: 4096,
    })
    const connection: SaslConnection = { ...anyConnection, nonce: () => serverNonce }
    const first = await challengeOf(
      startExchange(
        createScram(hash, 'plain'),
        Buffer.from(clientFirst),
        connection,
        authorityOf('user', [credential]),
      ),
    )
    assert.equal(first.text, serverFirst)
    assert.deepEqual(await first.next(clientFinal), {
      kind: 'proven',
      account: { address: 'user' },
      data: Buffer.from(serverFinal),
    })
    const wrong = clientFinal.replace(/p=./, 'p=A')
    assert.deepEqual(await first.next(wrong), { kind: 'refused', problem: 'wrong-password', name: 'user' })
    assert.deepEqual(parseScramCredential(formatScramCredential(credential)), {
      ...credential,
      salt: Buffer.from(credential.salt),
    })
    t.diagnostic(`1 exchange of ${rfc}, its 4 messages`)
  })
}

/** A client of the test's own; what each message says can be changed. */
interface ClientTerms {
  readonly form?: ScramForm
  readonly name?: string
  readonly password?: string
  readonly gs2Header?: string
  /** What it takes for the binding of its TLS connection. */
  readonly bindingData?: Uint8Array
  readonly changeFinal?: (final: string) => string
  readonly connection?: Partial<SaslConnection>
}

const salt = Buffer.from('0123456789abcdef')
const passwords = ['first password', 'second password']
const kept = await Promise.all(
  passwords.map(password => deriveScramCredential('SHA-256', password, { salt, iterations: 4096 })),
)

async function run(terms: ClientTerms = {}): Promise<ExchangeStep<Account>> {
  const { form = 'plain', name = 'anna', password = passwords[0] ?? '', connection } = terms
  const { changeFinal = final => final, gs2Header = 'n,,', bindingData = Buffer.alloc(0) } = terms
  const client = createScramClient({ name, password, gs2Header, bindingData })
  const step = await startExchange(
    createScram('SHA-256', form),
    Buffer.from(client.first),
    { ...anyConnection, ...connection },
    authorityOf('anna', kept),
  )
  if (step.kind !== 'challenge') return step
  const outcome = await step.next(Buffer.from(changeFinal(client.answer(step.data.toString()))))
  // RFC 5802 §3: the server proves that it knows the password, too.
  if (outcome.kind === 'proven') assert.equal(outcome.data?.toString(), client.expected)
  return outcome
}

const refused = (problem: string, name = 'anna') => ({ kind: 'refused', problem, name })
const malformed = { kind: 'malformed' }

test('each of the passwords of an account does, and no other', async () => {
  for (const password of passwords) assert.equal((await run({ password })).kind, 'proven')
  assert.deepEqual(await run({ password: 'third password' }), refused('wrong-password'))
  assert.deepEqual(await run({ name: 'boris' }), refused('wrong-password', 'boris'))
})

const bound = Buffer.from('the bytes of this connection')
const plus: ClientTerms = {
  form: 'plus',
  gs2Header: 'p=tls-exporter,,',
  bindingData: bound,
  connection: {
    channelBinding: type => (type === 'tls-exporter' ? bound : undefined),
    offersChannelBinding: true,
  },
}

test('with -PLUS the proof is one for this TLS connection', async () => {
  assert.equal((await run(plus)).kind, 'proven')
  assert.deepEqual(
    await run({ ...plus, bindingData: Buffer.from('those of another connection') }),
    refused('channel-binding'),
  )
  assert.deepEqual(await run({ ...plus, bindingData: Buffer.alloc(0) }), refused('channel-binding'))
  for (const type of ['tls-server-end-point', 'tls-unique', 'made-up'])
    assert.deepEqual(await run({ ...plus, gs2Header: `p=${type},,` }), refused('channel-binding'))
})

test('RFC 5802 §6: a mechanism and what the client says of channel binding agree', async () => {
  assert.deepEqual(await run({ ...plus, gs2Header: 'n,,' }), malformed)
  assert.deepEqual(await run({ ...plus, gs2Header: 'y,,' }), malformed)
  assert.deepEqual(await run({ ...plus, form: 'plain' }), malformed)
})

test('RFC 5802 §6: who was not shown that there is channel binding is refused, where it was shown', async () => {
  const { connection = {} } = plus
  assert.equal((await run({ gs2Header: 'y,,' })).kind, 'proven', 'where there is none')
  assert.equal((await run({ connection })).kind, 'proven', 'a client that knows none')
  assert.deepEqual(await run({ gs2Header: 'y,,', connection }), refused('channel-binding-hidden'))
})

test('what somebody in between changes is noticed', async () => {
  const change = async (changeFinal: (final: string) => string): Promise<unknown> =>
    await run({ changeFinal })
  assert.deepEqual(
    await change(final => final.replace(/^c=[^,]*/, `c=${Buffer.from('y,,').toString('base64')}`)),
    refused('channel-binding'),
  )
  assert.deepEqual(await change(final => final.replace(/r=[^,]*/, 'r=another')), malformed)
  assert.deepEqual(await change(final => final.replace(',p=', ',x=extension,p=')), refused('wrong-password'))
  assert.deepEqual(await change(final => final.replace(/,p=.*/, ',p=QUJD')), refused('wrong-password'))
})

test('nobody acts for somebody else', async () => {
  assert.equal((await run({ gs2Header: 'n,a=anna,' })).kind, 'proven')
  assert.deepEqual(await run({ gs2Header: 'n,a=boris,' }), refused('other-identity'))
})

test('a comma and an equals sign in a name are written as =2C and =3D', async () => {
  assert.deepEqual(await run({ name: 'a=2Cb=3Dc' }), refused('wrong-password', 'a,b=c'))
  assert.deepEqual(await run({ name: 'a=2cb' }), malformed)
})

for (const message of [
  '',
  'n',
  'n,,',
  'n,,n=user',
  'n,,r=nonce,n=user',
  'n,,n=,r=nonce',
  'n,,n=user,r=',
  'n,,n=user,r=no\0nce',
  'n,,n=us=er,r=nonce',
  'n,,m=must,n=user,r=nonce',
  'n,user,n=user,r=nonce',
  'x,,n=user,r=nonce',
  'p=,,n=user,r=nonce',
  'p=tls exporter,,n=user,r=nonce',
  'N,,n=user,r=nonce',
  'n,,n=us\xffer,r=nonce',
]) {
  test(`malformed: ${JSON.stringify(message)}`, async () => {
    const step = await startExchange(
      createScram('SHA-256', message.startsWith('p') ? 'plus' : 'plain'),
      Buffer.from(message, 'latin1'),
      anyConnection,
      authorityOf('user', kept),
    )
    assert.deepEqual(step, malformed)
  })
}

test('any bytes give a step, and prove nobody', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .array(
        fc.constantFrom('n', 'y', 'p=', ',', ',,', 'n=', 'r=', 'a=', 'c=', 'anna', '=2C', 'biws', 'QQ=='),
        {
          maxLength: 14,
        },
      )
      .map(parts => Buffer.from(parts.join(''))),
  )
  await fc.assert(
    fc.asyncProperty(bytes, bytes, async (first, final) => {
      const step = await startExchange(
        createScram('SHA-256', 'plain'),
        Buffer.from(first),
        anyConnection,
        authorityOf('anna', kept),
      )
      assert.notEqual(step.kind, 'proven')
      if (step.kind === 'challenge') assert.notEqual((await step.next(Buffer.from(final))).kind, 'proven')
    }),
    { numRuns: 1000 },
  )
})

test('keys that are kept are of RFC 5803, within bounds', () => {
  const [credential] = kept
  assert.ok(credential)
  const text = formatScramCredential(credential)
  assert.match(text, /^SCRAM-SHA-256\$4096:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$/)
  for (const wrong of [
    text.replace('SHA-256', 'MD5'),
    text.replace('4096', '4095'),
    text.replace('4096', '99999999'),
    text.replace(':', ''),
    `${text}$`,
    text.slice(0, -4),
    '',
  ])
    assert.equal(parseScramCredential(wrong), undefined, wrong)
})
