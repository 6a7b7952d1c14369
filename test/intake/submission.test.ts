// What a submission lacks is added, what cannot be sent on is refused (RFC 6409 §8); a relay changes nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatQueueId } from '../../src/queue/queue-id.ts'
import { cutAt } from '../smtp-server/nasty-bytes.ts'
import { openIntake, queuedAs, relayClient, submissionClient, type TestIntake } from './open-intake.ts'

const client = submissionClient
const date = 'Thu, 01 Jan 2026 00:00:00 +0000'

/** Without the Received field, which is four lines. */
async function storedText(intake: TestIntake, reply: Parameters<TestIntake['textOf']>[0]): Promise<string> {
  const text = await intake.textOf(reply)
  return text.slice(text.indexOf(`\t${date}\r\n`) + date.length + 3)
}

test('Date, Message-ID and From are added where they are missing', async t => {
  const intake = await openIntake(t)
  const reply = await intake.receive('Subject: Hello\r\n\r\nText\r\n', { client })
  const id = formatQueueId(queuedAs(reply))
  const text = await intake.textOf(reply)
  assert.ok(text.startsWith('Received: '), text)
  assert.equal(
    await storedText(intake, reply),
    `From: anna@example.test\r\nDate: ${date}\r\nMessage-ID: <${id}@mail.example.test>\r\n` +
      'Subject: Hello\r\n\r\nText\r\n',
  )
})

for (const [what, text] of [
  ['all of them', 'From: a@example.test\r\nDate: x\r\nMessage-ID: <1@example.test>\r\n\r\nText\r\n'],
  ['in other letters', 'FROM: a@example.test\r\ndate: x\r\nmessage-id: <1@example.test>\r\n\r\nText\r\n'],
] as const) {
  test(`what is there is left as it is: ${what}`, async t => {
    const intake = await openIntake(t)
    assert.equal(await storedText(intake, await intake.receive(text, { client })), text)
  })
}

for (const [what, text, fields] of [
  ['no header section', '\r\nDate: in the body\r\n', ['From', 'Date', 'Message-ID']],
  ['no body', 'From: a@example.test\r\n', ['Date', 'Message-ID']],
  ['nothing at all', '', ['From', 'Date', 'Message-ID']],
  ['a Date only in a folded line', 'From: a@example.test\r\n\tDate: x\r\n\r\n', ['Date', 'Message-ID']],
] as const) {
  test(`a message with ${what} gets its fields too`, async t => {
    const intake = await openIntake(t)
    const stored = await storedText(intake, await intake.receive(text, { client }))
    assert.ok(stored.endsWith(text))
    assert.deepEqual(
      [...stored.slice(0, stored.length - text.length).matchAll(/^([\w-]+): /gm)].map(([, name]) => name),
      fields,
    )
  })
}

test('Bcc is taken out, with its folded lines', async t => {
  const intake = await openIntake(t)
  const head = 'From: a@example.test\r\nDate: x\r\n'
  const resent = 'Resent-Bcc: fourth@example.org\r\n'
  const reply = await intake.receive(
    `Bcc: secret@example.org\r\n${head}${resent}bcc: other@example.org,\r\n third@example.org\r\nMessage-ID: <1@x>\r\n\r\nBcc: text\r\n`,
    { client },
  )
  assert.equal(await storedText(intake, reply), `${head}Message-ID: <1@x>\r\n\r\nBcc: text\r\n`)
})

for (const [what, text, problem] of [
  ['two authors', 'From: a@example.test\r\nFROM: b@example.org\r\n\r\n', /more than one from field/],
  [
    'a Bcc behind a line that is no field',
    'From: a@example.test\r\nno field\r\nBcc: b@example.org\r\n\r\n',
    /a line before its Bcc field is no header field/,
  ],
  ['two subjects', 'From: a@example.test\r\nSubject: 1\r\nSubject: 2\r\n\r\n', /more than one subject field/],
] as const) {
  test(`${what} are refused, and nothing is kept`, async t => {
    const intake = await openIntake(t)
    const reply = await intake.receive(text, { client })
    assert.deepEqual([reply.code, reply.enhanced], [554, '5.6.0'])
    assert.match(reply.lines[0] ?? '', problem)
    assert.equal(await intake.messages(), 0)
    assert.deepEqual(intake.logged, [])
  })
}

test('without an author and without an account it is refused', async t => {
  const intake = await openIntake(t)
  const reply = await intake.receive('Subject: Hello\r\n\r\n', {
    client: { ...client, account: undefined, local: true },
  })
  assert.deepEqual([reply.code, reply.enhanced], [554, '5.6.0'])
  assert.match(reply.lines[0] ?? '', /no From field/)
})

test('a big message that is refused at its header section leaves nothing behind', async t => {
  const intake = await openIntake(t)
  const big = `From: a@example.test\r\nFrom: b@example.test\r\n\r\n${'x'.repeat(500_000)}\r\n`
  assert.equal((await intake.receive(big, { client })).code, 554)
  assert.deepEqual(await intake.mailDataFiles(), [])
})

test('port 465 is submission too', async t => {
  const intake = await openIntake(t)
  const reply = await intake.receive('Subject: x\r\n\r\n', { client: { ...client, role: 'submissions' } })
  assert.match(await intake.textOf(reply), /^Message-ID: /m)
})

test('between servers nothing is added, taken out or refused', async t => {
  const intake = await openIntake(t)
  const text = 'Bcc: x@example.org\r\nFrom: a@example.test\r\nFrom: b@example.test\r\n\r\n'
  const reply = await intake.receive(text, { client: relayClient })
  assert.equal(await storedText(intake, reply), text)
})

test('the pieces in which a submission comes make no difference', async t => {
  const intake = await openIntake(t)
  const bytes = Buffer.from('Subject: Hello\r\nBcc: x@example.org,\r\n y@example.org\r\n\r\nText\r\n')
  const whole = await storedText(intake, await intake.receive([bytes], { client }))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { minLength: 1, maxLength: 6 }), async cuts => {
      const stored = await storedText(intake, await intake.receive(cutAt(bytes, cuts), { client }))
      assert.equal(withoutId(stored), withoutId(whole))
    }),
    { numRuns: 30 },
  )
})

for (const [text, isRefused] of [
  ['From: a@example.test\r\nno field\r\nBcc: b@example.org\r\n\r\nText', true],
  // As BINARYMIME has it.
  ['no field\r\nabc \nBcc: b@example.org\r\n', true],
  ['no field\r\nTo: c@example.org\r\nRESENT-BCC \t: b@example.org\r\n', true],
  ['From: a@example.test\r\nno field\r\nX-Bcc: b\r\nbcc b: c\r\n Bcc: d\r\n\r\nBcc: in the text\r\n', false],
] as const) {
  test(`a blind copy behind a broken line is found however it is cut: ${JSON.stringify(text)}`, async t => {
    const intake = await openIntake(t)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 6 }), async cuts => {
        const reply = await intake.receive(cutAt(Buffer.from(text), cuts), { client })
        assert.equal(reply.code, isRefused ? 554 : 250)
      }),
      { numRuns: 50 },
    )
  })
}

function withoutId(text: string): string {
  return text.replace(/^Message-ID: <\w{11}@/m, 'Message-ID: <@')
}
