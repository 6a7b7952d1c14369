// LMTP with servers that we did not write: Postrider in front of Dovecot, and Postfix in front of Postrider.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createTransport } from 'nodemailer'
import { missingDovecot, startDovecot } from '../harness/dovecot.ts'
import { eventually } from '../harness/eventually.ts'
import { findFreePort } from '../harness/free-port.ts'
import { awaitEmptyQueue, countQueue, createAccount, listMailbox, readMessage } from '../harness/mailboxes.ts'
import { missingPostfix, startPostfix } from '../harness/postfix.ts'
import { createServerFolder, startServer } from '../harness/server-process.ts'

const password = 'correct-horse-battery-staple'
const [anna, boris, clara] = ['anna@example.test', 'boris@example.test', 'clara@example.test'] as const

async function send(
  port: number,
  to: readonly string[],
  subject: string,
  text = 'Good day.\n.\nПривет.',
): Promise<string> {
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true })
  const { response } = await transport.sendMail({ from: 'sender@example.org', to: [...to], subject, text })
  transport.close()
  return response
}

const queueIdIn = (response: string): string => /queued as (\S+)/.exec(response)?.[1] ?? assert.fail(response)

describe('Postrider in front of Dovecot', { skip: missingDovecot() }, () => {
  for (const way of ['a UNIX socket', 'a port'] as const)
    test(`over ${way}: each recipient has the outcome that Dovecot gives`, async t => {
      // Clara has an account at Postrider, and none there; boris has room for next to nothing.
      const dovecot = await startDovecot([{ address: anna }, { address: boris, quotaBytes: 300 }])
      t.after(() => dovecot.remove())
      const to = way === 'a port' ? `127.0.0.1:${dovecot.lmtpPort}` : `unix:${dovecot.lmtpSocket}`
      const at = await createServerFolder({
        tables: `[delivery]\ndnsServers = ["127.0.0.1:1"]\n[[delivery.lmtp]]\nto = "${to}"`,
      })
      t.after(() => at.remove())
      for (const address of [anna, boris, clara]) await createAccount(at, address, password)
      await at.postrider('alias', 'create', 'info@example.test', anna)
      const server = await startServer(at)
      t.after(() => server.kill())
      const id = queueIdIn(await send(server.port('relay'), [anna, boris, clara], 'three of them'))
      const trace = await eventually('the outcomes', async () => {
        const text = await at.postrider('trace', id)
        return /Delivered over LMTP/.test(text) && (text.match(/Failed for/g) ?? []).length === 2
          ? text
          : undefined
      })
      assert.match(trace, /Delivered over LMTP to \S+ at \S+.* for anna@example\.test: 250 2\.0\.0/)
      assert.match(trace, /Failed for boris@example\.test.*552 5\.2\.2/)
      assert.match(trace, /Failed for clara@example\.test.*550 5\.1\.1/)
      const [first] = await dovecot.messages(anna)
      assert.match(first ?? '', /^Return-Path: <sender@example\.org>$/m)
      assert.match(first ?? '', /^Subject: three of them$/m)
      assert.match(first ?? '', /^\.$/m)
      assert.deepEqual(await listMailbox(at, anna), [])

      await send(server.port('relay'), ['info@example.test', 'anna+news@example.test'], 'by other addresses')
      await eventually('both of them', async () =>
        (await dovecot.messages(anna)).length === 3 ? true : undefined,
      )

      // While it is away mail waits, and goes when it is back.
      await dovecot.stop()
      const late = queueIdIn(await send(server.port('relay'), [anna], 'while Dovecot was away'))
      await eventually('a reason to wait', async () =>
        (await at.postrider('trace', late)).includes('Not delivered yet to anna@example.test')
          ? true
          : undefined,
      )
      await dovecot.startAgain()
      assert.equal((await dovecot.messages(anna)).length, 3)
      await at.postrider('queue', 'retry', late)
      await eventually('the message that waited', async () =>
        (await dovecot.messages(anna)).length === 4 ? true : undefined,
      )
      await server.stop()
    })
})

describe('Postfix in front of Postrider', { skip: missingPostfix() }, () => {
  for (const way of ['a UNIX socket', 'a port'] as const)
    test(`over ${way}: Postfix keeps what is not delivered, and nothing waits here`, async t => {
      // Postfix passes through here to the socket.
      const folder = await mkdtemp(join(tmpdir(), 'postrider-lmtp-'))
      await chmod(folder, 0o755)
      t.after(() => rm(folder, { recursive: true }))
      const port = await findFreePort()
      const path = join(folder, 'lmtp')
      const [listens, transport] =
        way === 'a port'
          ? [`address = "127.0.0.1"\nport = ${port}\nclients = ["127.0.0.1"]`, `lmtp:inet:127.0.0.1:${port}`]
          : [`path = "${path}"\nmode = "0600"\nowner = "postfix"`, `lmtp:unix:${path}`]
      const at = await createServerFolder({ tables: `[[lmtp]]\n${listens}` })
      t.after(() => at.remove())
      for (const address of [anna, boris]) await createAccount(at, address, password)
      const smtpPort = await findFreePort()
      const postfix = await startPostfix({
        hostname: 'mx.example.test',
        address: '127.0.0.1',
        port: smtpPort,
        log: true,
        settings: {
          virtual_mailbox_domains: 'example.test',
          virtual_transport: transport,
          smtpd_relay_restrictions: 'permit_mynetworks, reject_unauth_destination',
          // One recipient after the other would not show that each has a reply of its own.
          lmtp_destination_recipient_limit: '50',
        },
      })
      t.after(() => postfix.stop())

      // Down first: it waits at Postfix.
      await send(smtpPort, [anna], 'while Postrider was away')
      await eventually('Postfix to put the message off', async () =>
        (await postfix.countQueue('deferred')) === 1 ? true : undefined,
      )
      const server = await startServer(at)
      t.after(() => server.kill())
      await postfix.flush()
      assert.match(await readMessage(at, anna, 'while Postrider was away'), /with LMTP id/)

      await send(smtpPort, [anna, 'nobody@example.test', boris], 'to each')
      const log = await eventually('the last of the outcomes', async () => {
        const text = await postfix.log()
        return /to=<nobody@example\.test>.*status=bounced/.test(text) && /to=<boris@.*status=sent/.test(text)
          ? text
          : undefined
      })
      assert.match(
        log,
        /to=<anna@example\.test>.*status=sent \(250 2\.0\.0 <anna@example\.test> delivered as/,
      )
      assert.match(
        log,
        /to=<boris@example\.test>.*status=sent \(250 2\.0\.0 <boris@example\.test> delivered as/,
      )
      assert.match(log, /to=<nobody@example\.test>.*550 5\.1\.1/)
      for (const address of [anna, boris])
        assert.match(await readMessage(at, address, 'to each'), /^Delivered-To: \w+@example\.test\r?$/m)
      assert.equal(await countQueue(at), 0)
      await awaitEmptyQueue(at, 1000)
      await server.stop()
    })
})
