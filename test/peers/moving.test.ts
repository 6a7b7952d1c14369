// Moving from Dovecot, over IMAP and by its files, and back into files that Dovecot serves.
import assert from 'node:assert/strict'
import { chownSync, cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Dovecot, dovecotPassword, missingDovecot, startDovecot } from '../harness/dovecot.ts'
import { ImapClient } from '../harness/imap-client.ts'
import { createAccount } from '../harness/mailboxes.ts'
import { createServerFolder, type ServerFolder } from '../harness/server-process.ts'

const skip = missingDovecot()
const boris = 'boris@dovecot.test'
const nobody = 65_534

let dovecot: Dovecot
let at: ServerFolder

before(async () => {
  if (skip) return
  dovecot = await startDovecot([{ address: boris }, { address: 'anna@dovecot.test' }])
  at = await createServerFolder()
  for (const name of ['imap', 'files', 'again'])
    await createAccount(at, `${name}@example.test`, 'long enough secret')
})

after(async () => {
  if (skip) return
  await dovecot.remove()
  await at.remove()
})

async function logIn(address: string): Promise<ImapClient> {
  const client = await ImapClient.open(dovecot.imapPort)
  await client.line()
  await client.command(`l LOGIN ${address} ${dovecotPassword}`)
  return client
}

const date = '"01-Feb-2020 10:11:12 +0300"'

async function fill(): Promise<void> {
  const client = await logIn(boris)
  for (const name of ['Work', 'Work.2025', '"R&-D"', '&BB8EPgRHBEIEMA-', '"Sent Items"', 'Trash'])
    await client.command(`c CREATE ${name}`)
  await client.command('s SUBSCRIBE Work.2025')
  const append = async (mailbox: string, flags: string, text: string): Promise<void> => {
    client.write(`m APPEND ${mailbox} (${flags}) ${date} {${text.length}+}\r\n`)
    client.write(Buffer.from(text, 'latin1'))
    client.write('\r\n')
    assert.match((await client.until('m')).join(), /^m OK/m)
  }
  for (let number = 0; number < 300; number++)
    await append('INBOX', number % 2 ? '\\Seen $Label1' : '\\Flagged', `Subject: ${number}\r\n\r\nText\r\n`)
  await append('INBOX', '\\Answered \\Deleted \\Draft $Forwarded work', 'Subject: all\r\n\r\n')
  await append('Work', '', 'Subject: \xe4\xf6\r\n\r\n8 bit \xff and no end')
  await append('Work.2025', '', 'no header\r\n')
  await append('&BB8EPgRHBEIEMA-', '', `Subject: large\r\n\r\n${'0123456789\r\n'.repeat(150_000)}`)
  await append('"Sent Items"', '\\Seen', 'Subject: sent\r\n\r\n')
  await append('Trash', '\\Seen', 'Subject: gone\r\n\r\n')
  client.destroy()
}

/** As Dovecot serves them: flags and times by mailbox and UID. */
async function served(address: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const client = await logIn(address)
  const found: Record<string, readonly string[]> = {}
  for (const line of await client.command('l LIST "" "*"')) {
    const [, name] = /^\* LIST \([^)]*\) "\." (.+)$/.exec(line) ?? []
    if (name === undefined) continue
    await client.command(`e EXAMINE ${name}`)
    const lines = await client.command('f FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE)')
    const facts = lines.filter(one => one.startsWith('* '))
    if (facts.length > 0)
      found[name.replaceAll('"', '')] = facts.map(one =>
        one.replace('\\Recent ', '').replace(' \\Recent', ''),
      )
  }
  client.destroy()
  return found
}

test('over IMAP and by its files the same mail comes, once; and out of here it is the same in Dovecot', {
  skip,
}, async () => {
  await fill()
  const password = join(at.folder, 'password')
  writeFileSync(password, `${dovecotPassword}\n`)
  const overImap = [
    'import',
    'imap',
    'imap@example.test',
    '127.0.0.1',
    '--port',
    String(dovecot.imapPort),
    '--tls',
    'never',
    '--user',
    boris,
    '--password-file',
    password,
  ]
  assert.match(await at.postrider(...overImap, '--dry-run'), /^306 messages would come/m)
  const first = await at.postrider(...overImap)
  assert.match(first, /^306 messages brought/m)
  assert.match(first, /^Sent Items +Sent +1 /m)
  assert.match(first, /^Почта +Почта +1 /m)
  assert.match(await at.postrider(...overImap), /^0 messages brought .* 306 there already/m)

  const byFiles = ['import', 'maildir', 'files@example.test', dovecot.mailFolder(boris)]
  assert.match(await at.postrider(...byFiles), /^306 messages brought/m)
  // By the other way they are there already.
  const both = ['import', 'maildir', 'imap@example.test', dovecot.mailFolder(boris)]
  assert.match(await at.postrider(...both), /^0 messages brought .* 306 there already/m)

  const out = join(at.folder, 'out')
  for (const name of ['imap', 'files'])
    await at.postrider('export', 'maildir', `${name}@example.test`, join(out, name))
  const files = (name: string, folder: string): readonly string[] =>
    readdirSync(join(out, name, folder, 'cur')).map(file => file.replace(/^.*,S=/, ''))
  for (const folder of ['.', '.Work', '.Work.2025', '.Sent', '.&BB8EPgRHBEIEMA-'])
    assert.deepEqual(files('imap', folder), files('files', folder), folder)

  // Dovecot takes the export for its own.
  const theirs = dovecot.mailFolder('anna@dovecot.test')
  rmSync(theirs, { recursive: true, force: true })
  cpSync(join(out, 'imap'), theirs, { recursive: true, preserveTimestamps: true })
  for (const name of ['', ...(readdirSync(theirs, { recursive: true }) as string[])])
    chownSync(join(theirs, name), nobody, nobody)
  const { 'Sent Items': sent, ...others } = await served(boris)
  assert.deepEqual(await served('anna@dovecot.test'), { ...others, Sent: sent })
})
