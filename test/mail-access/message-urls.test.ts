// URLs of messages: what CATENATE puts together of them (RFC 4469), and who sees them with a token (RFC 4467, RFC 5524).
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { createAccount } from '../../src/directory/accounts.ts'
import { createDomain } from '../../src/directory/domains.ts'
import { isRefusal } from '../../src/imap/server/mailbox-services.ts'
import type { AccountMailboxes } from '../../src/mail-access/account-mailboxes.ts'
import { MessageUrls } from '../../src/mail-access/message-urls.ts'
import { defineRead, defineWrite } from '../../src/storage/operation.ts'
import { appendParts, fetch, openAccount, ranges, readOctets, type TestAccount } from './open-account.ts'

const passwordHash = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
const message = 'From: anna@example.test\r\nSubject: one\r\n\r\nHello\r\n'
const attached = [
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: application/pdf',
  'Content-Transfer-Encoding: base64',
  '',
  'aGVs',
  'bG8=',
  '--b',
  'Content-Transfer-Encoding: x-own',
  '',
  'none',
  '--b--',
  '',
].join('\r\n')

async function textOf(account: TestAccount, uid: number): Promise<string> {
  const mailbox = await account.select('INBOX', account.openAgain())
  const whole = { part: [], text: { kind: 'all' } } as const
  const [line] = await fetch(mailbox, [{ kind: 'BODY[]', section: whole, partial: undefined, peek: true }], {
    by: 'uid',
    set: ranges({ first: uid, last: uid }),
  })
  mailbox.release()
  return /\{[0-9]+\}\r\n([^]*)\)$/.exec(line ?? '')?.[1] ?? ''
}

/** anna@example.test is account 1, boris@example.test account 2. */
async function openHouse(t: TestContext): Promise<TestAccount & { readonly boris: AccountMailboxes }> {
  const account = await openAccount(t)
  const { storage, clock } = account.parts
  const at = clock.now()
  await storage.run(createDomain, { name: 'example.test', at })
  for (const name of ['anna', 'boris']) {
    const address = parseAddress(`${name}@example.test`)
    assert.ok(address)
    const input = { address, name, passwordHash, language: 'en', enabled: true, at } as const
    await storage.run(createAccount, input)
  }
  return { ...account, boris: account.openOf(2) }
}

async function authorize(from: AccountMailboxes, url: string): Promise<string> {
  const whole = await from.authorizeUrl(url)
  assert.ok(!isRefusal(whole), url)
  return whole.url
}

async function fetched(by: AccountMailboxes, url: string): Promise<string | undefined> {
  const data = await by.fetchUrl(url, { content: 'BODY', structure: false })
  return data?.content?.octets ? (await readOctets(data.content.octets)).toString() : undefined
}

test('CATENATE puts together what its URLs name, in each spelling', async t => {
  const account = await openHouse(t)
  const { mailboxes } = account
  await account.append(message)
  const uidValidity = (await account.select('INBOX', account.openAgain())).facts.uidValidity
  await mailboxes.create({ mailbox: 'Отчёты/за год; 50%', specialUse: [] })
  await account.append('Subject: two\r\n\r\nReport\r\n', { mailbox: 'Отчёты/за год; 50%' })
  const report = encodeURIComponent('Отчёты/за год; 50%').replaceAll('%2F', '/')
  for (const [uid, url, expected] of [
    [
      2,
      `/INBOX;UIDVALIDITY=${uidValidity}/;UID=1/;SECTION=HEADER`,
      message.slice(0, message.indexOf('Hello')),
    ],
    [3, 'imap://anna@example.test/inbox/;uid=1/;section=text', 'Hello\r\n'],
    [
      4,
      'imap://anna%40example.test;AUTH=*@mail.example.test:143/INBOX/;UID=1/;PARTIAL=6.17',
      'anna@example.test',
    ],
    [
      5,
      'imap://anna@imap.example.test/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(Subject)',
      'Subject: one\r\n\r\n',
    ],
    [6, `/${report}/;UID=1/;SECTION=1`, 'Report\r\n'],
    [7, '/&BB4EQgRHBFEEQgRL-/%26BDcEMA-%20%26BDMEPgQ0-%3B%2050%25/;UID=1/;SECTION=1', 'Report\r\n'],
  ] as const) {
    assert.equal(await appendParts(mailboxes, ['A: b\r\n', { url }]), undefined, url)
    assert.equal(await textOf(account, uid), `A: b\r\n${expected}`, url)
  }
  // Several messages, and octets around a URL.
  const url = '/INBOX/;UID=1/;SECTION=TEXT'
  assert.equal(
    await appendParts(mailboxes, ['A: b\r\n\r\n', { url }, 'end\r\n'], ['C: d\r\n\r\n', { url }]),
    undefined,
  )
  assert.equal(await textOf(account, 8), 'A: b\r\n\r\nHello\r\nend\r\n')
  assert.equal(await textOf(account, 9), 'C: d\r\n\r\nHello\r\n')
})

test('a relative URL is of the mailbox that is selected, while it is', async t => {
  const account = await openHouse(t)
  await account.append(message)
  const relative = [{ url: ';UID=1/;SECTION=TEXT' }]
  const isBad = async () => (await appendParts(account.mailboxes, relative))?.code?.name
  assert.equal(await isBad(), 'BADURL')
  const selected = await account.select()
  assert.equal(await isBad(), undefined)
  selected.release()
  assert.equal(await isBad(), 'BADURL')
})

test('a URL that names nothing ends the command, and nothing of it is kept', async t => {
  const account = await openHouse(t)
  await account.append(message)
  await appendParts(account.boris, [message])
  for (const url of [
    '/INBOX/;UID=2',
    '/INBOX;UIDVALIDITY=12345/;UID=1',
    '/Nowhere/;UID=1',
    '/INBOX/;UID=1/;SECTION=2',
    '/INBOX/;UID=1/;SECTION=1.MIME]',
    '/INBOX',
    '/INBOX/;UID=0',
    '/INBOX/;UID=1;URLAUTH=anonymous',
    '/INBOX/%ff/;UID=1',
    'imap://boris@example.test/INBOX/;UID=1',
    'imap://example.test/INBOX/;UID=1',
    'imap://anna%40example.test@example.org/INBOX/;UID=1',
    'https://example.test/INBOX/;UID=1',
  ]) {
    const refusal = await appendParts(account.mailboxes, ['A: b\r\n\r\n'], ['C: d\r\n', { url }])
    assert.equal(refusal?.code?.name, 'BADURL', url)
    assert.equal(refusal.code.argument?.replaceAll(/"/g, ''), url)
  }
  assert.equal((await account.select()).facts.exists, 1)
  // The message is as large as it may be.
  await account.append(`Subject: large\r\n\r\n${'a'.repeat(20_000)}`)
  assert.equal((await appendParts(account.mailboxes, [{ url: '/INBOX/;UID=2' }]))?.code?.name, 'TOOBIG')
})

test('a token is for whom the URL names, for as long as it says, until the key is another', async t => {
  const account = await openHouse(t)
  const { mailboxes: anna, boris, clock, parts } = account
  await account.append(message)
  const base = 'imap://anna@example.test/INBOX/;UID=1/;SECTION=TEXT'
  const submission = (url: string, accountId: number) =>
    new MessageUrls(parts).open(url, { accountId, as: 'submission' })
  for (const [access, forAnna, forBoris, forBorisSubmitting] of [
    ['anonymous', true, true, true],
    ['authuser', true, true, true],
    ['user+boris', false, true, true],
    ['USER+boris%40example.test', false, true, true],
    ['user+anna@example.test', true, false, false],
    ['submit+boris', false, false, true],
    ['submit+anna', false, false, false],
    ['user+nobody', false, false, false],
  ] as const) {
    const url = await authorize(anna, `${base};URLAUTH=${access}`)
    assert.match(url, /:INTERNAL:01[0-9a-f]{64}$/)
    assert.equal(await fetched(anna, url), forAnna ? 'Hello\r\n' : undefined, access)
    assert.equal(await fetched(boris, url), forBoris ? 'Hello\r\n' : undefined, access)
    assert.equal((await submission(url, 2)) !== undefined, forBorisSubmitting, access)
  }
  const url = await authorize(anna, `${base};URLAUTH=authuser`)
  // Nothing of it can be changed, and the words of the scheme alone may be in another case.
  for (const [part, other] of [
    ['UID=1', 'UID=2'],
    ['SECTION=TEXT', 'SECTION=HEADER'],
    ['authuser', 'anonymous'],
    ['example.test', 'example.test:143'],
    [url.slice(-1), url.endsWith('0') ? '1' : '0'],
  ] as const)
    assert.equal(
      await fetched(boris, url.replace(part === url.slice(-1) ? /.$/ : part, other)),
      undefined,
      other,
    )
  assert.equal(
    await fetched(
      boris,
      url.replace('INTERNAL', 'internal').replace(/[0-9a-f]+$/, hex => hex.toUpperCase()),
    ),
    'Hello\r\n',
  )

  const until = new Date(clock.now() + 60_000).toISOString()
  const passing = await authorize(anna, `${base};EXPIRE=${until};URLAUTH=anonymous`)
  assert.equal(await fetched(boris, passing), 'Hello\r\n')
  clock.advance(60_000)
  assert.equal(await fetched(boris, passing), undefined)
  // CATENATE takes what its user may read.
  assert.equal(await appendParts(boris, ['A: b\r\n\r\n', { url }]), undefined)

  await anna.create({ mailbox: 'Other', specialUse: [] })
  assert.equal(await anna.resetUrlKeys('Other'), undefined)
  assert.equal(await fetched(boris, url), 'Hello\r\n')
  assert.equal(await anna.resetUrlKeys('INBOX'), undefined)
  assert.equal(await fetched(boris, url), undefined)
  const again = await authorize(anna, `${base};URLAUTH=authuser`)
  assert.notEqual(again, url)
  assert.equal(await fetched(boris, again), 'Hello\r\n')
  assert.equal(await anna.resetUrlKeys(undefined), undefined)
  assert.equal(await fetched(boris, again), undefined)
  assert.equal(isRefusal(await anna.resetUrlKeys('Nowhere')), true)
})

test('what a URL names and cannot be read is found damaged before anything of it is told', async t => {
  const account = await openHouse(t)
  const { mailboxes: anna, boris, storage } = account
  const large = message + 'x'.repeat(100_000)
  const open: (() => Promise<unknown>)[] = []
  for (const [index, text] of [message, large].entries()) {
    await account.append(text)
    const url = await authorize(anna, `imap://anna@example.test/INBOX/;UID=${index + 1};URLAUTH=anonymous`)
    assert.equal(await fetched(boris, url), text)
    open.push(async () => await boris.fetchUrl(url, { content: 'BODY', structure: false }))
  }
  const [openSmall, openLarge] = open
  assert.ok(openSmall && openLarge)
  const damaged = { code: 'STORAGE_DAMAGED' }
  const fileOf = defineRead('test.file-of', async tx => {
    return await tx.get<{ file_name: string }>('SELECT file_name FROM mail_data WHERE file_name IS NOT NULL')
  })
  await account.parts.mailData.discard([(await storage.run(fileOf, undefined))?.file_name ?? assert.fail()])
  await assert.rejects(openLarge, damaged)
  await openSmall()
  for (const change of [
    'UPDATE mail_data SET bytes = checksum WHERE file_name IS NULL',
    'DELETE FROM mail_data WHERE file_name IS NULL',
  ]) {
    await storage.run(
      defineWrite('test.damage', async tx => {
        await tx.run(change)
      }),
      undefined,
    )
    await assert.rejects(openSmall, damaged)
  }
})

test('nobody authorizes what is not his, nor what has a token already', async t => {
  const account = await openHouse(t)
  await account.append(message)
  for (const url of [
    'imap://boris@example.test/INBOX/;UID=1;URLAUTH=anonymous',
    'imap://anna@example.org/INBOX/;UID=1;URLAUTH=anonymous',
    'imap://example.test/INBOX/;UID=1;URLAUTH=anonymous',
    'imap://anna@example.test/Nowhere/;UID=1;URLAUTH=anonymous',
    'imap://anna@example.test/INBOX/;UID=1;URLAUTH=everybody',
    'imap://anna@example.test/INBOX/;UID=1;EXPIRE=tomorrow;URLAUTH=anonymous',
    'imap://anna@example.test/INBOX/;UID=1',
    `imap://anna@example.test/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:${'0'.repeat(66)}`,
    '/INBOX/;UID=1;URLAUTH=anonymous',
  ])
    assert.equal(isRefusal(await account.mailboxes.authorizeUrl(url)), true, url)
})

test('BINARY and BODYPARTSTRUCTURE of a URL', async t => {
  const account = await openHouse(t)
  await account.append(attached)
  const url = async (section: string) =>
    await authorize(account.mailboxes, `imap://anna@example.test/INBOX/;UID=1${section};URLAUTH=authuser`)
  const of = async (section: string, content: 'BODY' | 'BINARY' | undefined, structure = true) => {
    const data = await account.mailboxes.fetchUrl(await url(section), { content, structure })
    assert.ok(data)
    const { encoding, body, lines } = data.structure ?? {}
    return {
      structure: body && `${encoding} ${body.end - body.start} ${lines}`,
      octets: data.content?.octets && (await readOctets(data.content.octets)).toString(),
    }
  }
  assert.deepEqual(await of('/;SECTION=1', undefined), { structure: 'base64 10 2', octets: undefined })
  assert.deepEqual(await of('/;SECTION=1', 'BODY'), { structure: 'base64 10 2', octets: 'aGVs\r\nbG8=' })
  assert.deepEqual(await of('/;SECTION=1', 'BINARY'), { structure: '7bit 5 0', octets: 'hello' })
  assert.deepEqual(await of('/;SECTION=1/;PARTIAL=1.3', 'BINARY', false), {
    structure: undefined,
    octets: 'ell',
  })
  // Nobody knows how to read it.
  assert.deepEqual(await of('/;SECTION=2', 'BINARY'), { structure: 'x-own 4 1', octets: null })
  assert.deepEqual(await of('/;SECTION=1.MIME', 'BINARY'), {
    structure: undefined,
    octets: 'Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n',
  })
})
