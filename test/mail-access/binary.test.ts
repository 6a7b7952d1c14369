// Messages with octets that are no text (RFC 3516): kept as they came, told without their encoding, and never with NUL in a literal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FetchAttribute } from '../../src/imap/grammar/commands/fetch.ts'
import { isRefusal, type SelectedMailbox } from '../../src/imap/server/mailbox-services.ts'
import { fileMessage } from '../../src/mailbox/file-message.ts'
import type { StoredMailData } from '../../src/storage/mail-data.ts'
import { insertMailData } from '../../src/storage/mail-data-rows.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { appendParts, openAccount, ranges, readOctets } from './open-account.ts'

const octets = '\0-\xe4\n\r\n\n'
const header = 'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n'
const body = (part: readonly number[], kind: 'all' | 'HEADER' | 'TEXT' = 'all'): FetchAttribute => ({
  kind: 'BODY[]',
  section: { part, text: { kind } },
  partial: undefined,
  peek: true,
})
const binary = (part: readonly number[], partial?: { offset: number; length: number }): FetchAttribute => ({
  kind: 'BINARY[]',
  part,
  partial,
  peek: true,
})

/** Sizes as text, octets in latin1: an answer for each attribute. */
async function told(mailbox: SelectedMailbox, ...attributes: readonly FetchAttribute[]): Promise<string[]> {
  const lines: string[] = []
  const set = ranges({ first: '*', last: '*' })
  const request = { by: 'sequence', set, changedSince: undefined, vanished: false, page: undefined } as const
  for await (const batch of mailbox.fetch({ ...request, attributes }))
    for (const { items } of batch)
      for (const item of items) {
        if ('octets' in item)
          lines.push(item.octets ? (await readOctets(item.octets)).toString('latin1') : 'NIL')
        else if ('size' in item) lines.push(String(item.size))
        else if ('value' in item) lines.push(String(item.value))
      }
  mailbox.release()
  return lines
}

test('a literal8 keeps its octets, in base64 for who asks for the body', async t => {
  const account = await openAccount(t)
  assert.equal(await appendParts(account.mailboxes, [{ octets: `${header}\r\n${octets}` }]), undefined)
  const [size, decoded, part, encoded, whole] = await told(
    await account.select(),
    { kind: 'BINARY.SIZE[]', part: [1] },
    binary([1]),
    binary([1], { offset: 1, length: 3 }),
    body([1]),
    body([]),
  )
  assert.equal(size, '7')
  assert.equal(decoded, octets)
  assert.equal(part, octets.slice(1, 4))
  assert.equal(encoded, Buffer.from(octets, 'latin1').toString('base64'))
  assert.match(whole ?? '', /Content-Transfer-Encoding: base64\r\n\r\n/)
  // What a literal8 has of text stays text.
  await appendParts(account.mailboxes, [{ octets: 'Content-Transfer-Encoding: 8bit\r\n\r\n\xe4\r\n' }])
  assert.deepEqual(await told(await account.select(), body([1])), ['\xe4\r\n'])
  await appendParts(account.mailboxes, [{ octets: 'Subject: LF\r\n\r\none\ntwo\r\n' }])
  assert.deepEqual(await told(await account.select(), binary([1])), ['one\ntwo\r\n'])
  // A literal is mended, as before.
  await appendParts(account.mailboxes, ['Subject: LF\n\none\ntwo\n'])
  assert.deepEqual(await told(await account.select(), body([], 'TEXT')), ['one\r\ntwo\r\n'])
})

test('parts of both kinds, in pieces', async t => {
  const account = await openAccount(t)
  await appendParts(account.mailboxes, [
    'Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n',
    { octets: `${header}\r\none\r` },
    { octets: '\n\0two\r\n' },
    '--b--\n',
  ])
  const [first, second, encoded] = await told(await account.select(), body([1]), binary([2]), body([2]))
  assert.equal(first, 'text')
  assert.equal(second, 'one\r\n\0two')
  assert.equal(encoded, Buffer.from('one\r\n\0two').toString('base64'))
})

test('NUL that cannot be encoded is refused', async t => {
  const account = await openAccount(t)
  for (const text of [
    'Subject: \0\r\n\r\ntext\r\n',
    'Content-Type: multipart/mixed; boundary=b\r\n\r\n\0\r\n--b\r\n\r\ntext\r\n--b--\r\n',
    `Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n${header}\r\n\0\r\n--b--\r\n`,
  ]) {
    const refusal = await appendParts(account.mailboxes, [{ octets: text }])
    assert.match(refusal?.refused ?? '', /There is NUL/)
    assert.ok(isRefusal(refusal))
  }
  // A line end that stands alone in what is signed is no reason to lose it.
  const signed = 'Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\none\ntwo\r\n--b--\r\n'
  assert.equal(await appendParts(account.mailboxes, [{ octets: signed }]), undefined)
  assert.deepEqual(await told(await account.select(), body([])), [signed])
})

test('BINARY[] is the whole message, its parts decoded, which their header sections say', async t => {
  const account = await openAccount(t)
  const text = [
    'Content-Type: multipart/mixed; boundary=b',
    '',
    'preamble',
    '--b',
    'Content-Transfer-Encoding: base64',
    'Content-Type: text/plain',
    '',
    'aGVs',
    'bG8=',
    '--b',
    'Content-Type: message/rfc822',
    '',
    'Subject: inner',
    'Content-Transfer-Encoding:',
    ' quoted-printable',
    '',
    'a=3Db=',
    'c',
    '--b--',
    'epilogue',
    '',
  ].join('\r\n')
  await account.append(text)
  const inner = 'Subject: inner\r\nContent-Transfer-Encoding: binary\r\n\r\na=bc'
  const whole = text
    .replace('base64', 'binary')
    .replace('aGVs\r\nbG8=', 'hello')
    .replace(/Subject: inner[^]*\r\nc/, inner)
  const [told1, size, part, size2, cut] = await told(
    await account.select(),
    binary([]),
    { kind: 'BINARY.SIZE[]', part: [] },
    binary([2]),
    { kind: 'BINARY.SIZE[]', part: [2] },
    binary([], { offset: 10, length: 20 }),
  )
  assert.equal(told1, whole)
  assert.equal(size, String(whole.length))
  assert.equal(part, inner)
  assert.equal(size2, String(inner.length))
  assert.equal(cut, whole.slice(10, 30))
  await account.append('Subject: x\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n')
  assert.deepEqual(await told(await account.select(), binary([])), [
    'Subject: x\r\nContent-Transfer-Encoding: binary\r\n\r\nhello',
  ])
})

const storeAndFile = defineWrite(
  'test.store-and-file',
  async (tx, { id, mailData }: { readonly id: number; readonly mailData: StoredMailData }) => {
    await insertMailData(tx, id, mailData)
    const traceFields = 'Return-Path: <>\r\n'
    await fileMessage(tx, { accountId: 1, mailbox: 'INBOX', traceFields, queueId: id, receivedAt: 0 })
  },
)

test('what is in a mailbox with NUL, as it came by SMTP, has none in a literal, and is as long as it says', async t => {
  const account = await openAccount(t)
  const { storage, mailData } = account.parts
  const writer = mailData.create()
  await writer.write(Buffer.from(`Subject: \0\r\n${header}\r\n${octets}`, 'latin1'))
  await storage.run(storeAndFile, { id: 77, mailData: await writer.finish() })
  const [size, whole, text, headerSection, decoded] = await told(
    await account.select(),
    { kind: 'RFC822.SIZE' },
    body([]),
    body([], 'TEXT'),
    body([], 'HEADER'),
    binary([1]),
  )
  const shown = octets.replace('\0', '\x80')
  assert.equal(whole, `Return-Path: <>\r\nSubject: \x80\r\n${header}\r\n${shown}`)
  assert.equal(size, String(whole.length))
  assert.equal(text, shown)
  assert.equal(headerSection, `Return-Path: <>\r\nSubject: \x80\r\n${header}\r\n`)
  assert.equal(decoded, octets)
})

test('an encoding that nobody knows is said to be one', async t => {
  const account = await openAccount(t)
  await account.append('Content-Transfer-Encoding: x-own\r\n\r\ntext\r\n')
  const mailbox = await account.select()
  const set = ranges({ first: 1, last: 1 })
  const request = { by: 'sequence', set, changedSince: undefined, vanished: false, page: undefined } as const
  const attributes = [binary([1]), { kind: 'BINARY.SIZE[]', part: [1] }] as const
  for await (const [message] of mailbox.fetch({ ...request, attributes }))
    for (const item of message?.items ?? []) {
      assert.ok('isUndecodable' in item && item.isUndecodable)
      if ('octets' in item) assert.equal(item.octets, null)
    }
})
