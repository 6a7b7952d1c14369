// DKIM keys as the database keeps them. The private half leaves it in one operation only, for whoever signs.
import { assertDomain } from '../directory/constraints.ts'
import { defineDirectoryWrite } from '../directory/define-directory-write.ts'
import { displayDomain } from '../directory/display.ts'
import { UsageFault } from '../runtime/fault.ts'
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import type { DkimKey, KeyState } from './dkim-key.ts'
import type { KeyPair, StoredKey } from './key-pair.ts'
import type { KeyFinding } from './key-record.ts'
import { nameSelector } from './selector.ts'
import type { KeyAlgorithm } from './signing-key.ts'

interface KeyRow {
  readonly domain: string
  readonly selector: string
  readonly algorithm: KeyAlgorithm
  readonly public_key: string
  readonly imported: number
  readonly state: KeyState
  readonly state_since: number
  readonly created_at: number
  readonly checked_at: number | null
  readonly finding: 'right' | 'missing' | 'different' | null
  readonly detail: string | null
  readonly seen_since: number | null
}

const columns =
  'domain, selector, algorithm, public_key, imported, state, state_since, created_at, checked_at, finding, detail, seen_since'

function readKey(row: KeyRow): DkimKey {
  return {
    domain: row.domain,
    selector: row.selector,
    algorithm: row.algorithm,
    publicKey: row.public_key,
    isImported: row.imported === 1,
    state: row.state,
    stateSince: row.state_since,
    createdAt: row.created_at,
    ...(row.checked_at === null ? {} : { checkedAt: row.checked_at }),
    ...(row.finding === null ? {} : { finding: row.finding }),
    ...(row.detail === null ? {} : { detail: row.detail }),
    ...(row.seen_since === null ? {} : { seenSince: row.seen_since }),
  }
}

/** Of one domain, or of all; the newest first. */
export const listDkimKeys = defineRead(
  'signing.list-keys',
  async (tx, { domain }: { readonly domain?: string | undefined }): Promise<DkimKey[]> => {
    const rows =
      domain === undefined
        ? await tx.all<KeyRow>(
            `SELECT ${columns} FROM dkim_key ORDER BY domain, created_at DESC, selector DESC`,
          )
        : await tx.all<KeyRow>(
            `SELECT ${columns} FROM dkim_key WHERE domain = ? ORDER BY created_at DESC, selector DESC`,
            domain,
          )
    return rows.map(readKey)
  },
)

/** The key itself, for whoever signs, and what is known of it. */
export interface KeyThatSigns extends StoredKey {
  readonly key: DkimKey
}

export interface KeysThatSign {
  readonly domain: string
  /** RSA first: there are servers that look at the first signature only, and know nothing else. */
  readonly keys: readonly KeyThatSigns[]
}

/** The active ones of the first of `domains` that is ours; undefined: none is. */
export const findKeysThatSign = defineRead(
  'signing.find-keys-that-sign',
  async (tx, { domains }: { readonly domains: readonly string[] }): Promise<KeysThatSign | undefined> => {
    for (const domain of domains) {
      if (!(await tx.get('SELECT 1 AS found FROM domain WHERE name = ?', domain))) continue
      const rows = await tx.all<KeyRow & { readonly private_key: Uint8Array }>(
        `SELECT ${columns}, private_key FROM dkim_key WHERE domain = ? AND state = 'active' ORDER BY algorithm DESC, selector`,
        domain,
      )
      return {
        domain,
        keys: rows.map(row => ({
          domain,
          selector: row.selector,
          algorithm: row.algorithm,
          privateKey: row.private_key,
          key: readKey(row),
        })),
      }
    }
    return undefined
  },
)

export interface NewKey {
  readonly domain: string
  readonly pair: KeyPair
  readonly at: number
  /** It stands in the place of one that is older; another server may have thought of it a moment ago. */
  readonly unlessNewSince: number
}

/** Its selector; undefined: there is one that waits already. */
export const addKey = defineDirectoryWrite(
  'signing.add-key',
  async (tx, { domain, pair, at, unlessNewSince }: NewKey): Promise<string | undefined> => {
    await assertDomain(tx, domain)
    const waiting = await tx.get(
      "SELECT 1 AS found FROM dkim_key WHERE domain = ? AND algorithm = ? AND (state = 'next' OR created_at > ?)",
      domain,
      pair.algorithm,
      unlessNewSince,
    )
    if (waiting) return undefined
    const taken = await tx.all<{ selector: string }>('SELECT selector FROM dkim_key WHERE domain = ?', domain)
    const selector = nameSelector(pair.algorithm, at, new Set(taken.map(row => row.selector)))
    await insertKey(tx, { domain, selector, pair, at, isImported: false })
    return selector
  },
)

export interface ImportedKey {
  readonly domain: string
  readonly selector: string
  readonly pair: KeyPair
  readonly at: number
}

/** One that waits and was never seen gives way to it. */
export const importKey = defineDirectoryWrite(
  'signing.import-key',
  async (tx, { domain, selector, pair, at }: ImportedKey): Promise<void> => {
    await assertDomain(tx, domain)
    if (await tx.get('SELECT 1 AS found FROM dkim_key WHERE domain = ? AND selector = ?', domain, selector))
      throw new UsageFault(
        'DKIM_SELECTOR_TAKEN',
        `${displayDomain(domain)} has a key with the selector ${selector} already. Import this one under another, or see the keys: postrider domain dkim ${displayDomain(domain)}`,
      )
    await tx.run(
      "DELETE FROM dkim_key WHERE domain = ? AND algorithm = ? AND state = 'next' AND seen_since IS NULL",
      domain,
      pair.algorithm,
    )
    await insertKey(tx, { domain, selector, pair, at, isImported: true })
  },
)

async function insertKey(
  tx: Tx,
  { domain, selector, pair, at, isImported }: ImportedKey & { readonly isImported: boolean },
): Promise<void> {
  await tx.run(
    `INSERT INTO dkim_key (domain, selector, algorithm, private_key, public_key, imported, state, state_since, created_at)
     VALUES (?, ?, ?, ?, ?, ?, 'next', ?, ?)`,
    domain,
    selector,
    pair.algorithm,
    pair.privateKey,
    pair.publicKey,
    isImported ? 1 : 0,
    at,
    at,
  )
}

export interface NamedKey {
  readonly domain: string
  readonly selector: string
  readonly at: number
}

/** Where the DNS could not be asked, what was known before stays. */
export const noteKeyFinding = defineWrite(
  'signing.note-finding',
  async (
    tx,
    { domain, selector, at, finding }: NamedKey & { readonly finding: KeyFinding },
  ): Promise<void> => {
    if (finding.kind === 'unknown') return
    const detail = finding.kind === 'different' ? finding.detail : null
    await tx.run(
      `UPDATE dkim_key SET checked_at = ?, finding = ?, detail = ?, seen_since = CASE WHEN ? = 'right' THEN COALESCE(seen_since, ?) END
        WHERE domain = ? AND selector = ?`,
      at,
      finding.kind,
      detail,
      finding.kind,
      at,
      domain,
      selector,
    )
  },
)

/** From now on it signs, and the one of its algorithm that did so before does not. False: it was done already. */
export const promoteKey = defineDirectoryWrite(
  'signing.promote-key',
  async (tx, { domain, selector, at }: NamedKey): Promise<boolean> => {
    const row = await tx.get<{ algorithm: string }>(
      "SELECT algorithm FROM dkim_key WHERE domain = ? AND selector = ? AND state = 'next'",
      domain,
      selector,
    )
    if (!row) return false
    await tx.run(
      "UPDATE dkim_key SET state = 'retired', state_since = ? WHERE domain = ? AND algorithm = ? AND state = 'active'",
      at,
      domain,
      row.algorithm,
    )
    await tx.run(
      "UPDATE dkim_key SET state = 'active', state_since = ? WHERE domain = ? AND selector = ?",
      at,
      domain,
      selector,
    )
    return true
  },
)

/** Its private half is gone then. False: it is revoked already, or there is none. */
export const revokeKey = defineDirectoryWrite(
  'signing.revoke-key',
  async (tx, { domain, selector, at }: NamedKey): Promise<boolean> => {
    const { changes } = await tx.run(
      "UPDATE dkim_key SET state = 'revoked', state_since = ?, private_key = ? WHERE domain = ? AND selector = ? AND state <> 'revoked'",
      at,
      new Uint8Array(0),
      domain,
      selector,
    )
    return changes > 0
  },
)

export const forgetKey = defineWrite(
  'signing.forget-key',
  async (tx, { domain, selector }: Omit<NamedKey, 'at'>): Promise<void> => {
    await tx.run(
      "DELETE FROM dkim_key WHERE domain = ? AND selector = ? AND state = 'revoked'",
      domain,
      selector,
    )
  },
)

export const signingOperations = [
  listDkimKeys,
  findKeysThatSign,
  addKey,
  importKey,
  noteKeyFinding,
  promoteKey,
  revokeKey,
  forgetKey,
] as const
