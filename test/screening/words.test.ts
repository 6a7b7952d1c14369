// What the statistical filter sees of a message: however it is encoded, and however a stranger hides it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { numberOf, WordCollector } from '../../src/screening/words.ts'

function wordsOf(message: string | Buffer, step = 7): ReadonlySet<number> {
  const bytes = Buffer.from(message)
  const collector = new WordCollector()
  for (let from = 0; from < bytes.length; from += step) collector.take(bytes.subarray(from, from + step))
  return new Set(collector.finish())
}

function has(words: ReadonlySet<number>, ...wanted: readonly string[]): void {
  for (const word of wanted) assert.ok(words.has(numberOf(word)), word)
}

function lacks(words: ReadonlySet<number>, ...unwanted: readonly string[]): void {
  for (const word of unwanted) assert.ok(!words.has(numberOf(word)), word)
}

function message(fields: readonly string[], body: string): string {
  return `${fields.join('\r\n')}\r\n\r\n${body}`
}

test('words, pairs of words, and the fields that tell something', () => {
  const words = wordsOf(
    message(
      [
        'From: Cheap Pills <offer@shop.pills.example>',
        'Subject: =?utf-8?B?0JTQtdGI0ZHQstGL0LU=?= pills',
        'List-Unsubscribe: <mailto:x@y.example>',
      ],
      'Buy CHEAP pills at http://deal.shop.example/now today, 1000 of them.\r\n',
    ),
  )
  has(words, 'cheap', 'pills', 'cheap pills', 'link:deal.shop.example', 'link:shop.example')
  has(words, 'from:shop.pills.example', 'from:pills.example', 'subject*дешёвые', 'has:list-unsubscribe')
  lacks(words, '1000', 'at', 'subject*cheap')
})

test('base64, quoted-printable and another character set hide nothing', () => {
  const text = 'Срочно переведите деньги'
  const koi8 = Buffer.from([0xd3, 0xd2, 0xcf, 0xde, 0xce, 0xcf]) // 'срочно' in KOI8-R
  has(
    wordsOf(
      message(
        ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64'],
        Buffer.from(text).toString('base64'),
      ),
    ),
    'срочно переведите',
    'деньги',
  )
  const quoted = Array.from(
    Buffer.from(text),
    byte => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
  has(
    wordsOf(
      message(
        ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable'],
        quoted.replaceAll(/(.{60})/g, '$1=\r\n'),
      ),
    ),
    'переведите деньги',
  )
  const head = message(['Content-Type: text/plain; charset=koi8-r', 'Content-Transfer-Encoding: 8bit'], '')
  has(wordsOf(Buffer.concat([Buffer.from(head), koi8])), 'срочно')
  has(wordsOf(message(['Content-Type: text/plain; charset=nonsense'], 'still read')), 'still read')
})

test('HTML is read as it is shown', () => {
  const words = wordsOf(
    message(
      ['Content-Type: text/html'],
      '<html><head><title>hidden</title><style>p { color: invisible }</style></head><body>' +
        'V<!-- broken up -->i<b></b>ag<span>ra</span> and <p>money</p>back&nbsp;guarantee &#1076;&#1072;&#1088; ' +
        '<a href="https://track.example.net/x">click</a><img src=//pix.example.org/1.gif><script>var secret</script></body>',
    ),
  )
  has(words, 'viagra', 'money back', 'back guarantee', 'дар', 'click')
  has(words, 'link:track.example.net', 'link:example.net', 'link:pix.example.org')
  lacks(words, 'hidden', 'invisible', 'secret', 'broken')
})

test('parts, attachments and text without blanks', () => {
  const words = wordsOf(
    message(
      ['Content-Type: multipart/mixed; boundary=x'],
      [
        '--x',
        'Content-Type: text/plain; charset=utf-8',
        '',
        '今天有优惠',
        '--x',
        'Content-Type: application/octet-stream',
        'Content-Disposition: attachment; filename="invoice.pdf.exe"',
        '',
        'MZ these are no words',
        '--x--',
        '',
      ].join('\r\n'),
    ),
  )
  has(words, '今天', '天有', 'type:application/octet-stream', 'file:exe')
  lacks(words, 'words')
})

test('nothing that a stranger sends costs much', { timeout: 20_000 }, () => {
  const large = 'a'.repeat(1_000_000)
  const hostile = [
    message(['Content-Type: text/html'], '<'.repeat(1_000_000)),
    message(['Content-Type: text/html'], `<a href${' '.repeat(1_000_000)}`),
    message(['Content-Type: text/html'], '<!--'.repeat(300_000)),
    message(['Content-Type: text/html'], '&#'.repeat(500_000)),
    message(['Content-Type: text/plain'], large),
    message(['Content-Type: text/plain'], 'http://'.repeat(200_000)),
    message(['Content-Transfer-Encoding: quoted-printable'], '='.repeat(1_000_000)),
    message([`Subject: ${'=?utf-8?B?'.repeat(10_000)}`], 'x'),
    message([`From: ${'@'.repeat(100_000)}`], 'x'),
    message(
      ['Content-Type: multipart/mixed; boundary=x'],
      '--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n'.repeat(20_000),
    ),
    message(['Content-Type: message/rfc822'], 'Content-Type: message/rfc822\r\n\r\n'.repeat(20_000)),
  ]
  for (const one of hostile) assert.ok(wordsOf(one, 65_536).size <= 3000)
  const many = Array.from({ length: 20_000 }, (_, n) => `word${n.toString(36)}x`).join(' ')
  assert.equal(wordsOf(message([], many), 65_536).size, 3000)
})
