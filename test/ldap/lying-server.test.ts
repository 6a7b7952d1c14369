// An LDAP server that lies: nobody gets in by it, nothing is sent where it should not go, and nobody waits for ever.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { connectLdap } from '../../src/ldap/connect-ldap.ts'
import { LdapDirectory, type LdapOptions } from '../../src/ldap/ldap-directory.ts'
import { LdapFault } from '../../src/ldap/ldap-fault.ts'
import { eventually } from '../harness/eventually.ts'
import { answers, type Lie, type LyingLdap, startLyingLdap } from '../harness/lying-ldap.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'

const base = 'ou=people,dc=here,dc=test'
const dn = `uid=lena,${base}`
const lena = { localPart: 'lena', domain: 'here.test' }
const attributes = { mail: ['lena@here.test'], cn: ['Lena'] }

interface World {
  readonly directory: LdapDirectory
  readonly server: LyingLdap
  readonly clock: ManualClock
}

async function start(t: TestContext, lie: Lie, more: Partial<LdapOptions> = {}): Promise<World> {
  const server = await startLyingLdap(t, lie)
  const clock = createManualClock()
  const endpoint = { host: '127.0.0.1', port: server.port, tls: 'never' } as const
  const options: LdapOptions = {
    endpoint,
    place: { base },
    filter: '(mail={address})',
    addressAttribute: 'mail',
    nameAttribute: 'cn',
    timeoutMs: 10_000,
    ...more,
  }
  return { directory: new LdapDirectory(options, clock), server, clock }
}

/** As an honest server would, but for what `lies` says. */
function honestBut(lies: Partial<Record<'bind' | 'search' | 'extended', Lie>>): Lie {
  return (request, socket) => {
    const lie = lies[request.operation === 'other' ? 'bind' : request.operation]
    if (lie) return lie(request, socket)
    switch (request.operation) {
      case 'bind':
        return answers.bind(request)
      case 'search':
        return Buffer.concat([answers.entry(request, dn, attributes), answers.done(request)])
      case 'extended':
        return answers.extended(request, 0, `dn:${dn}`)
      default:
        return undefined
    }
  }
}

const isFault =
  (code: string, said: RegExp) =>
  (cause: unknown): boolean =>
    cause instanceof LdapFault && cause.code === code && said.test(cause.message)

test('an honest one, so that what follows is of the lies', async t => {
  const { directory, server } = await start(t, honestBut({}))
  const proof = await directory.prove(lena, 'secret')
  assert.deepEqual(proof, {
    kind: 'proven',
    person: { dn, addresses: ['lena@here.test'], aliases: [], name: 'Lena' },
  })
  assert.deepEqual(
    server.requests.map(({ operation }) => operation),
    ['search', 'bind', 'extended'],
  )
})

test('an empty password is refused before anybody is asked (RFC 4513 §5.1.2)', async t => {
  const { directory, server } = await start(t, honestBut({}))
  assert.deepEqual(await directory.prove(lena, ''), { kind: 'refused', problem: 'wrong-password' })
  assert.equal(server.requests.length, 0)
})

for (const { what, lies, code, said } of [
  {
    what: 'several entries',
    lies: {
      search: request =>
        Buffer.concat([
          answers.entry(request, dn, attributes),
          answers.entry(request, `uid=other,${base}`, attributes),
          answers.done(request, 4),
        ]),
    },
    code: 'LDAP_CONFUSED',
    said: /several entries for one address/,
  },
  {
    what: 'an entry outside the base',
    lies: {
      search: request =>
        Buffer.concat([
          answers.entry(request, 'uid=lena,ou=guests,dc=here,dc=test', attributes),
          answers.done(request),
        ]),
    },
    code: 'LDAP_CONFUSED',
    said: /which is not below ou=people/,
  },
  {
    what: 'an entry whose name only ends like the base',
    lies: {
      search: request =>
        Buffer.concat([answers.entry(request, `uid=lena\\,${base}`, attributes), answers.done(request)]),
    },
    code: 'LDAP_CONFUSED',
    said: /which is not below/,
  },
  {
    what: 'a referral instead of an answer',
    lies: { search: request => answers.done(request, 10) },
    code: 'LDAP_REFUSED',
    said: /the result 10.*Name the server that it points to/,
  },
  {
    what: 'a success, and then that nobody is let in',
    lies: { extended: request => answers.extended(request, 0, '') },
    code: 'LDAP_CONFUSED',
    said: /is let in, and then that nobody is/,
  },
  {
    what: 'the connection closed in the middle',
    lies: { bind: (_request, socket) => void socket.destroy() },
    code: 'LDAP_UNAVAILABLE',
    said: /gave no answer/,
  },
  {
    what: 'busy',
    lies: { bind: request => answers.bind(request, 51) },
    code: 'LDAP_UNAVAILABLE',
    said: /the result 51/,
  },
  {
    what: 'more than anybody wants to know',
    lies: {
      search: request => answers.entry(request, dn, { ...attributes, jpegPhoto: ['x'.repeat(100_000)] }),
    },
    code: 'LDAP_CONFUSED',
    said: /answers more than 65536 bytes/,
  },
  {
    what: 'very many small messages',
    lies: {
      search: request =>
        Buffer.concat([
          ...Array.from({ length: 1900 }, () => answers.referenceTo(request, 'ldap://x')),
          answers.done(request, 80),
        ]),
    },
    code: 'LDAP_REFUSED',
    said: /the result 80/,
  },
] satisfies readonly {
  readonly what: string
  readonly lies: Parameters<typeof honestBut>[0]
  readonly code: string
  readonly said: RegExp
}[])
  test(`it says ${what}: nobody can say, and the log knows why`, async t => {
    const { directory } = await start(t, honestBut(lies))
    await assert.rejects(directory.prove(lena, 'secret'), isFault(code, said))
  })

test('an entry where it points to other servers too: those are not asked', async t => {
  const other = await startLyingLdap(t, () => undefined)
  const { directory } = await start(
    t,
    honestBut({
      search: request =>
        Buffer.concat([
          answers.referenceTo(request, `ldap://127.0.0.1:${other.port}/${base}`),
          answers.done(request),
        ]),
    }),
  )
  assert.equal(await directory.find(lena), undefined)
  assert.equal(other.requests.length, 0)
})

test('it hangs, before or after the first answer: nobody waits longer than the settings say', async t => {
  for (const silent of ['search', 'bind', 'extended'] as const) {
    const { directory, server, clock } = await start(t, honestBut({ [silent]: () => undefined }))
    const proof = directory.prove(lena, 'secret')
    const failed = assert.rejects(proof, isFault('LDAP_UNAVAILABLE', /did not answer in time/))
    await eventually(`the ${silent}`, async () =>
      server.requests.some(({ operation }) => operation === silent),
    )
    clock.advance(10_000)
    await failed
  }
})

test('what is no LDAP at all ends with the patience', async t => {
  const { directory, server, clock } = await start(t, () => Buffer.from('220 mail.here.test ESMTP\r\n'))
  const failed = assert.rejects(directory.find(lena), isFault('LDAP_UNAVAILABLE', /did not answer in time/))
  await eventually('a request', async () => server.requests.length > 0)
  clock.advance(10_000)
  await failed
})

test('StartTLS refused, or followed by words in the clear: nothing more is said there', async t => {
  for (const lie of [
    honestBut({ extended: request => answers.extended(request, 2) }),
    honestBut({
      extended: request => Buffer.concat([answers.extended(request), answers.bind({ ...request, id: 2 })]),
    }),
    honestBut({ extended: request => answers.bind(request) }),
  ]) {
    const server = await startLyingLdap(t, lie)
    const endpoint = { host: '127.0.0.1', port: server.port, tls: 'starttls' } as const
    await assert.rejects(
      connectLdap(endpoint, new AbortController().signal),
      isFault('LDAP_REFUSED', /does not take StartTLS/),
    )
    assert.equal(server.requests.length, 1)
  }
})

test('nobody is searched for with the rights of the one before: each question has a connection of its own', async t => {
  const sockets = new Set<unknown>()
  const { directory } = await start(t, (request, socket) => {
    sockets.add(socket)
    return honestBut({})(request, socket)
  })
  await directory.prove(lena, 'secret')
  await directory.find(lena)
  assert.equal(sockets.size, 2)
})
