// Where the mail of an address goes: the question of each RCPT, so it costs one statement for an account.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import type { Language } from '../queue/records.ts'
import { defineRead, type Tx } from '../storage/operation.ts'
import { isRoleAddress, splitSubaddress } from './keys.ts'
import { readTargets } from './redirections.ts'
import { readAddress } from './rows.ts'

export type ResolvedRecipient =
  | {
      readonly kind: 'account'
      readonly accountId: number
      /** The account's own address. */
      readonly address: Address
      /** What stood after the + (RFC 5233). */
      readonly detail?: string | undefined
      readonly language: Language
      /** Its active Sieve script. */
      readonly scriptId?: number | undefined
    }
  | {
      readonly kind: 'redirection'
      readonly redirection: 'alias' | 'group' | 'catch-all'
      /** The address of the redirection, without subaddress; a catch-all's has an empty local-part. */
      readonly address: Address
      readonly targets: readonly Address[]
    }
  /** The domain is another server's, and its mail is kept here until that server has it. */
  | {
      readonly kind: 'relay-domain'
      readonly keepsUntilFetched: boolean
      /** Until then it is attempted although it is to be fetched, ms since 1970. */
      readonly startsUntil: number
    }
  /** The domain is ours, the address is not. 'disabled': there is an account, and it takes no mail now (RFC 3463: 5.2.1). */
  | { readonly kind: 'unknown-address'; readonly reason: 'no-such-address' | 'disabled' }
  | { readonly kind: 'foreign-domain' }

export interface RecipientQuestion {
  readonly address: Address
  /** The server's own name: postmaster@ and abuse@ it are ours even if it is no domain of the directory. */
  readonly hostname: string
}

interface Candidate {
  readonly kind: 'domain' | 'relay' | 'account' | 'alias' | 'group'
  readonly id: number
  readonly key: string
  readonly address: string
  readonly enabled: number
  /** '' where it is no account's. */
  readonly language: Language | ''
  /** 0: none. */
  readonly script_id: number
}

const candidates = `
  SELECT 'domain' AS kind, id, name AS key, COALESCE(postmaster, '') AS address, 1 AS enabled, '' AS language,
      0 AS script_id
    FROM domain WHERE name = ?
  UNION ALL
  SELECT 'relay', id, name, '', 1, '', 0 FROM relay_domain WHERE name = ?
  UNION ALL
  SELECT 'account', id, address_key, address, enabled, language, COALESCE(script_id, 0) FROM account WHERE address_key IN (?, ?)
  UNION ALL
  SELECT kind, id, address_key, address, 1, '', 0 FROM redirection WHERE address_key IN (?, ?, ?)`

/**
 * In this order: the address itself; the address without its subaddress; for postmaster@ and abuse@ the domain's
 * postmaster, else the first account that is enabled; the catch-all.
 */
export const resolveRecipient = defineRead(
  'directory.resolve-recipient',
  async (tx, { address, hostname }: RecipientQuestion): Promise<ResolvedRecipient> => {
    const exactKey = addressKey(address)
    // Most recipients are accounts as they stand; the domain of an account is ours.
    const account = await tx.get<Candidate>(`${selectAccount} WHERE address_key = ?`, exactKey)
    if (account?.enabled === 1) return await resolveCandidate(tx, account, undefined)
    const sub = splitSubaddress(address)
    const baseKey = sub ? addressKey(sub.base) : exactKey
    const catchAllKey = `@${address.domain}`
    const rows = await tx.all<Candidate>(
      candidates,
      address.domain,
      address.domain,
      exactKey,
      baseKey,
      exactKey,
      baseKey,
      catchAllKey,
    )
    const domain = rows.find(row => row.kind === 'domain')
    const ofHost = address.domain === hostname.toLowerCase()
    if (!domain && !ofHost) {
      const isRelayed = rows.some(row => row.kind === 'relay')
      return isRelayed ? await resolveRelayDomain(tx, address.domain) : { kind: 'foreign-domain' }
    }
    const named = (key: string): Candidate | undefined =>
      rows.find(row => row.key === key && row.kind !== 'domain' && row.kind !== 'relay')
    const exact = named(exactKey)
    // A disabled account must not take postmaster@ with it.
    const shut = exact?.enabled === 0 && isRoleAddress(address)
    if (exact && !shut) return await resolveCandidate(tx, exact, undefined)
    const base = exact ? undefined : sub && named(baseKey)
    if (base) return await resolveCandidate(tx, base, sub?.detail)
    if (isRoleAddress(address)) {
      const role = await resolveRole(tx, address, domain?.address ?? '')
      if (role) return role
    }
    const catchAll = named(catchAllKey)
    if (catchAll) return await resolveCandidate(tx, catchAll, undefined)
    return { kind: 'unknown-address', reason: 'no-such-address' }
  },
)

async function resolveRelayDomain(tx: Tx, name: string): Promise<ResolvedRecipient> {
  const row = await tx.get<{ keeps: number; starts_until: number }>(
    'SELECT keeps, starts_until FROM relay_domain WHERE name = ?',
    name,
  )
  return row
    ? { kind: 'relay-domain', keepsUntilFetched: row.keeps === 1, startsUntil: row.starts_until }
    : { kind: 'foreign-domain' }
}

async function resolveCandidate(
  tx: Tx,
  row: Candidate,
  detail: string | undefined,
): Promise<ResolvedRecipient> {
  if (row.kind === 'account') {
    if (row.enabled === 0) return { kind: 'unknown-address', reason: 'disabled' }
    return {
      kind: 'account',
      accountId: row.id,
      address: readAddress(row.address),
      ...(detail === undefined ? {} : { detail }),
      language: row.language === 'ru' ? 'ru' : 'en',
      ...(row.script_id === 0 ? {} : { scriptId: row.script_id }),
    }
  }
  const address = readAddress(row.address)
  return {
    kind: 'redirection',
    redirection: row.kind === 'group' ? 'group' : address.localPart === '' ? 'catch-all' : 'alias',
    address,
    targets: await readTargets(tx, row.id),
  }
}

// What comes first: the domain's own postmaster and accounts, then those of the others; the host's own name need not be
// a domain. A postmaster whose account is disabled is passed over, because this address has to work.
async function resolveRole(
  tx: Tx,
  address: Address,
  configured: string,
): Promise<ResolvedRecipient | undefined> {
  const { domain } = address
  const ownPostmaster = await postmasterRow(tx, address)
  if (ownPostmaster) return await resolveCandidate(tx, ownPostmaster, undefined)
  if (configured !== '' && (await takesMail(tx, configured))) return toPostmaster(address, configured)
  const ownAccount = await tx.get<Candidate>(
    `${selectAccount} WHERE domain = ? AND enabled = 1 ORDER BY id LIMIT 1`,
    domain,
  )
  if (ownAccount) return await resolveCandidate(tx, ownAccount, undefined)
  const others = await tx.all<{ postmaster: string }>(
    'SELECT postmaster FROM domain WHERE postmaster IS NOT NULL AND name <> ? ORDER BY id LIMIT 8',
    domain,
  )
  for (const other of others) {
    if (await takesMail(tx, other.postmaster)) return toPostmaster(address, other.postmaster)
  }
  const anyAccount = await tx.get<Candidate>(`${selectAccount} WHERE enabled = 1 ORDER BY id LIMIT 1`)
  return anyAccount && (await resolveCandidate(tx, anyAccount, undefined))
}

const selectAccount = `SELECT 'account' AS kind, id, address_key AS key, address, enabled, language,
  COALESCE(script_id, 0) AS script_id FROM account`

// abuse@ goes where postmaster@ goes, if that is an address of its own.
async function postmasterRow(tx: Tx, address: Address): Promise<Candidate | undefined> {
  const key = addressKey({ localPart: 'postmaster', domain: address.domain })
  const account = await tx.get<Candidate>(`${selectAccount} WHERE address_key = ? AND enabled = 1`, key)
  return (
    account ??
    (await tx.get<Candidate>(
      `SELECT kind, id, address_key AS key, address, 1 AS enabled, '' AS language, 0 AS script_id
         FROM redirection WHERE address_key = ?`,
      key,
    ))
  )
}

async function takesMail(tx: Tx, postmaster: string): Promise<boolean> {
  const key = addressKey(readAddress(postmaster))
  return !(await tx.get('SELECT 1 AS found FROM account WHERE address_key = ? AND enabled = 0', key))
}

function toPostmaster(address: Address, postmaster: string): ResolvedRecipient {
  return { kind: 'redirection', redirection: 'alias', address, targets: [readAddress(postmaster)] }
}
