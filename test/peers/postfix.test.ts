// A real Postfix as the other server, both ways, over DNS zones of the test. Postfix asks the system's resolver, so it
// runs where resolv.conf names the test's DNS server; both servers listen on port 25 of loopback addresses of their own.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { chmod, chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createTransport } from 'nodemailer'
import { splitMessage } from '../../src/bounce/message-parts.ts'
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts'
import { eventually } from '../harness/eventually.ts'
import { countQueue, createAccount, readMessage } from '../harness/mailboxes.ts'
import { createOwnResolver, missingOwnResolver, type OwnResolver } from '../harness/own-resolver.ts'
import { missingPostfix, type Postfix, startPostfix } from '../harness/postfix.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'

const anna = 'anna@example.test'
const bob = 'bob@postfix.test'
const password = 'correct-horse-battery-staple'

// Port 25 and 53 of addresses that nobody else has: all of 127.0.0.0/8 is this machine.
const network = `127.${randomInt(1, 255)}.${randomInt(255)}`
const dnsAddress = `${network}.53`
const postriderAddress = `${network}.10`
const postfixAddress = `${network}.20`
const nobody = 65_534

const skip = missingPostfix() || (await missingOwnResolver())

/** The plain text of a report, as a mail program shows it. */
function readFirstPart(message: string): string {
  const part = splitMessage(Buffer.from(message)).find(({ type }) => type === 'text/plain')
  return part?.body.toString() ?? ''
}

describe('with a real Postfix', { skip }, () => {
  let dns: TestDnsServer
  let resolver: OwnResolver
  let at: ServerFolder
  let server: ServerProcess | undefined
  let postfix: Postfix | undefined
  let postfixMail: string

  before(async () => {
    dns = await startDnsServer(
      [
        'example.test MX 10 mail.example.test',
        `mail.example.test A ${postriderAddress}`,
        'postfix.test MX 10 mx.postfix.test',
        `mx.postfix.test A ${postfixAddress}`,
      ],
      { address: dnsAddress, port: 53 },
    )
    resolver = await createOwnResolver(dnsAddress)
    postfixMail = await mkdtemp(join(tmpdir(), 'postfix-mail-'))
    await chmod(postfixMail, 0o755)
    await chown(postfixMail, nobody, nobody)
    at = await createServerFolder({
      listeners: [
        { role: 'relay', address: postriderAddress, port: 25 },
        { role: 'submission', address: '127.0.0.1', port: 0 },
      ],
      tables: `[delivery]\ndnsServers = ["${dns.text}"]\nipv6 = false`,
    })
    await createAccount(at, anna, password)
  })

  after(async () => {
    await server?.kill()
    await postfix?.stop()
    await at.remove()
    await rm(postfixMail, { recursive: true, force: true })
    await resolver.remove()
    await dns.close()
  })

  const runPostfix = (): Promise<Postfix> =>
    startPostfix({
      hostname: 'mx.postfix.test',
      address: postfixAddress,
      port: 25,
      wrapper: resolver.wrapper,
      log: true,
      settings: {
        smtpd_relay_restrictions: 'permit_mynetworks, reject_unauth_destination',
        virtual_mailbox_domains: 'postfix.test',
        virtual_mailbox_maps: `inline:{${bob}=bob/}`,
        virtual_mailbox_base: postfixMail,
        virtual_minimum_uid: '1',
        virtual_uid_maps: `static:${nobody}`,
        virtual_gid_maps: `static:${nobody}`,
      },
    })

  /** The messages in bob's Maildir at Postfix. */
  const readBobsMail = async (): Promise<string[]> => {
    const folder = join(postfixMail, 'bob', 'new')
    const names = await readdir(folder).catch(() => [])
    return Promise.all(names.map(name => readFile(join(folder, name), 'utf8')))
  }

  const submit = async (to: string, subject: string): Promise<string> => {
    assert.ok(server)
    const transport = createTransport({
      host: '127.0.0.1',
      port: server.port('submission'),
      requireTLS: true,
      tls: { rejectUnauthorized: false },
      auth: { user: anna, pass: password },
    })
    const { response } = await transport.sendMail({ from: anna, to, subject, text: 'Good day.\nПривет.' })
    transport.close()
    return response
  }

  test('Postfix → Postrider, which is down first: delivered when Postfix tries again', async () => {
    postfix = await runPostfix()
    const transport = createTransport({ host: postfixAddress, port: 25, ignoreTLS: true })
    await transport.sendMail({ from: bob, to: anna, subject: 'from Postfix', text: 'Good day.' })
    transport.close()
    const sending = postfix
    await eventually('Postfix to put the message off', async () =>
      (await sending.countQueue('deferred')) === 1 ? true : undefined,
    )
    server = await startServer(at)
    await sending.flush()
    const message = await readMessage(at, anna, 'from Postfix')
    assert.match(message, /^Return-Path: <bob@postfix\.test>\r\n/)
    assert.ok(message.includes(`Received: from mx.postfix.test (`), message)
    assert.ok(message.endsWith('\r\n\r\nGood day.\r\n'), message)
    await eventually('Postfix to be done', async () =>
      (await sending.countQueue('deferred')) === 0 ? true : undefined,
    )
  })

  test('Postrider → Postfix, which is down first: delivered on retry', async () => {
    await postfix?.stop()
    server ??= await startServer(at)
    assert.match(await submit(bob, 'to Postfix'), /^250 2\.0\.0 Ok: queued as [0-9A-Z]{11}$/)
    await eventually('a first attempt', async () =>
      /"attempts": 1\b/.test(await at.postrider('queue', 'list', '--json')) ? true : undefined,
    )
    assert.deepEqual(await readBobsMail(), [])
    postfix = await runPostfix()
    await at.postrider('queue', 'retry', '--all')
    const mail = await eventually('the message at Postfix', async () => {
      const messages = await readBobsMail()
      return messages.length > 0 ? messages : undefined
    })
    assert.equal(mail.length, 1)
    assert.match(mail[0] ?? '', /^Subject: to Postfix$/m)
    await eventually('our queue to be empty', async () => ((await countQueue(at)) === 0 ? true : undefined))
  })

  test('an unknown user at Postfix: a report that a person understands', async t => {
    postfix ??= await runPostfix()
    server ??= await startServer(at)
    const response = await submit('nobody-here@postfix.test', 'for whom?')
    const report = await readMessage(at, anna, 'Not delivered: for whom?')
    const words = readFirstPart(report)
    t.diagnostic(`The report says:\n${words}`)
    assert.match(report, /^Return-Path: <>\r\n/)
    assert.match(
      report,
      /Content-Type: multipart\/report;[^\r]*(\r\n[ \t][^\r]*)*report-type="?delivery-status/i,
    )
    // What Postfix said, word by word, and whose words they are.
    assert.match(report, /550 5\.1\.1/)
    assert.match(report, /User unknown/)
    assert.match(report, /Action: failed/i)
    assert.match(report, /Final-Recipient: rfc822; ?nobody-here@postfix\.test/i)
    assert.match(report, /Remote-MTA: dns; ?mx\.postfix\.test/i)
    assert.ok(report.includes('Subject: for whom?'), 'the headers of the message that failed')
    // What a person reads.
    assert.match(words, /nobody-here@postfix\.test/)
    assert.match(words, /The address nobody-here@postfix\.test does not exist/)
    assert.match(words, /User unknown in virtual mailbox table/)
    assert.match(words, /What to do: /)
    await eventually('our queue to be empty', async () => ((await countQueue(at)) === 0 ? true : undefined))
    const queueId = response.split(' ').at(-1) ?? ''
    assert.match(await at.postrider('trace', queueId), /550 5\.1\.1/)
  })
})
