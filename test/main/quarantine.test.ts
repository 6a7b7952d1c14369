// Lists of senders and the quarantine beside a server that runs: what an administrator says counts at once, in every front.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { awaitMessage, createAccount } from '../harness/mailboxes.ts'
import { openConnectionOf } from '../harness/raw-connection.ts'
import { createServerFolder, startServer } from '../harness/server-process.ts'

const anna = 'anna@example.test'

test('a sender is blocked at once, what is kept aside is released into the mailbox', async t => {
  const at = await createServerFolder({
    listeners: [{ role: 'relay', address: '127.0.0.1', port: 0, proxyFrom: ['127.0.0.1'] }],
    tables: [
      '[spam]\nquarantineScore = 8\nclientNames = false\ngreetingDelaySeconds = 0',
      '[mailAuthentication]\ndmarc = "off"\nspf = "off"\ndkim = "off"\narc = "off"\niprev = "off"',
      '[hooks]\nfile = "hooks.ts"',
      '[threads]\nfront = 2',
    ].join('\n'),
  })
  t.after(() => at.remove())
  await writeFile(
    join(at.folder, 'hooks.ts'),
    `import { score, type DataHook } from 'postrider/hooks'
export const data: DataHook = ({ message }) =>
  message.body.includes('Buy') ? score(9, 'it sells something') : undefined
`,
  )
  await createAccount(at, anna, 'a password of some length')
  const server = await startServer(at)
  try {
    const send = async (subject: string, text: string): Promise<string> => {
      const connection = await openConnectionOf('203.0.113.9', server.port('relay'))
      await connection.reply()
      let last = ''
      for (const command of [
        'EHLO client.test',
        'MAIL FROM:<boris@friend.test>',
        `RCPT TO:<${anna}>`,
        'DATA',
        `From: boris@friend.test\r\nSubject: ${subject}\r\n\r\n${text}\r\n.`,
      ]) {
        const reply = await connection.command(command)
        last = `${reply?.code} ${reply?.lines.join(' ')}`
        if (!/^[23]/.test(last)) break
      }
      connection.destroy()
      return last
    }
    assert.match(await send('Hello', 'Text'), /^250/)
    await awaitMessage(at, anna, 'Hello')
    const queued = await send('Offer', 'Buy now')
    const id = /queued as (\w+)/.exec(queued)?.[1] ?? assert.fail(queued)
    assert.match(await at.postrider('quarantine', 'list'), new RegExp(`${id} .*Offer .*it has 9 points`))
    assert.match(
      await at.postrider('quarantine', 'show', id),
      /\+9 by the hook file, data: it sells something/,
    )

    await at.postrider('sender', 'block', 'friend.test', '--account', anna)
    // Sessions are spread over the fronts.
    for (const replies of await Promise.all(Array.from({ length: 8 }, () => send('Again', 'Text'))))
      assert.match(replies, /^550 5\.7\.1 <anna@example\.test> takes no mail from boris@friend\.test/)
    await at.postrider('sender', 'remove', 'friend.test', '--account', anna)
    assert.match(await send('Welcome', 'Text'), /^250/)

    assert.match(
      await at.postrider('quarantine', 'release', id, '--not-junk'),
      /^1 message released; the filter has learned/,
    )
    await awaitMessage(at, anna, 'Offer')
    assert.match(await at.postrider('why', id), /it has been in the mailbox INBOX since/)
    assert.equal(await server.stop(), 0)
  } finally {
    await server.kill()
  }
})
