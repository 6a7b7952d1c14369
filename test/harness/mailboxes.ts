// Accounts and mailboxes of a server, through its command line: what an administrator would type and see.
import { z } from 'zod'
import { eventually } from './eventually.ts'
import type { ServerFolder } from './server-process.ts'

const domainList = z.array(z.object({ name: z.string() }))
const messageList = z.array(z.object({ uid: z.int(), subject: z.string() }))

/** Makes an account, and its domain when that is new. */
export async function createAccount(at: ServerFolder, address: string, password: string): Promise<void> {
  const domain = address.slice(address.lastIndexOf('@') + 1)
  // On a server that is new there is nothing to list.
  const { exitCode, stdout } = await at.tryPostrider('domain', 'list', '--json')
  const domains = exitCode === 0 ? domainList.parse(JSON.parse(stdout)) : []
  if (!domains.some(({ name }) => name === domain)) await at.postrider('domain', 'create', domain)
  await at.postrider('account', 'create', address, '--password', password)
}

export async function listMailbox(
  at: ServerFolder,
  address: string,
): Promise<readonly { readonly uid: number; readonly subject: string }[]> {
  return messageList.parse(
    JSON.parse(await at.postrider('mail', 'list', address, '--json', '--limit', '1000000')),
  )
}

/** Waits until a message with this subject is in the mailbox; there must be no other such. Returns its UID. */
export async function awaitMessage(at: ServerFolder, address: string, subject: string): Promise<number> {
  return eventually(`"${subject}" in the mailbox of ${address}`, async () => {
    const found = (await listMailbox(at, address)).filter(message => message.subject === subject)
    if (found.length > 1)
      throw new Error(`${found.length} messages "${subject}" in the mailbox of ${address}`)
    return found[0]?.uid
  })
}

/** The same, and returns the message as it was delivered. */
export async function readMessage(at: ServerFolder, address: string, subject: string): Promise<string> {
  return at.postrider('mail', 'read', address, String(await awaitMessage(at, address, subject)))
}

/** How many messages wait in the queue, as `postrider queue list` shows them. */
export async function countQueue(at: ServerFolder): Promise<number> {
  return z.array(z.unknown()).parse(JSON.parse(await at.postrider('queue', 'list', '--json'))).length
}

export async function awaitEmptyQueue(at: ServerFolder, forMs: number): Promise<void> {
  await eventually('an empty queue', async () => ((await countQueue(at)) === 0 ? true : undefined), {
    forMs,
    everyMs: 500,
  })
}
