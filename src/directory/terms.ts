// What an administrator has said of the quota of a domain or an account, and of how long the trash of an account is kept.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { defineRead, type Tx } from '../storage/operation.ts'
import { noSuchAccount } from './accounts.ts'
import { noSuchDomain } from './constraints.ts'
import { defineDirectoryWrite } from './define-directory-write.ts'
import type { AccountTerms, QuotaTerms } from './records.ts'

const quotaColumns = { quotaBytes: 'quota_bytes', quotaMessages: 'quota_messages' } as const
const accountColumns = {
  ...quotaColumns,
  keepTrashDays: 'keep_trash_days',
  keepJunkDays: 'keep_junk_days',
} as const

export interface QuotaTermsRow {
  readonly quota_bytes: number | null
  readonly quota_messages: number | null
}

export interface AccountTermsRow extends QuotaTermsRow {
  readonly keep_trash_days: number | null
  readonly keep_junk_days: number | null
}

export function readQuotaTerms(row: QuotaTermsRow): QuotaTerms {
  return said({ quotaBytes: row.quota_bytes, quotaMessages: row.quota_messages })
}

export function readAccountTerms(row: AccountTermsRow): AccountTerms {
  return {
    ...readQuotaTerms(row),
    ...said({ keepTrashDays: row.keep_trash_days, keepJunkDays: row.keep_junk_days }),
  }
}

function said<Field extends string>(
  fields: Readonly<Record<Field, number | null>>,
): Partial<Record<Field, number>> {
  const entries = Object.entries<number | null>(fields).filter(([, value]) => value !== null)
  return Object.fromEntries(entries) as Partial<Record<Field, number>>
}

/** A field that is not there stays as it is; 'usual': nothing is said of it any more. */
export type Changed<Terms> = { readonly [Field in keyof Terms]?: Terms[Field] | 'usual' }

export const changeAccountTerms = defineDirectoryWrite(
  'directory.change-account-terms',
  async (
    tx,
    { address, change }: { readonly address: Address; readonly change: Changed<AccountTerms> },
  ): Promise<void> => {
    const key = addressKey(address)
    if (!(await tx.get('SELECT 1 AS found FROM account WHERE address_key = ?', key)))
      throw noSuchAccount(address)
    await writeAccountTerms(tx, address, change)
  },
)

export const changeDomainTerms = defineDirectoryWrite(
  'directory.change-domain-terms',
  async (
    tx,
    { domain, change }: { readonly domain: string; readonly change: Changed<QuotaTerms> },
  ): Promise<void> => {
    if (!(await tx.get('SELECT 1 AS found FROM domain WHERE name = ?', domain))) throw noSuchDomain(domain)
    await writeDomainTerms(tx, domain, change)
  },
)

export async function writeAccountTerms(
  tx: Tx,
  address: Address,
  change: Changed<AccountTerms>,
): Promise<void> {
  for (const [column, value] of changesOf(accountColumns, change))
    await tx.run(`UPDATE account SET ${column} = ? WHERE address_key = ?`, value, addressKey(address))
}

export async function writeDomainTerms(tx: Tx, domain: string, change: Changed<QuotaTerms>): Promise<void> {
  for (const [column, value] of changesOf(quotaColumns, change))
    await tx.run(`UPDATE domain SET ${column} = ? WHERE name = ?`, value, domain)
}

function changesOf<Field extends string>(
  columns: Readonly<Record<Field, string>>,
  change: { readonly [Name in Field]?: number | 'usual' | undefined },
): readonly (readonly [column: string, value: number | null])[] {
  return (Object.keys(columns) as Field[]).flatMap(field => {
    const value: number | 'usual' | undefined = change[field]
    return value === undefined ? [] : [[columns[field], value === 'usual' ? null : value] as const]
  })
}

/** Of what is not among them nothing is said, as in a document. */
export function allOf(terms: AccountTerms): Changed<AccountTerms> {
  const fields = Object.keys(accountColumns) as (keyof AccountTerms)[]
  return Object.fromEntries(fields.map(field => [field, terms[field] ?? 'usual']))
}

export const findAccountTerms = defineRead(
  'directory.find-account-terms',
  async (tx, { address }: { readonly address: Address }): Promise<AccountTerms> => {
    const row = await tx.get<AccountTermsRow>(
      'SELECT quota_bytes, quota_messages, keep_trash_days, keep_junk_days FROM account WHERE address_key = ?',
      addressKey(address),
    )
    if (!row) throw noSuchAccount(address)
    return readAccountTerms(row)
  },
)

export const findDomainTerms = defineRead(
  'directory.find-domain-terms',
  async (tx, { domain }: { readonly domain: string }): Promise<QuotaTerms> => {
    const row = await tx.get<QuotaTermsRow>(
      'SELECT quota_bytes, quota_messages FROM domain WHERE name = ?',
      domain,
    )
    if (!row) throw noSuchDomain(domain)
    return readQuotaTerms(row)
  },
)
