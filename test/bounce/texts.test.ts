// What people read: in their language, what happened, why, and what to do now; first what to do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReportAction, ReportCause, ReportLanguage } from '../../src/bounce/report.ts'
import type { ReportTexts } from '../../src/bounce/texts.ts'
import { english } from '../../src/bounce/texts-en.ts'
import { russian } from '../../src/bounce/texts-ru.ts'
import { decodeEncodedWords } from '../../src/message/encoded-words.ts'
import { failed, report, value } from './read-report.ts'

// Every cause that the type has: one more there is a mistake here.
const causes = Object.keys({
  'unknown-user': true,
  'unknown-domain': true,
  'null-mx': true,
  'known-dead': true,
  'not-wanted': true,
  'recipient-rule': true,
  'mailbox-full': true,
  'message-too-large': true,
  policy: true,
  blocklist: true,
  'sender-domain-listed': true,
  'link-listed': true,
  authentication: true,
  'sender-refused': true,
  'login-required': true,
  'server-name': true,
  rate: true,
  greylisted: true,
  spam: true,
  content: true,
  'no-answer': true,
  unconfirmed: true,
  'not-fetched': true,
  'relay-dns': true,
  'unknown-host': true,
  'refused-connection': true,
  'dns-failure': true,
  'tls-failure': true,
  'tls-required': true,
  'tls-certificate': true,
  'tlsa-bogus': true,
  'sts-mismatch': true,
  requiretls: true,
  loop: true,
  'own-mx': true,
  'broken-mx': true,
  'no-ipv6': true,
  'no-source': true,
  'smart-host': true,
  'extension-missing': true,
  'signed-content': true,
  'utf8-address': true,
  'too-late': true,
  'no-deliver-by': true,
  'server-busy': true,
  'own-limit': true,
  'local-error': true,
  other: true,
} satisfies Record<ReportCause, true>) as ReportCause[]

/** Those that tell what the server said that was asked last. */
const otherServersWords: readonly ReportCause[] = [
  'message-too-large',
  'policy',
  'blocklist',
  'sender-domain-listed',
  'link-listed',
  'authentication',
  'sender-refused',
  'login-required',
  'server-name',
  'rate',
  'greylisted',
  'spam',
  'content',
  'no-answer',
  'unconfirmed',
  'refused-connection',
  'tls-failure',
  'extension-missing',
  'signed-content',
  'utf8-address',
  'server-busy',
  'other',
]

const actions: readonly ReportAction[] = ['failed', 'delayed', 'delivered', 'relayed', 'expanded']

const languages: readonly { language: ReportLanguage; texts: ReportTexts; letters: RegExp }[] = [
  { language: 'en', texts: english, letters: /^[ -~]+$/ },
  { language: 'ru', texts: russian, letters: /[а-яё]/i },
]

/** The text in one line, so that it does not matter where it was broken. */
function flat(text: string): string {
  return text.replaceAll(/\s+/g, ' ')
}

const facts = {
  address: 'boris@example.org',
  domain: 'example.org',
  hostname: 'mail.example.test',
  sender: 'anna@example.test',
  answered: true,
}
const reply = { code: 550, enhanced: '5.7.1', lines: ['Blocked: see', 'https://example.org/why?id=1'] }

for (const { language, texts, letters } of languages) {
  for (const cause of causes) {
    test(`${language}: ${cause}: what happened, and what to do now, in whole sentences`, () => {
      const { happened, next } = texts.cause(cause, facts)
      for (const sentence of [happened, next]) {
        assert.match(sentence, /^[^a-zа-я].*\.$|^example\.org .*\.$/)
        assert.match(sentence, letters)
        assert.ok(sentence.length > 15)
      }
      assert.notEqual(happened, next)
      const { text } = report({ language, recipients: [failed({ cause, reply })] })
      const found = flat(text)
      const step = found.indexOf(`${texts.nextLabel}: ${next}`)
      assert.ok(step >= 0, found)
      assert.ok(step < found.indexOf(`${texts.happenedLabel}: ${happened}`), found)
    })
  }

  test(`${language}: each cause has words of its own`, () => {
    assert.equal(new Set(causes.map(cause => texts.cause(cause, facts).happened)).size, causes.length)
  })

  test(`${language}: mail that left through another server blames that one, by its name if it is known`, () => {
    for (const cause of otherServersWords) {
      const direct = texts.cause(cause, facts).happened
      assert.match(direct, /example\.org/)
      const named = texts.cause(cause, { ...facts, viaSmartHost: true, remoteMta: 'smart.example.net' })
      assert.match(named.happened, /smart\.example\.net/)
      const unnamed = texts.cause(cause, { ...facts, viaSmartHost: true })
      assert.match(unnamed.happened, letters)
      for (const { happened, next } of [named, unnamed]) {
        assert.doesNotMatch(`${happened} ${next}`, /example\.org/)
        assert.match(happened, /through which our mail leaves|через который уходит наша почта/)
        assert.doesNotMatch(next, /known senders|доверенных/)
      }
    }
    const { happened } = texts.cause('other', { ...facts, answered: false, viaSmartHost: true })
    assert.doesNotMatch(happened, /example\.org/)
  })

  test(`${language}: the report hands on through which server the message left`, () => {
    const { text } = report({
      language,
      recipients: [failed({ cause: 'policy', reply, remoteMta: 'smart.example.net', viaSmartHost: true })],
    })
    const { happened } = texts.cause('policy', {
      ...facts,
      viaSmartHost: true,
      remoteMta: 'smart.example.net',
    })
    assert.ok(flat(text).includes(happened), text)
  })

  test(`${language}: a sender who was refused learns by which address, and that the recipient's is not the problem`, () => {
    const { text } = report({ language, recipients: [failed({ cause: 'sender-refused', reply })] })
    assert.match(flat(text), /\(anna@example\.test\)\./)
    assert.match(flat(text), /The recipient's address is not the problem|Дело не в адресе получателя/)
  })

  test(`${language}: a server with IPv6 only is no mistake of the sender`, () => {
    const { happened, next } = texts.cause('no-ipv6', facts)
    assert.match(happened, /example\.org .*IPv6/)
    assert.match(
      next,
      /^(?:Show|Покажите) .*delivery\.ipv6.*(?:You did nothing wrong|Вы всё сделали правильно)\.$/,
    )
  })

  test(`${language}: a login that is missing is not told as a check of the sender's domain`, () => {
    const { happened, next } = texts.cause('login-required', facts)
    assert.match(happened, /login|входа/)
    assert.doesNotMatch(`${happened} ${next}`, /SPF|DKIM|DMARC/)
  })

  test(`${language}: each action has a subject and an opening of its own`, () => {
    assert.equal(new Set(actions.map(action => texts.subject(action, ''))).size, actions.length)
    assert.equal(new Set(actions.map(action => texts.opening(action, 1))).size, actions.length)
    for (const action of actions) {
      assert.match(texts.opening(action, 1), letters)
      assert.equal(texts.subject(action, 'Invoice'), `${texts.subject(action, '')}: Invoice`)
    }
  })

  test(`${language}: what went well is told without advice`, () => {
    for (const action of ['delivered', 'relayed', 'expanded'] as const) {
      const found = flat(report({ language, recipients: [failed({ action, status: '2.0.0' })] }).text)
      assert.ok(found.includes(texts.delivered(action)))
      assert.ok(!found.includes(`${texts.nextLabel}:`))
    }
  })

  test(`${language}: a delay asks for nothing, and says until when it is tried`, () => {
    const willRetryUntil = Date.UTC(2026, 10, 27, 18, 30)
    const found = flat(
      report({
        language,
        recipients: [failed({ action: 'delayed', status: '4.4.1', cause: 'no-answer', willRetryUntil })],
      }).text,
    )
    assert.ok(found.includes(`${texts.nextLabel}: ${flat(texts.delayNext(texts.date(willRetryUntil)))}`))
    assert.match(found, /27 (?:November|ноября) 2026.*18:30 UTC/)
  })

  test(`${language}: how often it was tried, when the time is over`, () => {
    for (const attempts of [1, 2, 5, 21]) {
      const recipient = failed({ cause: 'no-answer', expired: true, attempts })
      const found = flat(report({ language, recipients: [recipient] }).text)
      assert.ok(found.includes(flat(texts.expired({ attempts, at: texts.date(recipient.at) }))), found)
    }
  })

  test(`${language}: the end of a message that waited is no attempt`, () => {
    for (const attempts of [0, 3]) {
      const recipient = failed({ cause: 'own-limit', expired: true, attempts, isUntried: true })
      const { text, groups } = report({ language, recipients: [recipient] })
      const end = { attempts, at: texts.date(recipient.at), isUntried: true }
      assert.ok(flat(text).includes(flat(texts.expired(end))), text)
      assert.doesNotMatch(flat(text), /the last time on|последняя:/)
      assert.equal(
        groups[1]?.some(([name]) => name === 'Last-Attempt-Date'),
        false,
      )
    }
  })

  test(`${language}: the server's own words are quoted, with its name`, () => {
    const { text } = report({ language, recipients: [failed({ reply, remoteMta: 'mx1.example.org' })] })
    assert.ok(flat(text).includes(`${texts.serverSaid('mx1.example.org')}:`))
    assert.match(text, /^ +> 550 5\.7\.1 Blocked: see\n +> https:\/\/example\.org\/why\?id=1$/m)
  })

  test(`${language}: where there is no answer, none is spoken of`, () => {
    const without = report({ language, recipients: [failed({ cause: 'other', detail: 'it made no sense' })] })
    assert.doesNotMatch(without.text, /below|ниже|answer|ответе/)
    const rule = report({ language, recipients: [failed({ cause: 'policy', detail: 'it made no sense' })] })
    assert.doesNotMatch(rule.text, /below|ниже|answer|ответе/)
    const quoted = report({ language, recipients: [failed({ cause: 'other', reply })] })
    assert.match(quoted.text, /below|ниже/)
  })

  test(`${language}: which message it was, and where the administrator finds more`, () => {
    const detail = 'mx1.example.org (192.0.2.1:25) refused RCPT'
    const found = flat(report({ language, recipients: [failed({ detail })] }).text)
    for (const part of [
      `${texts.subjectLabel}: Invoice 4711`,
      `${texts.sentLabel}: ${texts.date(Date.UTC(2026, 10, 22, 6, 5, 4))}`,
      `${texts.idLabel}: 00aabbccdd`,
      `${texts.technical}: 5.1.1: ${detail}`,
      texts.closing('mail.example.test'),
    ])
      assert.ok(found.includes(flat(part)), part)
  })

  test(`${language}: recipients that share an end stand under one opening, each with its cause`, () => {
    const recipients = ['boris', 'clara', 'dora'].map((localPart, index) =>
      failed({
        finalRecipient: { localPart, domain: 'example.org' },
        cause: causes[index] ?? 'other',
        ...(index === 2 ? { action: 'delayed' as const } : {}),
      }),
    )
    const found = flat(report({ language, recipients }).text)
    assert.ok(found.startsWith(flat(texts.opening('failed', 2))))
    assert.ok(found.includes(flat(texts.opening('delayed', 1))))
    for (const name of ['boris', 'clara', 'dora']) assert.ok(found.includes(`${name}@example.org`))
  })

  test(`${language}: addresses and hosts stand as people know them`, () => {
    const domain = 'xn--e1afmkfd.xn--80akhbyknj4f'
    const finalRecipient = { localPart: 'почта', domain }
    const remoteMta = `mx.${domain}`
    const reply = { code: 550, lines: ['No'] }
    for (const more of [
      { remoteMta, reply, refused: 'rcpt', remoteAddress: '192.0.2.1:25' },
      { cause: 'tls-required', detail: `${remoteMta} offers no STARTTLS` },
    ] as const) {
      const recipients = [failed({ finalRecipient, ...more })]
      const { text } = report({ language, hostname: `mail.${domain}`, recipients })
      assert.ok(text.includes('почта@пример.испытание'))
      assert.match(
        flat(text),
        /mx\.пример\.испытание \(192\.0\.2\.1:25\)|mx\.пример\.испытание offers no STARTTLS/,
      )
      assert.ok(flat(text).includes('mail.пример.испытание'))
      assert.ok(!text.includes('xn--'), text)
    }
  })

  test(`${language}: lines are short enough to be read, but for words that are longer`, () => {
    const reply = { code: 550, lines: [`${'word '.repeat(50)}${'x'.repeat(200)}`] }
    const { text } = report({ language, recipients: [failed({ reply, detail: 'detail '.repeat(50) })] })
    for (const line of text.split('\n')) assert.ok(line.length <= 76 || line.includes('x'.repeat(200)), line)
  })
}

test('the message itself says in which language it is', () => {
  for (const { language, texts } of languages) {
    const { fields } = report({ language })
    assert.equal(value(fields, 'Content-Language'), language)
    assert.equal(decodeEncodedWords(value(fields, 'Subject')), texts.subject('failed', 'Invoice 4711'))
    assert.ok(decodeEncodedWords(value(fields, 'From')).startsWith(`${texts.senderName} <`))
  }
})

test('Russian numbers take their endings', () => {
  for (const count of [1, 2, 5, 21])
    assert.match(russian.expired({ attempts: count, at: 'x' }), new RegExp(`^Попыток: ${count};`))
  assert.match(russian.opening('failed', 2), /2 получателям/)
  assert.match(russian.opening('failed', 21), /21 получателю/)
})
