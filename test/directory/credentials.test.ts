import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeAccount, createAccount, removeAccount } from '../../src/directory/accounts.ts'
import { authenticate } from '../../src/directory/authenticate.ts'
import { hashPassword, isPasswordHash, verifyPassword } from '../../src/directory/credentials.ts'
import { generatePassword } from '../../src/directory/generate-password.ts'
import { markOf } from '../../src/directory/log-in-standing.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { addDomain, address, at, noPassword, openDirectory } from './open-directory.ts'

test('name and password prove an account; everything else proves nothing', async context => {
  const storage = await openDirectory(context)
  const domain = address('x@почта.рф').domain
  await addDomain(storage, domain)
  const passwordHash = await hashPassword('пароль и пробел', systemRandom)
  const anna = address('anna@почта.рф')
  const { id } = await storage.run(createAccount, {
    address: anna,
    name: '',
    passwordHash,
    language: 'ru',
    enabled: true,
    at,
  })
  const proof = { kind: 'password', mark: markOf(passwordHash) }
  const proven = { id, address: `anna@${domain}`, language: 'ru', proof }
  for (const name of ['anna@почта.рф', 'ANNA@ПОЧТА.РФ', `anna@${domain}`]) {
    assert.deepEqual(await authenticate(storage, name, 'пароль и пробел'), proven)
  }
  const wrong = [
    ['anna@почта.рф', 'пароль и пробел '],
    ['anna@почта.рф', ''],
    ['anna@почта.рф', 'x'.repeat(5000)],
    ['anna', 'пароль и пробел'],
    ['anna+x@почта.рф', 'пароль и пробел'],
    ['boris@почта.рф', 'пароль и пробел'],
    ['', ''],
    ['\0', '\0'],
  ] as const
  for (const [name, password] of wrong)
    assert.equal(await authenticate(storage, name, password), undefined, JSON.stringify(name))
  await storage.run(changeAccount, { address: anna, enabled: false })
  assert.equal(await authenticate(storage, 'anna@почта.рф', 'пароль и пробел'), undefined)
  const newHash = await hashPassword('new', systemRandom)
  await storage.run(changeAccount, { address: anna, enabled: true, passwordHash: newHash })
  assert.equal(await authenticate(storage, 'anna@почта.рф', 'пароль и пробел'), undefined)
  assert.deepEqual(await authenticate(storage, 'anna@почта.рф', 'new'), {
    ...proven,
    proof: { ...proof, mark: markOf(newHash) },
  })
  await storage.run(removeAccount, { address: anna, withContents: true })
  assert.equal(await authenticate(storage, 'anna@почта.рф', 'new'), undefined)
})

test('a composed and a decomposed password are the same one', async () => {
  const hash = await hashPassword('\u0439', systemRandom)
  assert.ok(await verifyPassword(hash, '\u0438\u0306'))
})

test('the same password has another hash each time, in PHC form', async () => {
  const [one, two] = await Promise.all([
    hashPassword('same', systemRandom),
    hashPassword('same', systemRandom),
  ])
  assert.notEqual(one, two)
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.ok(await verifyPassword(one, 'same'))
})

test('hashes that are not Argon2id, or would cost a gigabyte, are none', () => {
  assert.ok(isPasswordHash(noPassword))
  const bad = [
    '',
    'secret',
    '$6$salt$hash',
    noPassword.replace('argon2id', 'argon2i'),
    noPassword.replace('v=19', 'v=16'),
    noPassword.replace('m=19456', 'm=99999999'),
    noPassword.replace('m=19456', 'm=4'),
    noPassword.replace('t=2', 't=0'),
    noPassword.replace('p=1', 'p=1,x=1'),
    `${noPassword}$`,
    noPassword.slice(0, -30),
    noPassword.replace('AAA', '!!!'),
  ]
  for (const text of bad) assert.ok(!isPasswordHash(text), text)
})

test('generated passwords are readable and differ', () => {
  const passwords = new Set(Array.from({ length: 100 }, () => generatePassword(systemRandom)))
  assert.equal(passwords.size, 100)
  for (const password of passwords) assert.match(password, /^([a-km-np-z2-9]{4}-){3}[a-km-np-z2-9]{4}$/)
})
