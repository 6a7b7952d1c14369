// What a person sees of a message on a terminal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMessage, formatTerminalText } from '../../src/cli/format-message.ts'

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

test('text that no empty line parts from the header section is not lost', async () => {
  assert.equal(await formatMessage(lines('Hello', 'there', '')), undefined)
  assert.equal(await formatMessage(lines('Received: from x', 'Hello', 'there', '')), undefined)
  assert.equal(await formatMessage(lines('Not a field', 'Subject: x', '', 'Text')), undefined)
})

test('a terminal shows a message decoded, and says where it was cut', async () => {
  const text = (body: string): string =>
    `Subject: =?utf-8?Q?=D0=BC=D0=B8=D1=80?=\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n${body}`
  const fields = 'Subject: мир\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64'
  const body = Buffer.from('Привет, мир').toString('base64')
  assert.equal(await formatTerminalText(text(`${body}\n`)), `${fields}\n\nПривет, мир`)
  assert.equal(await formatTerminalText(text(`${body.slice(0, 16)}\n…`)), `${fields}\n\nПривет\n…`)
  assert.equal(await formatTerminalText('Hello\nagain'), 'Hello\nagain')
  assert.equal(
    await formatTerminalText('Content-Type: text/plain; charset=koi8-r\n\n\ufffd\ufffd abc\n'),
    'Content-Type: text/plain; charset=koi8-r\n\n?? abc',
    'no letters that nobody wrote',
  )
})

test('a header field is one line, whatever is encoded in it', async () => {
  const shown = await formatMessage(lines('Subject: =?utf-8?Q?x=0AFrom:_boss@bank.test?=', '', 'Text'))
  assert.equal(shown, 'Subject: x From: boss@bank.test\n\nText')
})
