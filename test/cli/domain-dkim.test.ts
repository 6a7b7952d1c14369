// `postrider domain dkim` and `postrider domain dns`: the keys of a domain, and the records that it needs.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startDnsServer } from '../harness/dns-server.ts'
import { makeServerFolder, runHere, succeed, succeedJson } from './run-postrider.ts'

interface ListedKey {
  readonly selector: string
  readonly algorithm: string
  readonly state: string
  readonly signs: boolean
  readonly inDns: string | null
}

interface ListedRecord {
  readonly name: string
  readonly type: string
  readonly value: string
  readonly publish: string
}

async function start(context: TestContext) {
  const folder = makeServerFolder(remove => context.after(remove))
  const dns = await startDnsServer([])
  context.after(() => dns.close())
  appendFileSync(join(folder, 'postrider.toml'), `[delivery]\ndnsServers = ["${dns.text}"]\n`)
  await succeed(folder, 'domain', 'create', 'example.test')
  const keys = async (...parameters: string[]): Promise<readonly ListedKey[]> =>
    ((await succeedJson(folder, 'domain', 'dkim', 'example.test', ...parameters)) as { keys: ListedKey[] })
      .keys
  const states = async (...parameters: string[]): Promise<string[]> =>
    (await keys(...parameters))
      .map(
        ({ algorithm, state, signs, inDns }) =>
          `${algorithm} ${state} ${signs ? 'signs' : '-'} ${inDns ?? '-'}`,
      )
      .toSorted()
  return { folder, dns, keys, states }
}

test('a new domain has keys at once, which sign as soon as the records that are printed are in the DNS', async context => {
  const { folder, dns, states } = await start(context)
  assert.deepEqual(await states(), ['ed25519 next - -', 'rsa next - -'])
  const told = await succeed(folder, 'domain', 'dkim', 'example.test', '--check')
  assert.match(told, /Mail from example\.test is not signed/)
  assert.match(told, /to be published +\S+ \S+.* +no \(/)
  const records = (await succeedJson(folder, 'domain', 'dns', 'example.test')) as ListedRecord[]
  const ofKeys = records.filter(({ name }) => name.includes('._domainkey.'))
  assert.equal(ofKeys.length, 2)
  dns.setZone(ofKeys.map(({ name, value }) => `${name} TXT ${value.replaceAll(/" "|^"|"$/g, '')}`))
  assert.deepEqual(await states('--check'), ['ed25519 active signs right', 'rsa active signs right'])
  assert.match(
    await succeed(folder, 'domain', 'dkim', 'example.test'),
    /Mail from example\.test is signed with pr\d{6}[er] and pr\d{6}[er]\./,
  )
})

test('keys are replaced when somebody says so, and revoked', async context => {
  const { keys, states, folder } = await start(context)
  const [first] = await keys()
  assert.ok(first)
  await keys('--revoke', first.selector)
  assert.ok((await states()).some(state => state.includes('revoked')))
  const again = await runHere(folder, ['domain', 'dkim', 'example.test', '--revoke', first.selector])
  assert.notEqual(again.exitCode, 0)
  assert.match(again.stderr, /no key with the selector/)
  // Each kind has one that waits, however often somebody asks.
  await keys('--rotate')
  await keys('--rotate')
  assert.deepEqual(
    await states(),
    [`${first.algorithm} revoked - -`, 'ed25519 next - -', 'rsa next - -'].toSorted(),
  )
})

test('a key of another server is brought along, and signs as soon as its record is seen; nobody sees it again', async context => {
  const { folder, dns, keys, states } = await start(context)
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' })
  writeFileSync(join(folder, 'old.pem'), pem)
  const published = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  dns.setZone([`mail2024._domainkey.example.test TXT v=DKIM1; p=${published}`])
  assert.deepEqual(await states('--import', 'old.pem', '--selector', 'mail2024'), [
    'ed25519 next - missing',
    'rsa active signs right',
  ])
  assert.equal((await keys()).find(({ state }) => state === 'active')?.selector, 'mail2024')
  const shown = [
    await succeed(folder, 'domain', 'dkim', 'example.test'),
    JSON.stringify(await keys()),
    await succeed(folder, 'domain', 'dns', 'example.test'),
    await succeed(folder, 'export'),
  ].join('\n')
  for (const line of pem.split('\n').slice(1, -2))
    assert.ok(!shown.includes(line.slice(0, 40)) || published.includes(line.slice(0, 40)))
  const twice = await runHere(folder, [
    'domain',
    'dkim',
    'example.test',
    '--import',
    'old.pem',
    '--selector',
    'mail2024',
  ])
  assert.match(twice.stderr, /selector mail2024 already/)
  const none = await runHere(folder, [
    'domain',
    'dkim',
    'example.test',
    '--import',
    'none.pem',
    '--selector',
    'a',
  ])
  assert.match(none.stderr, /no such file/)
  const alone = await runHere(folder, ['domain', 'dkim', 'example.test', '--import', 'old.pem'])
  assert.match(alone.stderr, /--import and --selector go together/)
})

test('a domain that is none of this server has no keys and no records', async context => {
  const { folder } = await start(context)
  for (const what of ['dkim', 'dns']) {
    const { exitCode, stderr } = await runHere(folder, ['domain', what, 'example.org'])
    assert.notEqual(exitCode, 0)
    assert.match(stderr, /example\.org/)
  }
})

// From the 101st domain on nothing said that the hosts in its records have no certificate.
test('the records of a domain for whose hosts the authority is asked for nothing say so', async context => {
  const { folder } = await start(context)
  appendFileSync(join(folder, 'postrider.toml'), '[tls.acme]\nagreeToTerms = true\n[mtaSts]\n[autoconfig]\n')
  const names = ['', ...Array.from({ length: 100 }, (_, n) => `d${100 + n}.`)].map(
    sub => `${sub}example.test`,
  )
  writeFileSync(join(folder, 'directory.toml'), names.map(name => `[[domain]]\nname = "${name}"\n`).join(''))
  await succeed(folder, 'apply', 'directory.toml', '--yes')
  assert.doesNotMatch(await succeed(folder, 'domain', 'dns', 'd198.example.test'), /CERTIFICATE/)
  const told = (await succeed(folder, 'domain', 'dns', 'd199.example.test')).replaceAll('\n; ', ' ')
  assert.match(
    told,
    /CERTIFICATE: for mta-sts\.d199\.example\.test, autoconfig\.d199\.example\.test, autodiscover\.d199\.example\.test this server has none/,
  )
})

test('no record leads the world to a listener that only this machine reaches', async context => {
  const { folder } = await start(context)
  const listeners = [
    ['relay', '0.0.0.0', 25],
    ['submissions', '0.0.0.0', 465],
    ['submission', '127.0.0.1', 587],
    ['imaps', '192.0.2.9', 993],
    ['imap', '::1', 143],
  ].map(
    ([role, address, port]) => `[[listeners]]\nrole = "${role}"\naddress = "${address}"\nport = ${port}\n`,
  )
  appendFileSync(join(folder, 'postrider.toml'), listeners.join(''))
  const zone = await succeed(folder, 'domain', 'dns', 'example.test', '--public-address', '192.0.2.9')
  assert.deepEqual(
    [...zone.matchAll(/^(_\w+)\._tcp.* SRV /gm)].map(([, label]) => label),
    ['_submissions', '_imaps'],
  )
})

test('the records have the addresses that are named, and the key of the certificate in use', async context => {
  const { folder } = await start(context)
  const zone = await succeed(folder, 'domain', 'dns', 'example.test', '--public-address', '192.0.2.9')
  assert.match(zone, /^mail\.example\.test\. 3600 IN A 192\.0\.2\.9$/m)
  assert.match(zone, /^_submission\._tcp\.example\.test\. 3600 IN SRV 0 1 587 mail\.example\.test\.$/m)
  assert.doesNotMatch(zone, /TLSA/)
  assert.ok(readFileSync(join(folder, 'postrider.toml'), 'utf8').includes('hostname'))
})
