// Every reply of the data is found by its own entry, and means what the entry says; what is not known stays unknown.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { describeProvider } from '../../src/delivery/replies/describe-provider.ts'
import { judgeReply } from '../../src/delivery/replies/diagnose.ts'
import { findKnownReply, type KnownReply, knownReplies } from '../../src/delivery/replies/known-reply.ts'
import { findProvider, providerOf, providers } from '../../src/delivery/replies/providers.ts'
import { classOf, closesDestination } from '../../src/delivery/replies/reply-class.ts'
import type { ClientStage } from '../../src/smtp/client/contract.ts'
import type { Reply } from '../../src/smtp/reply.ts'
import { parseReply } from './parse-reply.ts'

/** A mail host as the provider of the entry has them; without one, of nobody known. */
function hostOf({ provider }: KnownReply): string {
  return provider === undefined ? 'mx.far.test' : `mx1.${providerOf(provider).hostSuffixes[0]}`
}

function judge(host: string, reply: Reply, stage: ClientStage = 'end-of-data') {
  return judgeReply({ host, address: '192.0.2.1', port: 25 }, stage, reply).diagnosis
}

describe('known replies', () => {
  for (const known of knownReplies) {
    for (const { reply } of known.seen) {
      test(`${reply.slice(0, 120)} is ${known.class}`, () => {
        const parsed = parseReply(reply)
        assert.equal(findKnownReply(hostOf(known), parsed, 'end-of-data'), known)
        const diagnosis = judge(hostOf(known), parsed)
        assert.equal(diagnosis.cause, known.cause)
        assert.equal(classOf(diagnosis), known.class)
      })
    }
  }

  test('are at least 150 that differ, of at least 30 systems, each with its source', () => {
    const sightings = knownReplies.flatMap(({ seen }) => seen)
    assert.ok(new Set(sightings.map(({ reply }) => reply)).size >= 150)
    assert.ok(new Set(knownReplies.map(({ provider }) => provider)).size >= 30)
    for (const { reply, source } of sightings) {
      assert.match(reply, /^[45]\d\d /)
      assert.ok(URL.canParse(source), source)
      assert.match(source, /^https?:\/\//)
    }
  })

  test('have words in the form in which replies are searched', () => {
    for (const words of knownReplies.flatMap(known => [known.words, ...(known.except ?? [])]))
      assert.match(words, /^[\p{L}\p{N}]+\*?(?: (?:[\p{L}\p{N}]+\*?|…))*$/u, words)
  })

  test('whose words are common are known only from the hosts of the provider', () => {
    const reply = parseReply('550 5.1.1 User does not exist')
    assert.equal(findKnownReply('mx.zoho.com', reply, 'rcpt')?.provider, 'zoho')
    assert.equal(findKnownReply('mx.far.test', reply, 'rcpt'), undefined)
  })

  test('of a program that anybody may run are told as nobody’s, also where a big receiver has the same words', () => {
    for (const [host, reply, cause, provider] of [
      ['mx.far.test', '554 5.7.1 Spam message rejected', 'spam', undefined],
      ['mxs.mail.ru', '550 spam message rejected', 'spam', 'Mail.ru'],
      ['mx.far.test', '554 5.7.1 Message rejected due to local policy', 'policy', undefined],
      ['mx.yandex.ru', '550 5.7.1 Email rejected per DMARC policy', 'authentication', 'Yandex'],
      ['mx.far.test', '552 5.2.2 Mailbox size limit exceeded', 'mailbox-full', undefined],
      [
        'mx.far.test',
        '550 Please turn on SMTP Authentication in your mail client.',
        'login-required',
        undefined,
      ],
    ] as const) {
      const diagnosis = judge(host, parseReply(reply))
      assert.equal(diagnosis.cause, cause, reply)
      assert.equal(describeProvider(diagnosis)?.name, provider, reply)
    }
  })

  test('are known at a domain’s own name for the host, by their words', () => {
    const reply = parseReply('421 4.7.28 Gmail has detected an unusual rate of mail')
    assert.equal(findKnownReply('mx.example.org', reply, 'end-of-data')?.provider, 'gmail')
  })

  test('are not looked for in what is said of a login', () => {
    assert.equal(findKnownReply('smtp.zoho.com', parseReply('535 User does not exist'), 'auth'), undefined)
  })
})

describe('the class', () => {
  const cases: readonly (readonly [stage: ClientStage, reply: string, expected: string])[] = [
    ['rcpt', '451 4.7.1 Greylisting in action, please come back later', 'greylisted'],
    ['rcpt', '450 4.2.0 Try again, see http://postgrey.schweikert.ch/help/example.org.html', 'greylisted'],
    ['mail', '450 4.7.1 Error: too much mail from 192.0.2.1', 'rate-limited'],
    ['rcpt', '451 4.7.1 Rate limit exceeded', 'rate-limited'],
    [
      'rcpt',
      '450 Requested mail action not taken: mailbox unavailable Mail send limit exceeded.',
      'rate-limited',
    ],
    ['rcpt', '550 5.1.1 No such user here', 'unknown-user'],
    ['rcpt', '452 4.2.2 Mailbox full', 'mailbox-full'],
    ['end-of-data', '552 5.3.4 Message too big', 'content'],
    ['end-of-data', '554 5.7.1 Message rejected as spam', 'content'],
    ['end-of-data', '550 5.7.1 SPF check failed', 'authentication'],
    ['greeting', '554 5.7.1 Client host blocked, see blocklist', 'reputation-block'],
    ['greeting', '554 5.7.1 You are not allowed to connect. (S3160)', 'reputation-block'],
    ['rcpt', '554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied', 'reputation-block'],
    ['rcpt', '550 Your IP address has been blocked', 'reputation-block'],
    ['mail', '450 4.7.1 Your IP has been blocked: too many messages', 'rate-limited'],
    ['rcpt', '450 4.7.1 <mail.example.com[192.0.2.1]>: Client host rejected: Try again later', 'temporary'],
    ['rcpt', '451 4.7.1 Your IP has been seen for the first time, come back later', 'temporary'],
    [
      'rcpt',
      '554 5.7.1 Domain of sender is listed, see https://www.spamhaus.org/query/domain/example.com',
      'domain-block',
    ],
    [
      'greeting',
      '554 5.7.1 Service unavailable; Helo command [mail.example.com] blocked using dbl.spamhaus.org; https://www.spamhaus.org/query/domain/example.com',
      'reputation-block',
    ],
    ['end-of-data', '554 5.7.1 Message contains a URL that is listed in SURBL', 'domain-block'],
    ['mail', '530 5.7.0 Must issue a STARTTLS command first', 'tls'],
    ['rcpt', '550 5.7.1 Denied by local policy', 'policy'],
    ['rcpt', '421 4.3.2 Shutting down', 'temporary'],
    ['rcpt', '450 Moon in the wrong house', 'temporary'],
    ['rcpt', '556 5.1.10 Domain does not accept mail', 'permanent'],
    ['end-of-data', '554 Transaction failed', 'unknown'],
    ['rcpt', '550 You are not welcome here', 'unknown'],
    ['end-of-data', '554 Moon in the wrong house', 'unknown'],
  ]
  for (const [stage, reply, expected] of cases) {
    test(`of ${reply} is ${expected}`, () => {
      assert.equal(classOf(judge('mx.far.test', parseReply(reply), stage)), expected)
    })
  }

  test('of what Yahoo and Outlook.com say goes by the words or their code, whichever reply code stands before', () => {
    const yahoo = 'mta7.am0.yahoodns.net'
    const outlook = 'outlook-com.olc.protection.outlook.com'
    for (const [host, reply, expected] of [
      [
        yahoo,
        '421 4.7.1 [TSS09] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.',
        'reputation-block',
      ],
      [outlook, '421 RP-002 Too much', 'rate-limited'],
      [outlook, '421 RP-003 The server has exceeded the connection limit allowed', 'rate-limited'],
      [outlook, '550 SC-003 Rejected', 'reputation-block'],
      [outlook, '550 DY-002 Rejected', 'reputation-block'],
      ['mx.far.test', '550 SC-003 Rejected', 'unknown'],
    ] as const)
      assert.equal(classOf(judge(host, parseReply(reply), 'mail')), expected, reply)
  })

  test('of a limit for one mailbox closes the destination to nobody else', () => {
    const reply = parseReply('451 Ratelimit exceeded for mailbox boris@mail.ru. Try again later.')
    assert.equal(closesDestination(classOf(judge('mxs.mail.ru', reply))), false)
  })

  test('of words about a message or its sender closes the destination to nobody else', () => {
    for (const [host, reply] of [
      ['mx.yandex.ru', '554 5.7.1 Blocked by spam statistics - see'],
      ['mx1.qq.com', '550 Suspected spam sender.'],
      [
        'example-org.mail.protection.outlook.com',
        '550 5.7.705 Access denied, tenant has exceeded threshold.',
      ],
    ] as const)
      assert.equal(closesDestination(classOf(judge(host, parseReply(reply)))), false, reply)
  })

  test('of an unusual rate is a block of ours only where our address is named', () => {
    const reply = (whose: string): Reply =>
      parseReply(`550 5.7.28 There is an unusual rate of unsolicited mail originating from your ${whose}.`)
    const host = 'gmail-smtp-in.l.google.com'
    assert.equal(classOf(judge(host, reply('IP address'))), 'reputation-block')
    assert.notEqual(classOf(judge(host, reply('SPF domain'))), 'reputation-block')
    for (const whose of [
      'from your DKIM domain [example.test 36]',
      'from your SPF domain [example.test 36]',
    ]) {
      const limited = parseReply(
        `421 4.7.28 Gmail has detected an unusual rate of mail originating ${whose}.`,
      )
      assert.equal(closesDestination(classOf(judge(host, limited))), false, whose)
    }
  })

  test('without a reply: what a server may do better next time is temporary', () => {
    for (const cause of [
      'no-answer',
      'unconfirmed',
      'refused-connection',
      'dns-failure',
      'login-required',
      'other',
    ] as const)
      assert.equal(classOf({ stage: 'connect', cause }), 'temporary')
    assert.equal(classOf({ stage: 'dns', cause: 'unknown-domain' }), 'permanent')
    assert.equal(classOf({ stage: 'tls', cause: 'tls-failure' }), 'tls')
  })

  test('is temporary for what the smart host has against us', () => {
    const reply = parseReply('550 5.7.1 Relay access denied')
    assert.equal(classOf({ stage: 'rcpt', cause: 'smart-host', reply }), 'temporary')
  })
})

describe('providers', () => {
  test('are found by whole labels of the host name, the longest suffix first', () => {
    const found = (host: string): string | undefined => findProvider(host)?.key
    assert.equal(found('gmail-smtp-in.l.google.com'), 'gmail')
    assert.equal(found('ASPMX2.GOOGLEMAIL.COM.'), 'gmail')
    assert.equal(found('outlook-com.olc.protection.outlook.com'), 'outlook')
    assert.equal(found('example-org.mail.protection.outlook.com'), 'exchange-online')
    assert.equal(found('mta6.am0.yahoodns.net'), 'yahoo')
    assert.equal(found('mx-aol.mail.gm0.yahoodns.net'), 'aol')
    assert.equal(found('mxs.mail.ru'), 'mail.ru')
    assert.equal(found('mx.hotmail.ru'), undefined)
    assert.equal(found('notgoogle.com'), undefined)
    assert.equal(found(''), undefined)
  })

  test('have each a key and suffixes of their own', () => {
    const keys = providers.map(({ key }) => key)
    const suffixes = providers.flatMap(({ hostSuffixes }) => hostSuffixes)
    assert.equal(new Set(keys).size, keys.length)
    assert.equal(new Set(suffixes).size, suffixes.length)
  })
})

test('a reply of any shape and length is looked through, as far as anybody reads', () => {
  const [known] = knownReplies.filter(({ provider, code }) => provider !== undefined && code !== 4)
  assert.ok(known)
  const { reply: seen = '' } = known.seen[0] ?? {}
  const words = parseReply(seen)
  const find = (lines: readonly string[]): KnownReply | undefined =>
    findKnownReply(hostOf(known), { code: 554, lines }, 'end-of-data')
  for (const piece of ['<', '@', '…', ' zen', ' spamhaus org', ' delivery error dd']) {
    const endless = Array.from({ length: 1000 }, () => piece.repeat(2000))
    assert.equal(find(endless), undefined, piece)
    assert.equal(find([...words.lines, ...endless]), known, piece)
    assert.equal(find([...endless, ...words.lines]), undefined, piece)
  }
})
