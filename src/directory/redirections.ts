// Aliases, catch-alls and groups: addresses whose mail goes to other addresses, here or elsewhere.

import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { defineRead, type Tx } from '../storage/operation.ts'
import {
  assertDomain,
  assertFree,
  assertName,
  assertNoLoop,
  assertTargets,
  assertTargetsKnown,
  mayLeadOn,
} from './constraints.ts'
import { defineDirectoryWrite } from './define-directory-write.ts'
import { directoryFault } from './directory-fault.ts'
import { displayAddress } from './display.ts'
import type { Redirection, RedirectionKind } from './records.ts'
import { removeRedirectionRows } from './removal.ts'
import { type RedirectionRow, readAddress, readRedirection, storeAddress } from './rows.ts'

const selectRedirections = 'SELECT id, kind, address, name, members_send, created_at FROM redirection'

export const listRedirections = defineRead(
  'directory.list-redirections',
  async (
    tx,
    input: { readonly kind?: RedirectionKind | undefined; readonly domain?: string | undefined },
  ): Promise<Redirection[]> => {
    const rows = await tx.all<RedirectionRow>(
      `${selectRedirections} WHERE kind = COALESCE(?, kind) AND domain = COALESCE(?, domain) ORDER BY domain, address_key`,
      input.kind ?? null,
      input.domain ?? null,
    )
    const redirections: Redirection[] = []
    for (const row of rows) redirections.push(readRedirection(row, await readTargets(tx, row.id)))
    return redirections
  },
)

export const findRedirection = defineRead(
  'directory.find-redirection',
  async (tx, input: { readonly address: Address }): Promise<Redirection | undefined> => {
    const row = await tx.get<RedirectionRow>(
      `${selectRedirections} WHERE address_key = ?`,
      addressKey(input.address),
    )
    return row && readRedirection(row, await readTargets(tx, row.id))
  },
)

export async function readTargets(tx: Tx, redirectionId: number): Promise<Address[]> {
  const rows = await tx.all<{ target: string }>(
    'SELECT target FROM redirection_target WHERE redirection_id = ? ORDER BY target_key',
    redirectionId,
  )
  return rows.map(row => readAddress(row.target))
}

export interface NewRedirection {
  readonly kind: RedirectionKind
  /** With an empty local-part and kind 'alias': the catch-all of the domain. */
  readonly address: Address
  readonly name: string
  readonly targets: readonly Address[]
  /** Default: no. An alias takes no part in it: its targets may send as it. */
  readonly membersSend?: boolean | undefined
  readonly at: number
}

export const createRedirection = defineDirectoryWrite(
  'directory.create-redirection',
  async (tx, input: NewRedirection): Promise<{ id: number }> => {
    await assertDomain(tx, input.address.domain)
    await assertFree(tx, input.address)
    await assertTargetsKnown(tx, input.targets)
    const inserted = await insertRedirection(tx, input)
    if (await mayLeadOn(tx, input.targets)) await assertNoLoop(tx, [input.address])
    return inserted
  },
)

export async function insertRedirection(tx: Tx, input: NewRedirection): Promise<{ id: number }> {
  assertName(input.name)
  assertTargets(input.address, input.targets)
  if (input.kind === 'group' && input.address.localPart === '') {
    throw directoryFault(
      'DIRECTORY_NOT_AN_ADDRESS',
      'A catch-all is an alias, not a group: postrider alias create @domain target',
    )
  }
  const row = await tx.get<{ id: number }>(
    'INSERT INTO redirection (kind, address, address_key, domain, name, members_send, created_at) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id',
    input.kind,
    storeAddress(input.address),
    addressKey(input.address),
    input.address.domain,
    input.name,
    input.membersSend ? 1 : 0,
    input.at,
  )
  if (!row) throw new Error('INSERT … RETURNING gave no row')
  await insertTargets(tx, row.id, input.targets)
  return row
}

async function insertTargets(tx: Tx, redirectionId: number, targets: readonly Address[]): Promise<void> {
  for (const target of targets) {
    await tx.run(
      `INSERT INTO redirection_target (redirection_id, target, target_key) VALUES (?, ?, ?)
       ON CONFLICT (redirection_id, target_key) DO UPDATE SET target = excluded.target`,
      redirectionId,
      storeAddress(target),
      addressKey(target),
    )
  }
}

export interface TargetChange {
  readonly kind: RedirectionKind
  readonly address: Address
  readonly add: readonly Address[]
  readonly remove: readonly Address[]
}

/** Adds and removes targets (members); returns those that are left. The last one cannot be removed. */
export const changeTargets = defineDirectoryWrite(
  'directory.change-targets',
  async (tx, input: TargetChange): Promise<{ targets: Address[] }> => {
    const id = await findRedirectionId(tx, input.kind, input.address)
    await assertTargetsKnown(tx, input.add)
    await insertTargets(tx, id, input.add)
    for (const target of input.remove) {
      const { changes } = await tx.run(
        'DELETE FROM redirection_target WHERE redirection_id = ? AND target_key = ?',
        id,
        addressKey(target),
      )
      if (changes === 0) {
        throw directoryFault(
          'DIRECTORY_NO_SUCH_ADDRESS',
          `${displayAddress(target)} is not in the ${input.kind} ${displayAddress(input.address)}.`,
        )
      }
    }
    const targets = await readTargets(tx, id)
    assertTargets(input.address, targets)
    if (await mayLeadOn(tx, input.add)) await assertNoLoop(tx, [input.address])
    return { targets }
  },
)

export interface GroupChange {
  readonly address: Address
  readonly name?: string | undefined
  readonly membersSend?: boolean | undefined
}

/** What is not said stays. */
export const changeGroup = defineDirectoryWrite(
  'directory.change-group',
  async (tx, { address, name, membersSend }: GroupChange): Promise<void> => {
    const id = await findRedirectionId(tx, 'group', address)
    if (name !== undefined) assertName(name)
    await tx.run(
      'UPDATE redirection SET name = COALESCE(?, name), members_send = COALESCE(?, members_send) WHERE id = ?',
      name ?? null,
      membersSend === undefined ? null : membersSend ? 1 : 0,
      id,
    )
  },
)

export async function replaceRedirection(tx: Tx, input: NewRedirection): Promise<void> {
  const id = await findRedirectionId(tx, input.kind, input.address)
  assertName(input.name)
  assertTargets(input.address, input.targets)
  await tx.run(
    'UPDATE redirection SET name = ?, members_send = ? WHERE id = ?',
    input.name,
    input.membersSend ? 1 : 0,
    id,
  )
  await tx.run('DELETE FROM redirection_target WHERE redirection_id = ?', id)
  await insertTargets(tx, id, input.targets)
}

export const removeRedirection = defineDirectoryWrite(
  'directory.remove-redirection',
  async (tx, input: { readonly kind: RedirectionKind; readonly address: Address }): Promise<void> => {
    await removeRedirectionRows(tx, await findRedirectionId(tx, input.kind, input.address))
    // What led to it leads to what takes its mail now.
    if (!(await mayLeadOn(tx, [input.address]))) return
    const { domain } = input.address
    await assertNoLoop(tx, [
      { localPart: '', domain },
      { localPart: 'postmaster', domain },
    ])
  },
)

async function findRedirectionId(tx: Tx, kind: RedirectionKind, address: Address): Promise<number> {
  const row = await tx.get<{ id: number }>(
    'SELECT id FROM redirection WHERE kind = ? AND address_key = ?',
    kind,
    addressKey(address),
  )
  if (!row) {
    throw directoryFault(
      'DIRECTORY_NO_SUCH_ADDRESS',
      `There is no ${kind} ${displayAddress(address)}. "postrider ${kind} list" shows them.`,
    )
  }
  return row.id
}
