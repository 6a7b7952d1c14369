// Intake takes responsibility: trace field, loop check, and the message as it came (RFC 5321 §4.4, §6.3).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HeaderSplitter } from '../../src/message/header-section.ts'
import { formatQueueId } from '../../src/queue/queue-id.ts'
import { trailOfMessage } from '../../src/trail/operations.ts'
import { addAccount, addAlias, addDomain, addGroup } from '../directory/open-directory.ts'
import { cutAt, nastyBytes } from '../smtp-server/nasty-bytes.ts'
import {
  at,
  inPieces,
  openIntake,
  queuedAs,
  recipient,
  relayClient,
  single,
  submissionClient,
  type TestIntake,
} from './open-intake.ts'

function splitHeader(bytes: Uint8Array): { section: string; rest: string; lacksEmptyLine: boolean } {
  const splitter = new HeaderSplitter(1_000_000)
  const found = splitter.take(bytes)
  const { section, rest, lacksEmptyLine } = typeof found === 'object' ? found : splitter.finish()
  const asText = (part: Uint8Array): string => Buffer.from(part).toString('latin1')
  return { section: asText(section), rest: asText(rest), lacksEmptyLine }
}

/** Of the stored text: the field that intake has put before it, and the rest. */
async function split(
  intake: TestIntake,
  reply: Parameters<TestIntake['textOf']>[0],
): Promise<[string, string]> {
  const text = await intake.textOf(reply)
  const match = /^Received: [^\r\n]*\r\n(?:\t[^\r\n]*\r\n)*/.exec(text)
  assert.ok(match, `no Received field first: ${text.slice(0, 200)}`)
  return [match[0], text.slice(match[0].length)]
}

test('250 names the id under which the message waits, with everything that came with it', async t => {
  const intake = await openIntake(t)
  const reply = await intake.receive('Subject: Hello\r\n\r\nText\r\n', {
    client: { ...submissionClient, role: 'relay' },
    transaction: {
      reversePath: null,
      parameters: {
        body: '8BITMIME',
        smtpUtf8: true,
        ret: 'HDRS',
        envelopeId: 'order 7',
        priority: -3,
        deliverBy: { seconds: 60, mode: 'return', trace: false },
      },
      disposition: 'soml',
      recipients: [
        recipient('boris@example.org', { notify: ['SUCCESS'], originalRecipient: 'rfc822;b@example.com' }),
        recipient('clara@example.org', { notify: [] }),
      ],
    },
  })
  const id = queuedAs(reply)
  assert.deepEqual([reply.code, reply.enhanced], [250, '2.0.0'])
  const [shown, ...others] = await intake.queued()
  assert.deepEqual(others, [])
  const { size } = shown?.message ?? {}
  assert.deepEqual(shown?.message, {
    id,
    reversePath: null,
    size: (await intake.textOf(reply)).length,
    body: '8BITMIME',
    smtpUtf8: true,
    disposition: 'soml',
    ret: 'HDRS',
    envelopeId: 'order 7',
    priority: -3,
    deliverBy: { at: at + 60_000, mode: 'return', trace: false },
    releaseAt: undefined,
    hasLongLines: undefined,
    acceptedAt: at,
    expiresAt: at + 48 * 3_600_000,
    language: 'en',
    accountId: 7,
    isReport: false,
  })
  assert.deepEqual(
    shown.recipients.map(one => [
      one.forwardPath.localPart,
      one.notify,
      one.originalRecipient,
      one.dueAt,
      one.state,
    ]),
    [
      ['boris', ['SUCCESS'], 'rfc822;b@example.com', at, 'ready'],
      ['clara', [], undefined, at, 'ready'],
    ],
  )
  const trail = await intake.storage.run(trailOfMessage, { queueId: id })
  assert.deepEqual(trail, [
    {
      at,
      queueId: id,
      event: {
        kind: 'received',
        reception: {
          sessionId: 'session-1',
          role: 'relay',
          remoteAddress: '192.0.2.7',
          heloName: 'client.example.net',
          tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384',
          account: 'anna@example.test',
          reversePath: '',
          recipients: ['boris@example.org', 'clara@example.org'],
          size,
          connectedAt: at - 500,
          envelopeId: 'order 7',
          subject: 'Hello',
        },
      },
    },
  ])
})

test('the language of reports is the sender’s, else the server’s', async t => {
  const intake = await openIntake(t)
  for (const language of [undefined, 'ru'] as const) {
    const sink = intake.intake.open(
      relayClient,
      {
        reversePath: null,
        parameters: { body: '7BIT', smtpUtf8: false },
        disposition: 'mail',
        recipients: [recipient('boris@example.org')],
      },
      language,
    )
    queuedAs(single(await sink.finish()))
  }
  assert.deepEqual(
    (await intake.queued()).map(({ message }) => message.language),
    ['en', 'ru'],
  )
})

test('while the queue is on hold new mail waits', async t => {
  const intake = await openIntake(t, { held: true })
  queuedAs(await intake.receive('Subject: Hello\r\n\r\n'))
  const [shown] = await intake.queued()
  assert.equal(shown?.recipients[0]?.state, 'held')
})

for (const { what, text, stored } of [
  {
    what: 'text alone',
    text: 'Hello Anna\r\nlunch at 12: yes?\r\n',
    stored: '\r\nHello Anna\r\nlunch at 12: yes?\r\n',
  },
  {
    what: 'text right behind the fields',
    text: 'Subject: x\r\nSecret body\r\nCc: a line of the letter\r\n',
    stored: 'Subject: x\r\n\r\nSecret body\r\nCc: a line of the letter\r\n',
  },
  {
    what: 'text that begins with a blank',
    text: ' more\r\nSubject: x\r\n',
    stored: '\r\n more\r\nSubject: x\r\n',
  },
  { what: 'fields alone', text: 'Subject: x\r\n', stored: 'Subject: x\r\n' },
  {
    what: 'the separator of an mbox file',
    text: 'From a@example.test Mon Jan  1 09:00:00 2026\r\nSubject: x\r\n\r\nText\r\n',
    stored: 'Subject: x\r\n\r\nText\r\n',
  },
  {
    what: 'text that begins as the separator of an mbox file does',
    text: 'From now on we meet at ten.\r\nRegards, Boris\r\n',
    stored: '\r\nFrom now on we meet at ten.\r\nRegards, Boris\r\n',
  },
  {
    what: 'the same in a single line',
    text: 'From now on we meet at ten.\r\n',
    stored: '\r\nFrom now on we meet at ten.\r\n',
  },
  {
    what: 'the same before an empty line',
    text: 'From now on we meet at ten.\r\n\r\nRegards\r\n',
    stored: '\r\nFrom now on we meet at ten.\r\n\r\nRegards\r\n',
  },
  {
    what: 'a separator with a folded line behind it',
    text: 'From x\r\n (comment)\r\nSubject: x\r\n\r\nText\r\n',
    stored: '\r\nFrom x\r\n (comment)\r\nSubject: x\r\n\r\nText\r\n',
  },
]) {
  test(`what we write before a message does not run into it: ${what}`, async t => {
    const intake = await openIntake(t)
    for (const client of [relayClient, submissionClient]) {
      const whole = await intake.textOf(await intake.receive(text, { client }))
      const own =
        /^Received: [^\r\n]*\r\n(?:\t[^\r\n]*\r\n)*(?:(?:From|Date|Message-ID): [^\r\n]*\r\n)*/.exec(
          whole,
        )?.[0]
      assert.equal(whole.slice(own?.length), stored)
    }
  })
}

test('the Received field says from whom, by whom, how, for whom and when', async t => {
  const intake = await openIntake(t)
  const reply = await intake.receive('Subject: Hello\r\n\r\nText\r\n', {
    client: { ...submissionClient, role: 'relay' },
  })
  const id = formatQueueId(queuedAs(reply))
  assert.equal(
    await intake.textOf(reply),
    'Received: from client.example.net ([192.0.2.7])\r\n' +
      `\tby mail.example.test (Postrider) with ESMTPSA id ${id}\r\n` +
      '\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n' +
      '\tfor <boris@example.org>;\r\n' +
      '\tThu, 01 Jan 2026 00:00:00 +0000\r\n' +
      'Subject: Hello\r\n\r\nText\r\n',
  )
})

test('recipients do not learn of each other from it', async t => {
  const intake = await openIntake(t)
  const transaction = { recipients: [recipient('boris@example.org'), recipient('clara@example.org')] }
  const [received] = await split(intake, await intake.receive('Subject: Hello\r\n', { transaction }))
  assert.doesNotMatch(received, /for|boris|clara/)
})

for (const [word, client, smtpUtf8] of [
  ['SMTP', { ...relayClient, extended: false }, false],
  ['ESMTP', relayClient, false],
  ['ESMTPS', { ...submissionClient, account: undefined }, false],
  ['ESMTPA', { ...submissionClient, tls: undefined }, false],
  ['ESMTPSA', submissionClient, false],
  ['UTF8SMTP', relayClient, true],
  ['UTF8SMTPSA', submissionClient, true],
] as const) {
  test(`what the connection was like, in a word: ${word} (RFC 3848, RFC 6531 §4.3)`, async t => {
    const intake = await openIntake(t)
    const reply = await intake.receive('From: a@example.test\r\n\r\n', {
      client,
      transaction: { parameters: { body: '7BIT', smtpUtf8 } },
    })
    assert.match((await split(intake, reply))[0], new RegExp(` with ${word} id `))
  })
}

for (const [what, client, expected] of [
  ['no name', { heloName: undefined }, 'from unknown ([192.0.2.7])\r\n'],
  ['an IPv6 peer', { remoteAddress: '2001:db8::7' }, 'from client.example.net ([IPv6:2001:db8::7])\r\n'],
  [
    'a name that would end the field',
    { heloName: 'x\r\n\r\nBody: (<a;b>' },
    'from x????Body:???a?b? ([192.0.2.7])\r\n',
  ],
] as const) {
  test(`whatever the peer calls itself, the field is whole: ${what}`, async t => {
    const intake = await openIntake(t)
    const reply = await intake.receive('Subject: Hello\r\n\r\n', { client: { ...relayClient, ...client } })
    const [received, rest] = await split(intake, reply)
    assert.ok(received.startsWith(`Received: ${expected}`), received)
    assert.equal(rest, 'Subject: Hello\r\n\r\n')
  })
}

const hop = 'Received: from a.example ([192.0.2.1])\r\n\tby b.example; Thu, 01 Jan 2026 00:00:00 +0000\r\n'

for (const [what, text, passes] of [
  ['as many servers as are allowed', `${hop.repeat(3)}Subject: x\r\n\r\n`, true],
  ['one more', `${hop.repeat(4)}Subject: x\r\n\r\n`, false],
  ['one more, in other letters', `${'rEcEiVeD: x\r\n'.repeat(4)}\r\n`, false],
  ['one more, without a body', hop.repeat(4), false],
  ['what stands in the body', `${hop.repeat(3)}\r\n${hop.repeat(9)}`, true],
  [
    'what stands in a folded line',
    `${hop.repeat(3)}Subject: x\r\n${'\tReceived: x\r\n'.repeat(9)}\r\n`,
    true,
  ],
] as const) {
  test(`the loop check: ${what}`, async t => {
    const intake = await openIntake(t)
    const reply = await intake.receive(text)
    if (passes) {
      assert.equal((await split(intake, reply))[1], text)
      return
    }
    assert.deepEqual([reply.code, reply.enhanced], [554, '5.4.6'])
    assert.match(reply.lines[0] ?? '', /passed 4 servers/)
    assert.equal(await intake.messages(), 0)
  })
}

for (const { what, passed, to, client = relayClient, isRefused } of [
  { what: 'in other letters', passed: 'TEAM@example.test', to: ['team'], isRefused: true },
  { what: 'behind another alias', passed: 'team@example.test', to: ['info'], isRefused: true },
  { what: 'among others', passed: 'team@example.test', to: ['anna', 'team'], isRefused: true },
  {
    what: 'from a user',
    passed: 'team@example.test',
    to: ['team'],
    client: submissionClient,
    isRefused: true,
  },
  { what: 'not of an alias before it', passed: 'info@example.test', to: ['team'], isRefused: false },
  {
    what: 'in ASCII',
    passed: '\\x{43F}\\x{43E}\\x{447}\\x{442}\\x{430}@example.test',
    to: ['почта'],
    isRefused: true,
  },
  { what: 'not for what others lead to', passed: 'here@example.test', to: ['all'], isRefused: false },
  { what: 'with others before it', passed: 'team@example.test', to: ['all', 'info'], isRefused: true },
  { what: 'not where all stay here', passed: 'here@example.test', to: ['here'], isRefused: false },
  { what: 'not of a mailbox', passed: 'anna@example.test', to: ['anna'], isRefused: false },
  { what: 'not of an address elsewhere', passed: 'clara@example.org', to: ['team'], isRefused: false },
]) {
  test(`what a group has sent on before is refused when it comes back, for everybody: ${what}`, async t => {
    const intake = await openIntake(t)
    await addDomain(intake.storage, 'example.test')
    await addAccount(intake.storage, 'anna@example.test')
    await addGroup(intake.storage, 'team@example.test', 'anna@example.test', 'clara@example.org')
    await addAlias(intake.storage, 'info@example.test', 'team@example.test')
    await addAlias(intake.storage, 'почта@example.test', 'clara@example.org')
    await addAlias(intake.storage, 'here@example.test', 'anna@example.test')
    await addGroup(intake.storage, 'all@example.test', 'here@example.test', 'zoe@example.org')
    const recipients = to.map(name => recipient(`${name}@example.test`))
    const text = `Received: x\r\nDelivered-To: ${passed}\r\nFrom: a@example.test\r\n\r\nText\r\n`
    const reply = await intake.receive(inPieces(text, 10), { client, transaction: { recipients } })
    assert.deepEqual([reply.code, reply.enhanced], isRefused ? [554, '5.4.6'] : [250, '2.0.0'])
    assert.equal(await intake.messages(), isRefused ? 0 : 1)
  })
}

test('what the body says of a group is no loop', async t => {
  const intake = await openIntake(t)
  await addDomain(intake.storage, 'example.test')
  await addGroup(intake.storage, 'team@example.test', 'clara@example.org')
  const reply = await intake.receive('Subject: x\r\n\r\nDelivered-To: team@example.test\r\n', {
    transaction: { recipients: [recipient('team@example.test')] },
  })
  assert.equal(reply.code, 250)
})

test('relayed mail data is kept byte for byte, however it comes in pieces', async t => {
  const intake = await openIntake(t, { maxReceivedFields: 1000 })
  await fc.assert(
    fc.asyncProperty(nastyBytes, fc.array(fc.nat(), { maxLength: 6 }), async (bytes, cuts) => {
      const reply = await intake.receive(cutAt(bytes, cuts))
      const stored = (await split(intake, reply))[1]
      const text = bytes.toString('latin1')
      // Where the empty line behind the header section is missing it is put in; test/message says where that is.
      const { section, rest, lacksEmptyLine } = splitHeader(bytes)
      assert.equal(stored, lacksEmptyLine ? `${section}\r\n${rest}` : text)
    }),
    { numRuns: 100 },
  )
})

const field = `X-Long: ${'x'.repeat(88)}\r\n`
const manyFields = (bytes: number): string => field.repeat(Math.floor(bytes / field.length))

for (const [what, section, body] of [
  ['and a short body', manyFields(200_000), '\r\nText\r\n'],
  ['and a long body', manyFields(200_000), `\r\n${'y'.repeat(300_000)}\r\n`],
  ['and nothing else', manyFields(200_000), ''],
] as const) {
  for (const size of [1_000_000, 65_536, 997]) {
    test(`a header section too long for memory ${what} is kept whole, in pieces of ${size} bytes`, async t => {
      const intake = await openIntake(t)
      const reply = await intake.receive(inPieces(section + body, size))
      const [, text] = await split(intake, reply)
      assert.ok(text === section + body, `${text.length} bytes of ${section.length + body.length} are left`)
      assert.equal((await intake.mailDataFiles()).length, 1)
    })
  }
}

const limit = 256 * 1024

for (const [what, text] of [
  ['with a body', `${manyFields(limit + 1000)}\r\nText\r\n`],
  ['without end', manyFields(2 * limit)],
  ['in one line', `X: ${'x'.repeat(3 * limit)}`],
  // The first thing that is wrong with a message is what the peer is told.
  ['and a loop besides', `${hop.repeat(9)}${manyFields(limit)}\r\n`],
] as const) {
  for (const size of [1_000_000, 65_536, 997]) {
    test(`a header section over the limit is refused ${what}, in pieces of ${size} bytes`, async t => {
      const intake = await openIntake(t)
      const reply = await intake.receive(inPieces(text, size), { client: submissionClient })
      assert.deepEqual([reply.code, reply.enhanced], [552, '5.3.4'])
      assert.match(reply.lines[0] ?? '', /262144 bytes/)
      assert.equal(await intake.messages(), 0)
      assert.deepEqual(await intake.mailDataFiles(), [])
      assert.deepEqual(intake.logged, [])
    })
  }
}

test('a header section of just the limit is taken, in one piece or byte by byte', async t => {
  const intake = await openIntake(t)
  const most = Buffer.from(`X: ${'x'.repeat(limit - 12)}`)
  const replies = [
    await intake.receive([most, ...inPieces('1234567\r\n\r\nText\r\n', 99)]),
    await intake.receive([most, ...inPieces('1234567\r\n\r\nText\r\n', 1)]),
    await intake.receive([most, ...inPieces('12345678\r\n\r\nText\r\n', 99)]),
    await intake.receive([most, ...inPieces('12345678\r\n\r\nText\r\n', 1)]),
  ]
  assert.deepEqual(
    replies.map(reply => reply.code),
    [250, 250, 552, 552],
  )
})

test('a big message becomes a file, a small one stands in its row', async t => {
  const intake = await openIntake(t)
  const small = await intake.receive(`Subject: small\r\n\r\n${'x'.repeat(60_000)}\r\n`)
  assert.deepEqual(await intake.mailDataFiles(), [])
  const text = `Subject: big\r\n\r\n${'x'.repeat(1_000_000)}\r\n`
  const big = await intake.receive(inPieces(text, 65_536))
  assert.equal((await intake.mailDataFiles()).length, 1)
  assert.equal((await split(intake, small))[1].length, 60_020)
  assert.ok((await split(intake, big))[1] === text)
})

test('what is to be held is due when its sender wants it, and has all its time from then on', async t => {
  const intake = await openIntake(t)
  const releaseAt = at + 3_600_000
  const parameters = { body: '7BIT', smtpUtf8: false, releaseAt } as const
  const reply = await intake.receive('Subject: Later\r\n\r\nText\r\n', { transaction: { parameters } })
  const [shown] = await intake.queued()
  assert.equal(shown?.message.releaseAt, releaseAt)
  assert.equal(shown.message.expiresAt, releaseAt + 48 * 3_600_000)
  assert.equal(shown.recipients[0]?.dueAt, releaseAt)
  const trail = await intake.storage.run(trailOfMessage, { queueId: queuedAs(reply) })
  assert.deepEqual(trail.at(-1)?.event, { kind: 'scheduled', releaseAt })
})

test('a time that has passed holds nothing', async t => {
  const intake = await openIntake(t)
  const parameters = { body: '7BIT', smtpUtf8: false, releaseAt: at - 1 } as const
  await intake.receive('Subject: Now\r\n\r\nText\r\n', { transaction: { parameters } })
  const [shown] = await intake.queued()
  assert.equal(shown?.message.releaseAt, undefined)
  assert.equal(shown?.recipients[0]?.dueAt, at)
})

test('what was seen of the text is kept: 8-bit text that was called 7-bit, and long lines', async t => {
  const intake = await openIntake(t)
  const sink = intake.open()
  await sink.write(Buffer.from('Subject: x\r\n\r\nпривет\r\n'))
  await sink.finish({ isEightBit: true, hasLongLines: true })
  const [shown] = await intake.queued()
  assert.equal(shown?.message.body, '8BITMIME')
  assert.equal(shown.message.hasLongLines, true)
})

test('the priority stands in the Received field (RFC 6710)', async t => {
  const intake = await openIntake(t)
  const parameters = { body: '7BIT', smtpUtf8: false, priority: -3 } as const
  const reply = await intake.receive('Subject: x\r\n\r\nText\r\n', { transaction: { parameters } })
  assert.match(
    await intake.textOf(reply),
    /^Received: from .*\r\n\tby .*\r\n\tfor <boris@example\.org>\r\n\tPRIORITY -3;\r\n/,
  )
})

test('what a message demands of TLS goes into the queue with it (RFC 8689)', async t => {
  const intake = await openIntake(t)
  const demandOf = async (header: string, requireTls = false): Promise<string | undefined> => {
    const reply = await intake.receive(`${header}\r\nText\r\n`, {
      client: relayClient,
      transaction: { parameters: { body: '7BIT', smtpUtf8: false, ...(requireTls ? { requireTls } : {}) } },
    })
    const id = queuedAs(reply)
    return (await intake.queued()).find(({ message }) => message.id === id)?.message.tls
  }
  assert.equal(await demandOf('Subject: x\r\n'), undefined)
  assert.equal(await demandOf('Subject: x\r\n', true), 'required')
  assert.equal(await demandOf('Subject: x\r\nTLS-Required: No\r\n'), 'optional')
  assert.equal(await demandOf('tls-required:no\r\nSubject: x\r\n'), 'optional')
  assert.equal(await demandOf('TLS-Required: No\r\n', true), 'required')
  assert.equal(await demandOf('TLS-Required: Yes\r\n'), undefined)
  assert.equal(await demandOf('TLS-Required: No\r\nTLS-Required: No\r\n'), undefined)
  assert.equal(await demandOf('X: TLS-Required: No\r\n'), undefined)
})

test('a report on TLS is known by its field, and by it alone', async t => {
  const intake = await openIntake(t)
  for (const [field, expected] of [
    ['TLS-Report-Domain: example.test', true],
    ['Subject: TLS-Report-Domain: example.test', undefined],
  ] as const) {
    const id = queuedAs(await intake.receive(`${field}\r\n\r\nText\r\n`, { client: relayClient }))
    const shown = (await intake.queued()).find(({ message }) => message.id === id)
    assert.equal(shown?.message.isTlsReport, expected)
  }
})
