// Domains whose mail belongs on another server: this one takes it from anywhere, and keeps it until that server is back, or
// fetches it.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { defineRead, type Tx } from '../storage/operation.ts'
import { assertNoDomain } from './constraints.ts'
import { defineDirectoryWrite } from './define-directory-write.ts'
import { directoryFault } from './directory-fault.ts'
import { displayAddress, displayDomain } from './display.ts'
import type { RelayDomain } from './records.ts'
import { type RelayDomainRow, readRelayDomain } from './rows.ts'

const selectRelayDomains = `
  SELECT relay_domain.id AS id, relay_domain.name AS name, keeps, anyone_starts, account.address AS owner,
         relay_domain.created_at AS created_at
    FROM relay_domain LEFT JOIN account ON account.id = relay_domain.owner_id`

export const listRelayDomains = defineRead(
  'directory.list-relay-domains',
  async (tx): Promise<RelayDomain[]> =>
    (await tx.all<RelayDomainRow>(`${selectRelayDomains} ORDER BY relay_domain.name`)).map(readRelayDomain),
)

/** undefined when it is none that is relayed. */
export const findRelayDomain = defineRead(
  'directory.find-relay-domain',
  async (tx, input: { readonly name: string }): Promise<RelayDomain | undefined> => {
    const row = await tx.get<RelayDomainRow>(`${selectRelayDomains} WHERE relay_domain.name = ?`, input.name)
    return row && readRelayDomain(row)
  },
)

/** Throws DIRECTORY_NO_SUCH_DOMAIN when it is none that is relayed. */
export const showRelayDomain = defineRead(
  'directory.show-relay-domain',
  async (tx, input: { readonly name: string }): Promise<RelayDomain> => {
    const found = await findRelayDomain.run(tx, input)
    if (!found) throw noSuchRelayDomain(input.name)
    return found
  },
)

function noSuchRelayDomain(name: string): Error {
  return directoryFault(
    'DIRECTORY_NO_SUCH_DOMAIN',
    `${displayDomain(name)} is no domain that this server relays. "postrider domain create ${displayDomain(name)} --relay" makes it one.`,
  )
}

export interface RelayDomainTerms {
  readonly keepsUntilFetched: boolean
  readonly anyoneStarts: boolean
  readonly owner?: Address | undefined
}

export interface NewRelayDomain extends RelayDomainTerms {
  /** Canonical: A-labels. */
  readonly name: string
  readonly at: number
}

export const createRelayDomain = defineDirectoryWrite(
  'directory.create-relay-domain',
  async (tx, input: NewRelayDomain): Promise<void> => {
    await assertNoDomain(tx, input.name)
    await insertRelayDomain(tx, input)
  },
)

export async function insertRelayDomain(tx: Tx, input: NewRelayDomain): Promise<void> {
  const { name, at } = input
  await tx.run(
    'INSERT INTO relay_domain (name, keeps, anyone_starts, created_at) VALUES (?, 0, 0, ?)',
    name,
    at,
  )
  await writeTerms(tx, input)
  // What was queued before is mail for it too.
  await tx.run('UPDATE queue_recipient SET relay_domain = ? WHERE domain = ?', name, name)
}

/** What is given changes; the rest stays. An owner of null is none. */
export interface RelayDomainChange {
  readonly name: string
  readonly keepsUntilFetched?: boolean | undefined
  readonly anyoneStarts?: boolean | undefined
  readonly owner?: Address | null | undefined
  readonly at: number
}

export const changeRelayDomain = defineDirectoryWrite(
  'directory.change-relay-domain',
  async (tx, change: RelayDomainChange): Promise<RelayDomain> => {
    const { name, at } = change
    const before = await showRelayDomain.run(tx, { name })
    const owner = change.owner === undefined ? before.owner : (change.owner ?? undefined)
    const terms = {
      keepsUntilFetched: change.keepsUntilFetched ?? before.keepsUntilFetched,
      anyoneStarts: change.anyoneStarts ?? before.anyoneStarts,
      owner,
    }
    await replaceTerms(tx, { name, at, ...terms })
    return { ...before, ...terms }
  },
)

/** Mail that waits goes the new way at once. */
export async function replaceTerms(tx: Tx, terms: NewRelayDomain): Promise<void> {
  await writeTerms(tx, terms)
  await makeDue(tx, terms.name, terms.at)
}

async function writeTerms(
  tx: Tx,
  { name, keepsUntilFetched, anyoneStarts, owner }: NewRelayDomain,
): Promise<void> {
  await tx.run(
    'UPDATE relay_domain SET keeps = ?, anyone_starts = ?, owner_id = ? WHERE name = ?',
    keepsUntilFetched ? 1 : 0,
    anyoneStarts ? 1 : 0,
    owner ? await accountId(tx, owner) : null,
    name,
  )
}

async function accountId(tx: Tx, owner: Address): Promise<number> {
  const row = await tx.get<{ id: number }>('SELECT id FROM account WHERE address_key = ?', addressKey(owner))
  if (row) return row.id
  throw directoryFault(
    'DIRECTORY_NO_SUCH_ADDRESS',
    `There is no account ${displayAddress(owner)}, with which the server of a domain could log in. Create it first: postrider account create ${displayAddress(owner)}`,
  )
}

/** Its mail then goes where the DNS says. */
export const removeRelayDomain = defineDirectoryWrite(
  'directory.remove-relay-domain',
  async (tx, { name, at }: { readonly name: string; readonly at: number }): Promise<void> =>
    await deleteRelayDomain(tx, name, at),
)

export async function deleteRelayDomain(tx: Tx, name: string, at: number): Promise<void> {
  await makeDue(tx, name, at)
  await tx.run('UPDATE queue_recipient SET relay_domain = NULL WHERE relay_domain = ?', name)
  await tx.run('DELETE FROM relay_domain WHERE name = ?', name)
}

async function makeDue(tx: Tx, name: string, at: number): Promise<void> {
  await tx.run(
    "UPDATE queue_recipient SET due_at = ? WHERE relay_domain = ? AND state = 'ready' AND lease_owner IS NULL",
    at,
    name,
  )
}
