// The whole directory as one value: what is exported to and applied from a text file.
import type { Address } from '../address/address.ts'
import type { Language } from '../queue/records.ts'
import { defineRead, type Tx } from '../storage/operation.ts'
import { type AppPasswordScope, type AppPasswordSecret, selectAppPasswords } from './app-passwords.ts'
import type { AccountTerms, QuotaTerms, RedirectionKind } from './records.ts'
import { readTargets } from './redirections.ts'
import { listRelayDomains, type RelayDomainTerms } from './relay-domains.ts'
import {
  type AccountRow,
  type DomainRow,
  type RedirectionRow,
  readAccount,
  readDomain,
  readRedirection,
} from './rows.ts'
import { listScramKeys, type ScramColumns } from './scram-credentials.ts'
import { type AccountTermsRow, type QuotaTermsRow, readAccountTerms, readQuotaTerms } from './terms.ts'

export interface DocumentDomain extends QuotaTerms {
  readonly name: string
  readonly postmaster?: Address | undefined
}

export interface DocumentAccount extends AccountTerms {
  readonly address: Address
  readonly name: string
  readonly language: Language
  readonly enabled: boolean
  /** A directory elsewhere knows it; its hash is then nobody's. */
  readonly outside: boolean
  readonly passwordHash: string
  /** Of the same password; none: nobody logs in with SCRAM. */
  readonly scramKeys: readonly string[]
}

export interface DocumentAppPassword extends AppPasswordSecret {
  readonly account: Address
  readonly name: string
  readonly scopes: readonly AppPasswordScope[]
  readonly expiresAt?: number | undefined
}

export interface DocumentRelayDomain extends RelayDomainTerms {
  readonly name: string
}

export interface DocumentRedirection {
  readonly kind: RedirectionKind
  readonly address: Address
  readonly name: string
  readonly targets: readonly Address[]
  /** Of a group: its members may send as it. */
  readonly membersSend: boolean
}

export interface DirectoryDocument {
  readonly domains: readonly DocumentDomain[]
  readonly accounts: readonly DocumentAccount[]
  readonly appPasswords: readonly DocumentAppPassword[]
  readonly redirections: readonly DocumentRedirection[]
  readonly relays: readonly DocumentRelayDomain[]
}

/** Everything, in the order of names; with password hashes, so whoever reads it must keep it as safe as the database. */
export const exportDirectory = defineRead('directory.export', async tx => await readDirectory(tx))

export async function readDirectory(tx: Tx): Promise<DirectoryDocument> {
  const domains = await tx.all<DomainRow & QuotaTermsRow>(
    'SELECT id, name, postmaster, created_at, quota_bytes, quota_messages FROM domain ORDER BY name',
  )
  const accounts = await tx.all<AccountRow & ScramColumns & AccountTermsRow>(
    `SELECT id, address, name, language, enabled, created_at, outside, password_hash, scram_keys, scram_hash,
            quota_bytes, quota_messages, keep_trash_days, keep_junk_days FROM account ORDER BY domain, address_key`,
  )
  const rows = await tx.all<RedirectionRow>(
    // What a directory elsewhere says is not said here.
    'SELECT id, kind, address, name, members_send, created_at FROM redirection WHERE outside_of IS NULL ORDER BY kind, domain, address_key',
  )
  const redirections: DocumentRedirection[] = []
  for (const row of rows) {
    const { kind, address, name, targets, membersSend } = readRedirection(row, await readTargets(tx, row.id))
    redirections.push({ kind, address, name, targets, membersSend })
  }
  return {
    domains: domains.map(row => {
      const { name, postmaster } = readDomain(row)
      return { name, ...(postmaster ? { postmaster } : {}), ...readQuotaTerms(row) }
    }),
    accounts: accounts.map(row => {
      const { address, name, language, enabled, outside } = readAccount(row)
      return {
        address,
        name,
        language,
        enabled,
        outside,
        passwordHash: row.password_hash,
        scramKeys: listScramKeys(row),
        ...readAccountTerms(row),
      }
    }),
    appPasswords: (await selectAppPasswords(tx)).map(
      ({ createdAt: _createdAt, lastUsedAt: _lastUsedAt, ...kept }) => kept,
    ),
    redirections,
    relays: (await listRelayDomains.run(tx, undefined)).map(
      ({ name, keepsUntilFetched, anyoneStarts, owner }) => ({
        name,
        keepsUntilFetched,
        anyoneStarts,
        ...(owner ? { owner } : {}),
      }),
    ),
  }
}
