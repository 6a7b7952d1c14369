// A world in which accounts have scripts, and a server elsewhere takes what they send.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { addressOfAccount } from '../../src/directory/accounts.ts'
import { activateScript, storeScript } from '../../src/filtering/scripts.ts'
import { flagNames } from '../../src/mail-access/flag-names.ts'
import { listMailboxMessages } from '../../src/mailbox/operations.ts'
import { type RemotePeer, startPeer } from '../delivery/remote-peer.ts'
import { createWorld, type World, type WorldOptions } from '../delivery/world.ts'

export interface ScriptWorld {
  readonly world: World
  readonly peer: RemotePeer
  /** An account of this address with this active script. */
  readonly account: (address: string, script: string, language?: 'en' | 'ru') => Promise<number>
  /** In the place of the one before. */
  readonly write: (accountId: number, script: string, name?: string) => Promise<void>
  /** Each message in it, oldest first, as it would be read: with its flags. */
  readonly read: (accountId: number, mailbox?: string) => Promise<readonly ReadMessage[]>
  /** The subjects in it, oldest first. */
  readonly subjects: (accountId: number, mailbox?: string) => Promise<readonly string[]>
}

export interface ReadMessage {
  readonly text: string
  readonly flags: readonly string[]
}

export async function createScriptWorld(t: TestContext, options: WorldOptions = {}): Promise<ScriptWorld> {
  const peer = await startPeer({ address: '127.0.0.2' })
  t.after(() => peer.close())
  const world = await createWorld(t, { ...options, delivery: { port: peer.port, ...options.delivery } })
  for (const domain of ['example.org', 'example.net']) world.dns.mx(domain, 10, 'mx1.example.org')
  world.dns.host('mx1.example.org', peer.address)
  const { storage } = world
  const write = async (accountId: number, script: string, name = 'main'): Promise<void> => {
    const body = Buffer.from(script)
    const problem = await storage.run(storeScript, { ownerId: accountId, name, body, at: world.clock.now() })
    assert.equal(problem, undefined)
  }
  const read = async (accountId: number, mailbox = 'INBOX'): Promise<readonly ReadMessage[]> => {
    const rows = await storage.run(listMailboxMessages, { accountId, mailbox, limit: 1000 })
    return await Promise.all(
      rows.toReversed().map(async ({ mailDataId, traceFields, flags, keywords }) => {
        const chunks: Uint8Array[] = []
        for await (const chunk of world.mailData.read(mailDataId)) chunks.push(chunk)
        return {
          text: traceFields + Buffer.concat(chunks).toString('utf8'),
          flags: flagNames(flags, keywords),
        }
      }),
    )
  }
  return {
    world,
    peer,
    write,
    read,
    async account(address, script, language) {
      const id = await world.account(address, language)
      assert.equal(await storage.run(addressOfAccount, { id }), address)
      await write(id, script)
      assert.equal(await storage.run(activateScript, { accountId: id, name: 'main' }), true)
      return id
    },
    async subjects(accountId, mailbox) {
      const messages = await read(accountId, mailbox)
      return messages.map(({ text }) => /^Subject: (.*)\r$/m.exec(text)?.[1] ?? '')
    },
  }
}
