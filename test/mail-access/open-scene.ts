// Several people at one IMAP server over real storage, and what they say and hear, as a text:
//
//     boris> SELECT INBOX
//     * 1 EXISTS
//     ...
//     OK [READ-WRITE] SELECT completed
//     boris<
//     * 2 EXISTS
//
// With '!' for '>' the line goes out as it stands, and what is expected comes first of what is heard. Behind '<' stands what comes
// without a question. '...' stands for any text within a line, and alone for any lines. Tags are left out, and what is \Recent, which
// depends on who comes first.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { createImapServer } from '../../src/imap/server/create-imap-server.ts'
import { AccountMailboxes } from '../../src/mail-access/account-mailboxes.ts'
import { createMailboxChanges } from '../../src/mail-access/mailbox-changes.ts'
import type { AccessParts } from '../../src/mail-access/parts.ts'
import { type Extent, noLimit } from '../../src/mailbox/quota.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { OneByOne } from '../../src/runtime/one-by-one.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { addAccount, addDomain } from '../directory/open-directory.ts'
import { ImapClient } from '../harness/imap-client.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'
import { openTestStorage, type TestStorage } from '../harness/test-storage.ts'

export interface Scene extends TestStorage {
  readonly clock: ManualClock
  /** Who takes part: 'anna' is anna@example.test, 'olga@example.org' is of another domain. */
  readonly accounts: ReadonlyMap<string, number>
  readonly play: (text: string) => Promise<void>
  /** What is answered, without the tag. */
  readonly say: (who: string, command: string) => Promise<readonly string[]>
  /** A message of one line into a mailbox, with flags. */
  readonly append: (
    who: string,
    mailbox: string,
    options?: { readonly flags?: string; readonly text?: string },
  ) => Promise<string>
}

/** '...' stands for any text. */
function fits(expected: string, line: string): boolean {
  const [first = '', ...rest] = expected.split('...')
  const last = rest.pop()
  if (last === undefined) return line === first
  if (!line.startsWith(first) || !line.endsWith(last)) return false
  let at = first.length
  for (const part of rest) {
    const found = line.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at + last.length <= line.length
}

export async function openScene(t: TestContext, ...people: readonly string[]): Promise<Scene> {
  return await openLimitedScene(t, noLimit, ...people)
}

/** Nobody may have more than `usualQuota`. */
export async function openLimitedScene(
  t: TestContext,
  usualQuota: Extent,
  ...people: readonly string[]
): Promise<Scene> {
  const opened = await openTestStorage(t)
  const { storage, mailData } = opened
  const clock = createManualClock()
  let lastId = 0
  const parts: AccessParts = {
    hostname: 'mail.example.test',
    random: systemRandom,
    storage,
    mailData,
    clock,
    changes: createMailboxChanges(storage),
    nextQueueId: () => ++lastId,
    usualQuota,
    sorting: new OneByOne(),
  }
  const accounts = new Map<string, number>()
  const addressOf = (who: string): string => (who.includes('@') ? who : `${who}@example.test`)
  const domainOf = (who: string): string => addressOf(who).slice(addressOf(who).indexOf('@') + 1)
  for (const domain of new Set(['example.test', 'example.org', ...people.map(domainOf)]))
    await addDomain(storage, domain)
  for (const who of people) accounts.set(addressOf(who), await addAccount(storage, addressOf(who)))
  const server = createImapServer({
    hostname: 'mail.example.test',
    listeners: [{ role: 'imap', address: '127.0.0.1', port: 0 }],
    allowPlaintextAuthOnLoopback: true,
    services: {
      async authenticate(_client, name) {
        const id = accounts.get(name)
        return id === undefined ? undefined : { id, address: name }
      },
      openMailboxes: (_client, { id }) => new AccountMailboxes(parts, id),
    },
    // A fault of ours is told as NO; here it ends the test.
    log: { ...silentLog, error: (message, _fields, cause) => assert.fail(`${message}: ${String(cause)}`) },
  })
  const [listener] = await server.listen()
  const clients = new Map<string, ImapClient>()
  opened.beforeClose(async () => {
    for (const client of clients.values()) client.destroy()
    await server.close(0)
  })
  let lastTag = 0
  /** 'anna' and 'anna2' are two sessions of one account. */
  const clientOf = async (who: string): Promise<ImapClient> => {
    const open = clients.get(who)
    if (open) return open
    const client = await ImapClient.open(listener?.port ?? 0)
    await client.line()
    const [answer = ''] = (
      await client.command(`a0 LOGIN ${addressOf(who.replace(/\d$/, ''))} secret`)
    ).slice(-1)
    assert.match(answer, /^a0 OK/)
    clients.set(who, client)
    return client
  }
  const say = async (who: string, command: string): Promise<readonly string[]> => {
    const tag = `t${++lastTag}`
    const lines = await (await clientOf(who)).command(`${tag} ${command}`)
    return lines
      .filter(line => !isRecent(line))
      .map(line => withoutRecent(line.startsWith(`${tag} `) ? line.slice(tag.length + 1) : line))
  }
  return {
    ...opened,
    clock,
    accounts,
    say,
    async append(who, mailbox, { flags = '', text = 'Subject: test\r\n\r\ntext\r\n' } = {}) {
      const heard = await say(who, `APPEND "${mailbox}" (${flags}) {${Buffer.byteLength(text)}+}\r\n${text}`)
      return heard.at(-1) ?? ''
    },
    async play(text) {
      const lines = text.split('\n').flatMap(line => (line.trim() === '' ? [] : [line.trim()]))
      for (let at = 0; at < lines.length; ) {
        const [, who = '', kind, command = ''] = /^(\S+?)([<>!]) ?(.*)$/.exec(lines[at] ?? '') ?? []
        assert.ok(who !== '', `${lines[at]} is neither said nor heard by anybody`)
        const first = ++at
        while (at < lines.length && !/^[^\s*]+[<>!]/.test(lines[at] ?? '')) at++
        const expected = lines.slice(first, at)
        if (kind === '>') compare(`${who}> ${command}`, await say(who, command), expected)
        else {
          const client = await clientOf(who)
          if (kind === '!') client.write(`${command}\r\n`)
          const heard: string[] = []
          while (heard.length < expected.length) {
            const line = (await client.line()) ?? '(closed)'
            if (!isRecent(line)) heard.push(withoutRecent(line))
          }
          compare(`${who}${kind} ${command}`, heard, expected)
        }
      }
    },
  }
}

const isRecent = (line: string): boolean => /^\* \d+ RECENT$/.test(line)
const withoutRecent = (line: string): string => line.replace(/ ?\\Recent/, '')

function compare(what: string, heard: readonly string[], expected: readonly string[]): void {
  const all = `${what}\n${heard.join('\n')}`
  let next = 0
  let maySkip = false
  for (const line of expected) {
    if (line === '...') {
      maySkip = true
      continue
    }
    if (maySkip) while (next < heard.length && !fits(line, heard[next] ?? '')) next++
    maySkip = false
    assert.ok(fits(line, heard[next] ?? '(nothing)'), `expected ${line} in\n${all}`)
    next++
  }
  if (!maySkip) assert.equal(heard.length, next, all)
}
