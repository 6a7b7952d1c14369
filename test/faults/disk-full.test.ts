// A data folder whose disk fills up: 452 before the dot's 250 and never after it, nothing lost, and mail again when
// there is space again. The disk is a small tmpfs, which root may mount.
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { awaitMessage, createAccount, listMailbox } from '../harness/mailboxes.ts'
import { missing } from '../harness/programs.ts'
import { openConnection, type RawConnection } from '../harness/raw-connection.ts'
import { createServerFolder, startServer } from '../harness/server-process.ts'
import { fillUp, mountSmallDisk, unmount } from '../harness/small-disk.ts'

const receiver = 'anna@example.test'
const diskBytes = 64 * 1024 * 1024
/** The code that ended the transaction, wherever that was. */
async function send(
  connection: RawConnection,
  subject: string,
  bodyBytes: number,
): Promise<number | undefined> {
  for (const line of ['RSET', 'MAIL FROM:<a@example.org>', `RCPT TO:<${receiver}>`, 'DATA']) {
    const reply = await connection.command(line)
    if (reply === undefined || reply.code >= 400) return reply?.code
  }
  await connection.write(`Subject: ${subject}\r\n\r\n`)
  const line = `${'x'.repeat(76)}\r\n`
  await connection.write(line.repeat(Math.ceil(bodyBytes / line.length)))
  return (await connection.command('.'))?.code
}

for (const [kind, bodyBytes] of [
  ['small messages, kept in the database', 3_000],
  ['large messages, kept in files', 400_000],
] as const) {
  test(`a full disk, ${kind}`, { skip: missing('mount', 'umount') }, async t => {
    const disk = await mountSmallDisk(diskBytes)
    if (disk === undefined) return t.skip('needs the right to mount a tmpfs (root)')
    const at = await createServerFolder({ dataFolder: join(disk, 'data') })
    try {
      await createAccount(at, receiver, 'a password of some length')
      const server = await startServer(at)
      t.after(() => server.kill())
      const connection = await openConnection(server.port('relay'))
      await connection.reply()
      await connection.command('EHLO client.example.org')

      const accepted: string[] = []
      const sendNumbered = async (n: number): Promise<number | undefined> => {
        const code = await send(connection, `number ${n}`, bodyBytes)
        if (code === 250) accepted.push(`number ${n}`)
        return code
      }
      assert.equal(await sendNumbered(1), 250)
      const filler = await fillUp(disk, 2_000_000)
      let code: number | undefined = 250
      let n = 1
      while (code === 250 && n < 5000) code = await sendNumbered(++n)
      assert.equal(code, 452)
      // The session goes on, and says the same again.
      assert.equal(await sendNumbered(++n), 452)
      assert.equal((await connection.command('NOOP'))?.code, 250)

      await rm(filler)
      assert.equal(await sendNumbered(++n), 250)
      await awaitMessage(at, receiver, `number ${n}`)
      connection.destroy()
      assert.equal(await server.stop(), 0)
      const found = (await listMailbox(at, receiver)).map(({ subject }) => subject)
      assert.deepEqual(found.toSorted(), accepted.toSorted())
      await at.postrider('verify')
    } finally {
      await at.remove()
      await unmount(disk)
    }
  })
}
