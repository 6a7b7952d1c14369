// Domains that are ours: mail for them ends here.

import type { Address } from '../address/address.ts'
import { defineRead, type Tx } from '../storage/operation.ts'
import {
  assertDomain,
  assertNoDomain,
  assertNoLoop,
  assertTargetsKnown,
  isOwnDomain,
  mayLeadOn,
  noSuchDomain,
} from './constraints.ts'
import { defineDirectoryWrite } from './define-directory-write.ts'
import { directoryFault } from './directory-fault.ts'
import { displayDomain } from './display.ts'
import type { Domain } from './records.ts'
import { removeAccountRows, removeDomainRow, removeRedirectionRows } from './removal.ts'
import { type DomainRow, readDomain, storeAddress } from './rows.ts'

/** Of a name so many labels are looked at, from the end. */
const maxLabels = 12

export interface DomainSummary extends Domain {
  readonly accounts: number
  readonly aliases: number
  readonly groups: number
}

const selectSummaries = `
  SELECT id, name, postmaster, created_at,
         (SELECT COUNT(*) FROM account WHERE account.domain = domain.name) AS accounts,
         (SELECT COUNT(*) FROM redirection WHERE redirection.domain = domain.name AND kind = 'alias') AS aliases,
         (SELECT COUNT(*) FROM redirection WHERE redirection.domain = domain.name AND kind = 'group') AS "groups"
    FROM domain`

type SummaryRow = DomainRow & { readonly accounts: number; readonly aliases: number; readonly groups: number }

function readSummary(row: SummaryRow): DomainSummary {
  return { ...readDomain(row), accounts: row.accounts, aliases: row.aliases, groups: row.groups }
}

export const listDomains = defineRead('directory.list-domains', async (tx): Promise<DomainSummary[]> => {
  return (await tx.all<SummaryRow>(`${selectSummaries} ORDER BY name`)).map(readSummary)
})

/** Throws DIRECTORY_NO_SUCH_DOMAIN when it is none of ours. */
export const findDomain = defineRead(
  'directory.find-domain',
  async (tx, input: { readonly name: string }): Promise<DomainSummary> => {
    const row = await tx.get<SummaryRow>(`${selectSummaries} WHERE name = ?`, input.name)
    if (!row) throw noSuchDomain(input.name)
    return readSummary(row)
  },
)

/** The first `limit` names, in the order of their creation. */
export const listDomainNames = defineRead(
  'directory.list-domain-names',
  async (tx, input: { readonly limit: number }): Promise<string[]> => {
    const rows = await tx.all<{ name: string }>('SELECT name FROM domain ORDER BY id LIMIT ?', input.limit)
    return rows.map(row => row.name)
  },
)

export const isDomain = defineRead(
  'directory.is-domain',
  async (tx, input: { readonly name: string }): Promise<boolean> => await isOwnDomain(tx, input.name),
)

/** The domain of ours that it is or is below, where none that is relayed is nearer: `name` in A-labels. */
export const findDomainAbove = defineRead(
  'directory.find-domain-above',
  async (tx, input: { readonly name: string }): Promise<string | undefined> => {
    const labels = input.name.split('.').slice(-maxLabels)
    const names = [input.name, ...labels.map((_, index) => labels.slice(index).join('.'))]
    const places = names.map(() => '?').join(', ')
    const known = await tx.all<{ name: string; is_ours: number }>(
      `SELECT name, 1 AS is_ours FROM domain WHERE name IN (${places})
        UNION ALL SELECT name, 0 FROM relay_domain WHERE name IN (${places})`,
      ...names,
      ...names,
    )
    const nearest = known.toSorted((a, b) => b.name.length - a.name.length)[0]
    return nearest?.is_ours === 1 ? nearest.name : undefined
  },
)

/** Whether there is any, of ours or relayed: without one, nobody knows what is ours. */
export const hasDomains = defineRead(
  'directory.has-domains',
  async (tx): Promise<boolean> =>
    (await tx.get('SELECT 1 AS found FROM domain UNION ALL SELECT 1 FROM relay_domain LIMIT 1')) !==
    undefined,
)

/** There are domains, and neither an enabled account nor an alias or a group yet. */
export const isNobodyHere = defineRead(
  'directory.is-nobody-here',
  async (tx): Promise<boolean> =>
    (await tx.get(
      `SELECT 1 AS found FROM domain WHERE NOT EXISTS (SELECT 1 FROM account WHERE enabled = 1)
         AND NOT EXISTS (SELECT 1 FROM redirection) LIMIT 1`,
    )) !== undefined,
)

export interface NewDomain {
  /** Canonical: A-labels. */
  readonly name: string
  readonly postmaster?: Address | undefined
  readonly at: number
}

export const createDomain = defineDirectoryWrite(
  'directory.create-domain',
  async (tx, input: NewDomain): Promise<{ id: number }> => {
    await assertNoDomain(tx, input.name)
    const inserted = await insertDomain(tx, input)
    await assertNoRoleLoop(tx, input.name, input.postmaster)
    return inserted
  },
)

export async function insertDomain(tx: Tx, input: NewDomain): Promise<{ id: number }> {
  const row = await tx.get<{ id: number }>(
    'INSERT INTO domain (name, created_at) VALUES (?, ?) RETURNING id',
    input.name,
    input.at,
  )
  if (!row) throw new Error('INSERT … RETURNING gave no row')
  if (input.postmaster) await writePostmaster(tx, input.name, input.postmaster)
  return row
}

/** Where mail for postmaster@ and abuse@ of a domain goes; undefined: to its first enabled account. */
export const setPostmaster = defineDirectoryWrite(
  'directory.set-postmaster',
  async (
    tx,
    input: { readonly domain: string; readonly postmaster?: Address | undefined },
  ): Promise<void> => {
    await assertDomain(tx, input.domain)
    await writePostmaster(tx, input.domain, input.postmaster)
    await assertNoRoleLoop(tx, input.domain, input.postmaster)
  },
)

export async function writePostmaster(
  tx: Tx,
  domain: string,
  postmaster: Address | undefined,
): Promise<void> {
  if (postmaster) await assertTargetsKnown(tx, [postmaster])
  await tx.run(
    'UPDATE domain SET postmaster = ? WHERE name = ?',
    postmaster ? storeAddress(postmaster) : null,
    domain,
  )
}

async function assertNoRoleLoop(tx: Tx, domain: string, postmaster: Address | undefined): Promise<void> {
  if (!postmaster || !(await mayLeadOn(tx, [postmaster]))) return
  await assertNoLoop(
    tx,
    ['postmaster', 'abuse'].map(localPart => ({ localPart, domain })),
  )
}

export interface RemovedDomain {
  readonly domain: DomainSummary
  /** Mail data files to discard. */
  readonly orphanedFiles: readonly string[]
}

/** Refused while the domain has accounts, aliases or groups, unless `withContents`. */
export const removeDomain = defineDirectoryWrite(
  'directory.remove-domain',
  async (tx, input: { readonly name: string; readonly withContents: boolean }): Promise<RemovedDomain> => {
    const row = await tx.get<SummaryRow>(`${selectSummaries} WHERE name = ?`, input.name)
    if (!row) throw noSuchDomain(input.name)
    const domain = readSummary(row)
    if (domain.accounts + domain.aliases + domain.groups > 0 && !input.withContents) {
      throw directoryFault(
        'DIRECTORY_DOMAIN_NOT_EMPTY',
        `${displayDomain(input.name)} has ${count(domain.accounts, 'account')}, ${count(domain.aliases, 'alias', 'aliases')} and ` +
          `${count(domain.groups, 'group')}, with all their mail. Remove them first, or repeat this with --force to remove everything.`,
      )
    }
    const orphanedFiles: string[] = []
    for (const { id } of await tx.all<{ id: number }>(
      'SELECT id FROM redirection WHERE domain = ?',
      input.name,
    )) {
      await removeRedirectionRows(tx, id)
    }
    for (const { id } of await tx.all<{ id: number }>(
      'SELECT id FROM account WHERE domain = ?',
      input.name,
    )) {
      orphanedFiles.push(...(await removeAccountRows(tx, id)))
    }
    await removeDomainRow(tx, input.name)
    return { domain, orphanedFiles }
  },
)

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
