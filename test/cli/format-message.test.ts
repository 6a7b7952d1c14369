// What a person sees of a message on a terminal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMessage } from '../../src/cli/format-message.ts'

const lines = (...text: readonly string[]): Buffer => Buffer.from(text.join('\r\n'), 'latin1')

test('parts, transfer encodings and character sets are decoded, attachments named', async () => {
  const koi8 = Buffer.from([0xf0, 0xd2, 0xc9, 0xd7, 0xc5, 0xd4]).toString('base64')
  const message = lines(
    'From: =?utf-8?B?0JDQvdC90LA=?=',
    ' <anna@xn--e1afmkfd.xn--p1ai>',
    'Subject: =?utf-8?Q?=D0=BC=D0=B8=D1=80?=',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=koi8-r',
    'Content-Transfer-Encoding: base64',
    '',
    koi8,
    '--b',
    'Content-Type: application/pdf',
    'Content-Disposition: attachment; filename=a.pdf',
    'Content-Transfer-Encoding: base64',
    '',
    'AAAA',
    '--b--',
    '',
  )
  assert.equal(
    await formatMessage(message),
    'From: Анна <anna@пример.рф>\nSubject: мир\nContent-Type: multipart/mixed; boundary=b\n\nПривет\n\n' +
      '[Attachment: a.pdf, application/pdf, 3 B]',
  )
})

test('of HTML alone the source is shown, of nothing nothing', async () => {
  const html = lines(
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '<p>a=3Db</p>',
  )
  assert.match((await formatMessage(html)) ?? '', /\n\n<p>a=b<\/p>$/)
  assert.equal(await formatMessage(lines('Subject: x', '', '')), 'Subject: x\n')
})

test('what is nested beyond sense is not decoded', async () => {
  const nested = Array.from({ length: 500 }, (_, depth) => [
    `Content-Type: multipart/mixed; boundary=b${depth}`,
    '',
    `--b${depth}`,
  ]).flat()
  assert.equal(await formatMessage(lines(...nested, '')), undefined)
})
