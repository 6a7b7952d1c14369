// Mail that scripts ask for, as a reader that we did not write finds it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import PostalMime from 'postal-mime'
import { composeNotification } from '../../src/sieve/compose/compose-notification.ts'
import { composeRejection } from '../../src/sieve/compose/compose-rejection.ts'
import { composeReply } from '../../src/sieve/compose/compose-reply.ts'
import type { ComposedMail } from '../../src/sieve/compose/composed-mail.ts'
import { addressOf, messageOf, run, type SieveWorld } from '../harness/sieve.ts'

const options = { messageId: 'x1@mail.example.test', at: Date.parse('2026-11-27T12:00:00Z') }
const plain =
  'From: Anna <anna@example.net>\nTo: me@example.com\nSubject: =?utf-8?q?=D0=A1=D1=87=D1=91=D1=82?=\nMessage-ID: <1@example.net>\nReferences: <0@example.net>\n\nAt noon?\n'

async function compose(script: string, world?: SieveWorld, message = plain): Promise<ComposedMail> {
  const { actions, error } = await run(script, message, world)
  assert.equal(error, undefined)
  const [action] = actions
  switch (action?.kind) {
    case 'vacation':
      return composeReply(action, options)
    case 'notify':
      return composeNotification(action, { ...options, owner: addressOf('me@example.com') })
    case 'reject':
      return composeRejection(action, {
        ...options,
        hostname: 'mail.example.test',
        language: 'en',
        to: addressOf('sender@example.net'),
        recipient: addressOf('me@example.com'),
        headerSection: messageOf(message).headerSection,
      })
    default:
      return assert.fail(action?.kind)
  }
}

function linesOf({ mailData }: ComposedMail): string[] {
  const lines = mailData.toString().split('\r\n')
  for (const line of lines) {
    assert.doesNotMatch(line, /[\r\n]/)
    assert.ok(Buffer.byteLength(line) <= 998, line)
  }
  return lines
}

describe('an answer of vacation', () => {
  it('is from the owner to the sender, and says that it is automatic', async () => {
    const mail = await compose('require "vacation"; vacation "Я в отпуске.\nДо встречи!";')
    assert.deepEqual(
      { reversePath: mail.reversePath, recipients: mail.recipients, body: mail.body },
      { reversePath: null, recipients: [addressOf('sender@example.net')], body: '7BIT' },
    )
    const read = await PostalMime.parse(mail.mailData)
    assert.equal(read.from?.address, 'me@example.com')
    assert.deepEqual(
      read.to?.map(({ address }) => address),
      ['sender@example.net'],
    )
    assert.equal(read.subject, 'Auto: Счёт')
    assert.equal(read.text?.trim().replaceAll('\r\n', '\n'), 'Я в отпуске.\nДо встречи!')
    assert.equal(read.inReplyTo, '<1@example.net>')
    assert.equal(read.references, '<0@example.net> <1@example.net>')
    assert.equal(read.headers.find(({ key }) => key === 'auto-submitted')?.value, 'auto-replied')
    assert.equal(read.messageId, '<x1@mail.example.test>')
    assert.equal(read.date, '2026-11-27T12:00:00.000Z')
    linesOf(mail)
  })

  it('has the name that the script gives', async () => {
    const mail = await compose('require "vacation"; vacation :from "Анна <anna@example.com>" "x";')
    const read = await PostalMime.parse(mail.mailData)
    assert.deepEqual(read.from, { name: 'Анна', address: 'anna@example.com' })
  })

  it('with :mime has the fields of its content, and no others', async () => {
    const mail = await compose(`require "vacation"; vacation :mime text:
Content-Type: text/html; charset=utf-8
To: everybody@example.org
Bcc: others@example.org

<p>Привет</p>
.
;`)
    const read = await PostalMime.parse(mail.mailData)
    assert.equal(read.html?.trim(), '<p>Привет</p>')
    assert.deepEqual(
      read.to?.map(({ address }) => address),
      ['sender@example.net'],
    )
    assert.equal(read.bcc, undefined)
    assert.equal(mail.body, '8BITMIME')
  })

  it('with :mime and no entity is the text', async () => {
    const mail = await compose('require "vacation"; vacation :mime "I am away.";')
    assert.equal((await PostalMime.parse(mail.mailData)).text?.trim(), 'I am away.')
  })
})

describe('a notification', () => {
  it('says whose it is, and what it is about', async () => {
    const mail = await compose(
      'require "enotify"; notify :importance "1" :message "Почта" "mailto:a@example.org?cc=b@example.org&bcc=c@example.org&body=Look&x-color=red";',
    )
    assert.deepEqual(
      mail.recipients,
      ['a', 'b', 'c'].map(name => addressOf(`${name}@example.org`)),
    )
    assert.deepEqual(mail.reversePath, addressOf('me@example.com'))
    const read = await PostalMime.parse(mail.mailData)
    const value = (name: string): string | undefined => read.headers.find(({ key }) => key === name)?.value
    assert.equal(read.subject, 'Почта')
    assert.equal(read.text?.trim(), 'Look')
    assert.equal(read.bcc, undefined)
    assert.equal(value('auto-submitted'), 'auto-notified; owner-email="me@example.com"')
    assert.equal(value('importance'), 'high')
    assert.equal(value('x-color'), 'red')
    linesOf(mail)
  })

  it('to hidden recipients alone has a To field all the same', async () => {
    const mail = await compose('require "enotify"; notify "mailto:?bcc=c@example.org";')
    assert.deepEqual(
      (await PostalMime.parse(mail.mailData)).to?.map(({ address }) => address),
      ['me@example.com'],
    )
  })
})

describe('a message that is rejected', () => {
  it('goes back as a disposition notification, with the reason and the fields of the message', async () => {
    const mail = await compose('require "reject"; reject "Больше не пишите.";')
    assert.equal(mail.reversePath, null)
    const read = await PostalMime.parse(mail.mailData)
    assert.equal(read.subject, 'Refused: Счёт')
    assert.match(read.text ?? '', /refused by a rule of the recipient's\.[^]*Больше не пишите\./)
    const parts = linesOf(mail).join('\n')
    assert.match(parts, /report-type=disposition-notification/)
    assert.match(parts, /^Disposition: automatic-action\/MDN-sent-automatically; deleted$/m)
    assert.match(parts, /^Final-Recipient: rfc822;me@example\.com$/m)
    assert.match(parts, /^Original-Message-ID: <1@example\.net>$/m)
    assert.match(parts, /^Content-Type: text\/rfc822-headers$/m)
  })

  it('shows the message as it came, not as a script has edited it', async () => {
    const mail = await compose(
      'require ["reject", "editheader"]; deleteheader "References"; addheader "X-A" "1"; reject "no";',
    )
    assert.match(mail.mailData.toString(), /^References: <0@example\.net>\r$/m)
    assert.doesNotMatch(mail.mailData.toString(), /^X-A:/m)
  })
})
