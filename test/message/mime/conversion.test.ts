// What becomes of a message for servers that take less, as its reader sees it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import PostalMime from 'postal-mime'
import { MessageConverter } from '../../../src/message/mime/message-converter.ts'
import { ConversionPlanner } from '../../../src/message/mime/plan-conversion.ts'
import { convert, convertText, sevenBit, shortLines } from './convert.ts'

const lines = (...all: string[]): string => all.map(one => `${one}\r\n`).join('')

async function read(message: Buffer | string) {
  const converted = convert(message)
  assert.ok(typeof converted !== 'string', String(converted))
  assert.doesNotMatch(converted.toString('latin1'), /[\x80-\xff]/)
  return await PostalMime.parse(converted)
}

test('8-bit text becomes quoted-printable, and its field says so', () => {
  const message = lines(
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    'Subject: x',
    '',
    'привет',
    'a=b ',
  )
  assert.equal(
    convertText(message),
    lines(
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Subject: x',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      '=D0=BF=D1=80=D0=B8=D0=B2=D0=B5=D1=82',
      'a=3Db=20',
    ),
  )
})

test('text that said nothing of itself gets a version, a charset and an encoding', () => {
  assert.equal(
    convertText(lines('Subject: x', '', 'привет')),
    lines(
      'Subject: x',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      '=D0=BF=D1=80=D0=B8=D0=B2=D0=B5=D1=82',
    ),
  )
  const koi8 = Buffer.concat([
    Buffer.from('Subject: x\r\n\r\n'),
    Buffer.from([0xd0, 0xd2, 0xc9]),
    Buffer.from('\r\n'),
  ])
  assert.match(convert(koi8).toString('latin1'), /charset=unknown-8bit[^]*=D0=D2=C9/)
})

test('only the parts that need it are changed', () => {
  const message = lines(
    'Content-Type: multipart/mixed; boundary=b',
    'Content-Transfer-Encoding: 8bit',
    '',
    'préambule',
    '--b',
    'Content-Type: text/plain',
    '',
    'plain = text',
    '--b',
    'Content-Type: image/png',
    'Content-Transfer-Encoding: 8bit',
    '',
    'é',
    '--b--',
    'épilogue',
  )
  assert.equal(
    convertText(message),
    lines(
      'Content-Type: multipart/mixed; boundary=b',
      'MIME-Version: 1.0',
      'Content-Transfer-Encoding: 7bit',
      '',
      'pr??ambule',
      '--b',
      'Content-Type: text/plain',
      '',
      'plain = text',
      '--b',
      'Content-Type: image/png',
      'Content-Transfer-Encoding: base64',
      '',
      'w6k=',
      '--b--',
      '??pilogue',
    ),
  )
})

test('what is encoded already is mended, not encoded again', () => {
  const part = (encoding: string, content: string): string =>
    convertText(lines('Content-Type: text/plain', `Content-Transfer-Encoding: ${encoding}`, '', content))
  assert.match(part('quoted-printable', 'a=3Db é=\r\nc'), /\r\n\r\na=3Db =C3=A9=\r\nc\r\n$/)
  const long = '=41'.repeat(400)
  const mended = part('quoted-printable', long)
  assert.equal(mended.split('\r\n\r\n')[1]?.replaceAll('=\r\n', ''), `${long}\r\n`)
  assert.ok(mended.split('\r\n').every(one => one.length <= 76))
  assert.match(part('base64', `w6k=\r\né`), /\r\n\r\nw6k=$/)
})

test('what nobody knows how to decode cannot be converted', () => {
  assert.equal(
    convertText(lines('Content-Type: text/plain', 'Content-Transfer-Encoding: x-uuencode', '', 'é')),
    'unreadable',
  )
  assert.equal(convertText(lines('Content-Type: multipart/mixed', '', 'é')), 'unreadable')
})

const signed = (content: string): string =>
  lines(
    'Content-Type: multipart/signed; boundary=s; protocol="application/pgp-signature"',
    '',
    '--s',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    content,
    '--s',
    'Content-Type: application/pgp-signature',
    '',
    'signature',
    '--s--',
  )

test('what is signed is not touched: it cannot be converted when it has to be, and else it stays as it is', () => {
  assert.equal(convertText(signed('привет')), 'signed')
  assert.equal(convertText(signed('hello')), signed('hello'))
  const long = signed('x'.repeat(1500))
  assert.equal(convertText(long, shortLines), long)
})

test('a message that is signed by DKIM is converted: who verifies it treats it as one that is not', () => {
  const message = lines('DKIM-Signature: v=1; d=example.test; b=abc', 'Subject: x', '', 'привет')
  assert.match(convertText(message), /^DKIM-Signature: v=1; d=example.test; b=abc\r\n[^]*=D0=BF/)
})

test('names and subjects become encoded words, domains A-labels, names of files parameters that everybody reads', async () => {
  const email = await read(
    lines(
      'From: Анна Иванова <anna@пример.рф>',
      'To: "Борис, младший" <boris@example.org>, clara@пример.рф (Клара), plain@example.org',
      'Cc: Друзья: Дора <dora@example.org>, ella@example.org;',
      'Subject: Счёт за электричество и воду, который надо оплатить до конца этого месяца',
      'Message-ID: <пример@example.org>',
      'Received: from client by mail.example.test for <борис@example.test>;',
      '\tMon, 5 Jan 2026 10:00:00 +0000',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
      '',
      'привет',
      '--b',
      'Content-Type: application/pdf',
      'Content-Disposition: attachment; filename="Счёт; за электричество и воду за январь.pdf"',
      '',
      'x',
      '--b--',
    ),
  )
  assert.deepEqual(email.from, { name: 'Анна Иванова', address: 'anna@xn--e1afmkfd.xn--p1ai' })
  assert.deepEqual(
    email.to?.map(({ name, address }) => [name, address]),
    [
      ['Борис, младший', 'boris@example.org'],
      ['Клара', 'clara@xn--e1afmkfd.xn--p1ai'],
      ['', 'plain@example.org'],
    ],
  )
  assert.equal(email.cc?.[0]?.name, 'Друзья')
  assert.equal(email.subject, 'Счёт за электричество и воду, который надо оплатить до конца этого месяца')
  assert.equal(email.messageId, '<%D0%BF%D1%80%D0%B8%D0%BC%D0%B5%D1%80@example.org>')
  assert.equal(email.text?.trim(), 'привет')
  assert.equal(email.attachments[0]?.filename, 'Счёт; за электричество и воду за январь.pdf')
  const received = email.headers.find(({ key }) => key === 'received')?.value
  assert.equal(received, 'from client by mail.example.test;\tMon, 5 Jan 2026 10:00:00 +0000')
})

test('an address in the header section that needs UTF-8 cannot be written in ASCII', () => {
  assert.equal(convertText(lines('From: анна@example.test', '', 'x')), 'address')
  assert.equal(convertText(lines('To: A <анна@example.test>', '', 'x')), 'address')
})

test('header lines that are too long are folded at blanks, and say the same', () => {
  const words = Array.from({ length: 300 }, (_, n) => `<${n}@example.org>`).join(' ')
  const converted = convertText(lines(`References: ${words}`, 'Subject: x', '', 'text'), shortLines)
  assert.ok(converted.split('\r\n').every(one => one.length <= 78))
  assert.equal(converted.split('\r\nSubject')[0]?.replaceAll('\r\n ', ' '), `References: ${words}`)
})

test('header lines in UTF-8 that are too long are folded too, within no character', () => {
  const words = Array.from({ length: 300 }, (_, n) => `Р${n}`).join(' ')
  // Of two octets each, which begin at an odd place.
  const word = `x${'Р'.repeat(1500)}`
  const message = lines(`Subject: ${words} Р`, `X-Word: ${word}`, '', 'text')
  const converted = convert(message, shortLines).toString()
  for (const one of converted.split('\r\n')) assert.ok(Buffer.byteLength(one) <= 998)
  const [subject = '', rest = ''] = converted.split('\r\nX-Word: ')
  assert.equal(subject.replaceAll('\r\n ', ' '), `Subject: ${words} Р`)
  assert.equal(rest.split('\r\n\r\n')[0]?.replaceAll('\r\n ', ''), word)
})

test('a long message goes through in little memory: it comes out as it goes in', () => {
  const planner = new ConversionPlanner(sevenBit)
  const head = Buffer.from('Content-Type: application/pdf\r\nContent-Transfer-Encoding: binary\r\n\r\n')
  const piece = Buffer.alloc(65_536, 0xe9)
  const count = 400
  planner.take(head)
  for (let n = 0; n < count; n++) planner.take(piece)
  const converter = new MessageConverter(planner.finish())
  converter.take(head)
  let out = 0
  for (let n = 1; n <= count; n++) {
    const sizes = converter.take(piece).map(one => one.length)
    out += sizes.reduce((sum, size) => sum + size, 0)
    assert.ok(out >= (n * piece.length * 4) / 3 - 200, `only ${out} bytes out of ${n} pieces`)
    assert.ok(sizes.every(size => size < 2 * piece.length))
  }
})
