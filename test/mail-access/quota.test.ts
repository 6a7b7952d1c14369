// What an account may have, as its IMAP sessions meet it (RFC 9208).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAccount } from '../../src/directory/accounts.ts'
import { createDomain } from '../../src/directory/domains.ts'
import { isRefusal } from '../../src/imap/server/mailbox-services.ts'
import { appendTo, openAccount, ranges } from './open-account.ts'

const address = { localPart: 'anna', domain: 'example.test' }
const hash = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b27Ug'
const text = `Subject: Test\r\n\r\n${'x'.repeat(1500)}\r\n`
const usual = { bytes: 4 * 1024, messages: 100 }

async function openLimited(t: Parameters<typeof openAccount>[0], limit = usual) {
  const opened = await openAccount(t, limit)
  const at = opened.clock.now()
  await opened.storage.run(createDomain, { name: 'example.test', at })
  const account = { address, name: '', passwordHash: hash, language: 'en', enabled: true, at } as const
  await opened.storage.run(createAccount, account)
  return opened
}

function codeOf(answer: object | undefined): string | undefined {
  assert.ok(answer && isRefusal(answer))
  return answer.code?.name
}

test('one root tells of all mailboxes; what is used is rounded up, what is allowed down', async t => {
  const account = await openLimited(t)
  await account.append(text)
  const roots = await account.mailboxes.quotaRoots('INBOX')
  assert.deepEqual(roots, [
    {
      name: '',
      resources: [
        { name: 'STORAGE', used: 2, limit: 4 },
        { name: 'MESSAGE', used: 1, limit: 100 },
      ],
    },
  ])
  assert.deepEqual(await account.mailboxes.quotaRoot(''), roots[0])
  assert.equal(codeOf(await account.mailboxes.quotaRoot('other')), 'NONEXISTENT')
})

test('without limits there is no root', async t => {
  const account = await openLimited(t, { bytes: 0, messages: 0 })
  assert.deepEqual(await account.mailboxes.quotaRoots('INBOX'), [])
  assert.equal(codeOf(await account.mailboxes.quotaRoot('')), 'NONEXISTENT')
})

test('APPEND beyond the limit is refused before the octets come, by what is announced', async t => {
  const account = await openLimited(t)
  await account.append(text)
  const target = await account.mailboxes.append('INBOX', undefined)
  assert.ok(!isRefusal(target))
  const message = { flags: [], internalDate: undefined, utf8: false }
  assert.equal(codeOf(await target.begin(message, 10_000)), 'OVERQUOTA')
  // Several in one command are counted together.
  await appendTo(target, text)
  assert.equal(codeOf(await target.begin(message, text.length)), 'OVERQUOTA')
  target.abort()
})

test('what has grown beyond what was announced, or been overtaken, is refused at the end, and nothing of it is kept', async t => {
  const account = await openLimited(t)
  const target = await account.mailboxes.append('INBOX', undefined)
  assert.ok(!isRefusal(target))
  await appendTo(target, text)
  await account.append(text)
  await account.append(text)
  assert.equal(codeOf(await target.commit()), 'OVERQUOTA')
  assert.equal((await account.select()).facts.exists, 2)
})

test('COPY beyond the limit is refused; MOVE is not', async t => {
  const account = await openLimited(t)
  await account.append(text)
  await account.append(text)
  const inbox = await account.select()
  const request = { by: 'sequence', set: ranges({ first: 1, last: '*' }), mailbox: 'Archive' } as const
  assert.equal(codeOf(await inbox.copy({ ...request, verb: 'COPY' })), 'OVERQUOTA')
  assert.ok(!isRefusal(await inbox.copy({ ...request, verb: 'MOVE' })))
  assert.deepEqual(await account.mailboxes.status('Archive', ['MESSAGES']), new Map([['MESSAGES', 2]]))
})

test('STATUS tells how much room an expunge would make', async t => {
  const account = await openLimited(t)
  await account.append(text, { flags: ['\\Deleted'] })
  await account.append('Subject: Kept\r\n\r\n')
  assert.deepEqual(
    await account.mailboxes.status('INBOX', ['DELETED', 'DELETED-STORAGE']),
    new Map([
      ['DELETED', 1],
      ['DELETED-STORAGE', text.length],
    ]),
  )
})
