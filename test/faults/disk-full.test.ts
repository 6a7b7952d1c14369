// A data folder whose disk fills up: 452 before the dot's 250 and never after it, nothing lost, and mail again when
// there is space again. The disk is a small tmpfs, which root may mount.
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { listMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { maxInlineBytes } from '../../src/storage/mail-data-store.ts'
import { eventually } from '../harness/eventually.ts'
import { ImapClient } from '../harness/imap-client.ts'
import { awaitMessage, createAccount, listMailbox } from '../harness/mailboxes.ts'
import { missing } from '../harness/programs.ts'
import { openConnection, type RawConnection } from '../harness/raw-connection.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'
import { fillUp, mountSmallDisk, unmount } from '../harness/small-disk.ts'

const receiver = 'anna@example.test'
const password = 'a password of some length'
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

/** Runs with a server whose data folder has a disk of its own. */
async function onSmallDisk(
  t: TestContext,
  listener: 'relay' | 'imap',
  run: (at: ServerFolder, server: ServerProcess, disk: string) => Promise<void>,
): Promise<void> {
  const disk = await mountSmallDisk(diskBytes)
  if (disk === undefined) return t.skip('needs the right to mount a tmpfs (root)')
  const at = await createServerFolder({
    dataFolder: join(disk, 'data'),
    listeners: [{ role: listener, address: '127.0.0.1', port: 0 }],
    tables: '[submission]\nallowPlaintextAuthOnLoopback = true',
  })
  try {
    await createAccount(at, receiver, password)
    const server = await startServer(at)
    t.after(() => server.kill())
    await run(at, server, disk)
    assert.equal(await server.stop(), 0)
    await at.postrider('verify')
  } finally {
    await at.remove()
    await unmount(disk)
  }
}

for (const [kind, bodyBytes] of [
  ['small messages, kept in the database', 3_000],
  ['large messages, kept in files', 400_000],
] as const) {
  test(`a full disk, ${kind}`, { skip: missing('mount', 'umount') }, t =>
    onSmallDisk(t, 'relay', async (at, server, disk) => {
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
      const found = (await listMailbox(at, receiver)).map(({ subject }) => subject)
      assert.deepEqual(found.toSorted(), accepted.toSorted())
    }),
  )

  test(`a full disk, APPEND of ${kind}`, { skip: missing('mount', 'umount') }, t =>
    onSmallDisk(t, 'imap', async (at, server, disk) => {
      const client = await ImapClient.open(server.port('imap'))
      await client.command(`l LOGIN ${receiver} "${password}"`)
      const message = `Subject: kept\r\n\r\n${'x'.repeat(bodyBytes)}\r\n`
      const literal = `{${message.length}+}\r\n${message}`
      const append = async (): Promise<string> =>
        (await client.command(`a APPEND INBOX ${literal} ${literal}`)).at(-1) ?? ''
      const countFiles = async (): Promise<number> => {
        let files = 0
        for await (const _file of listMailDataFiles(at.dataFolder)) files++
        return files
      }
      assert.match(await append(), /^a OK \[APPENDUID \d+ 1:2\]/)
      const filler = await fillUp(disk, 2_000_000)
      let commands = 1
      let answer = await append()
      while (answer.startsWith('a OK') && ++commands < 5000) answer = await append()
      assert.match(answer, /^a NO \[UNAVAILABLE\] The disk of this server is full/)
      assert.match(await append(), /^a NO \[UNAVAILABLE\]/)
      const status = (await client.command('b STATUS INBOX (MESSAGES)')).join('\n')
      assert.match(status, new RegExp(`\\(MESSAGES ${2 * commands}\\)`))
      await eventually('no file is left of what was refused', async () =>
        (await countFiles()) === (bodyBytes > maxInlineBytes ? 2 * commands : 0) ? 'none' : undefined,
      )
      await rm(filler)
      assert.match(await append(), /^a OK/)
      client.destroy()
    }),
  )
}
