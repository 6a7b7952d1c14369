// The Sieve scripts of accounts, as they are kept: names, texts, and which one is active. Those of the administrator, which all
// others may include (RFC 6609: global), have an owner of their own.
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'

/** Whose the global scripts are: no account has this id. */
export const administrators = 0

/** Of one account. */
export const maxScripts = 32
/** Of all scripts of an account together. */
export const maxScriptBytesOfAccount = 1024 * 1024

export interface ListedScript {
  readonly name: string
  readonly isActive: boolean
  readonly bytes: number
  readonly changedAt: number
}

export interface ScriptName {
  /** An account, or `administrators`. */
  readonly ownerId: number
  readonly name: string
}

export interface StoredScript {
  /** Another text, or name, has another one. */
  readonly id: number
  readonly name: string
  /** UTF-8. */
  readonly body: Uint8Array
}

/** Why a script is not kept. */
export type StoreProblem = 'too-many-scripts' | 'no-space'

interface ScriptRow {
  readonly id: number
  readonly name: string
  readonly body: Uint8Array
}

/** By name. */
export const listScripts = defineRead(
  'filtering.list',
  async (tx, { ownerId }: Pick<ScriptName, 'ownerId'>): Promise<readonly ListedScript[]> => {
    const rows = await tx.all<{ name: string; bytes: number; changed_at: number; is_active: number }>(
      `SELECT name, length(body) AS bytes, changed_at,
         CASE WHEN id = (SELECT script_id FROM account WHERE account.id = ?) THEN 1 ELSE 0 END AS is_active
       FROM script WHERE owner_id = ? ORDER BY name`,
      ownerId,
      ownerId,
    )
    return rows.map(row => ({
      name: row.name,
      isActive: row.is_active === 1,
      bytes: row.bytes,
      changedAt: row.changed_at,
    }))
  },
)

export const readScript = defineRead(
  'filtering.read',
  async (tx, { ownerId, name }: ScriptName): Promise<StoredScript | undefined> =>
    await tx.get<ScriptRow>(
      'SELECT id, name, body FROM script WHERE owner_id = ? AND name = ?',
      ownerId,
      name,
    ),
)

/** undefined: it has been changed or deleted since. */
export const readScriptById = defineRead(
  'filtering.read-by-id',
  async (tx, { id }: { readonly id: number }): Promise<StoredScript | undefined> =>
    await tx.get<ScriptRow>('SELECT id, name, body FROM script WHERE id = ?', id),
)

export const readActiveScript = defineRead(
  'filtering.read-active',
  async (tx, { accountId }: { readonly accountId: number }): Promise<StoredScript | undefined> =>
    await tx.get<ScriptRow>(
      'SELECT script.id, script.name, body FROM script JOIN account ON script.id = script_id WHERE account.id = ?',
      accountId,
    ),
)

/** Whether a script of this length would be kept under this name. */
export const judgeScriptSpace = defineRead(
  'filtering.judge-space',
  async (tx, { ownerId, name, bytes }: ScriptName & { readonly bytes: number }) =>
    await findSpaceProblem(tx, { ownerId, name }, bytes),
)

/** Without the one whose place it takes. */
async function findSpaceProblem(
  tx: Tx,
  { ownerId, name }: ScriptName,
  bytes: number,
): Promise<StoreProblem | undefined> {
  const row = await tx.get<{ count: number; bytes: number }>(
    'SELECT count(*) AS count, COALESCE(sum(length(body)), 0) AS bytes FROM script WHERE owner_id = ? AND name <> ?',
    ownerId,
    name,
  )
  if ((row?.count ?? 0) >= maxScripts) return 'too-many-scripts'
  return (row?.bytes ?? 0) + bytes > maxScriptBytesOfAccount ? 'no-space' : undefined
}

/** In the place of one of this name; whether it is active stays as it was. 'gone': the account has been removed. */
export const storeScript = defineWrite(
  'filtering.store',
  async (
    tx,
    { at, body, ...script }: ScriptName & { readonly body: Uint8Array; readonly at: number },
  ): Promise<StoreProblem | 'gone' | undefined> => {
    const { ownerId, name } = script
    if (!(await lockOwner(tx, ownerId))) return 'gone'
    const problem = await findSpaceProblem(tx, script, body.length)
    if (problem) return problem
    const before = await tx.get<{ id: number }>(
      'DELETE FROM script WHERE owner_id = ? AND name = ? RETURNING id',
      ownerId,
      name,
    )
    const made = await tx.get<{ id: number }>(
      'INSERT INTO script (owner_id, name, body, changed_at) VALUES (?, ?, ?, ?) RETURNING id',
      ownerId,
      name,
      body,
      at,
    )
    if (before && made)
      await tx.run('UPDATE account SET script_id = ? WHERE script_id = ?', made.id, before.id)
    return undefined
  },
)

/** undefined: none is active. False: there is none of this name. */
export const activateScript = defineWrite(
  'filtering.activate',
  async (tx, { accountId, name }: { readonly accountId: number; readonly name: string | undefined }) => {
    await lockOwner(tx, accountId)
    const script = name === undefined ? undefined : await findId(tx, { ownerId: accountId, name })
    if (name !== undefined && script === undefined) return false
    await tx.run('UPDATE account SET script_id = ? WHERE id = ?', script ?? null, accountId)
    return true
  },
)

export const deleteScript = defineWrite(
  'filtering.delete',
  async (tx, script: ScriptName): Promise<'deleted' | 'nonexistent' | 'active'> => {
    await lockOwner(tx, script.ownerId)
    const id = await findId(tx, script)
    if (id === undefined) return 'nonexistent'
    // RFC 5804 §2.10
    if (await tx.get('SELECT 1 AS found FROM account WHERE script_id = ?', id)) return 'active'
    await tx.run('DELETE FROM script WHERE id = ?', id)
    return 'deleted'
  },
)

export const renameScript = defineWrite(
  'filtering.rename',
  async (tx, { to, ...from }: ScriptName & { readonly to: string }) => {
    await lockOwner(tx, from.ownerId)
    const id = await findId(tx, from)
    if (id === undefined) return 'nonexistent'
    if ((await findId(tx, { ...from, name: to })) !== undefined) return 'exists'
    const made = await tx.get<{ id: number }>(
      `INSERT INTO script (owner_id, name, body, changed_at)
         SELECT owner_id, ?, body, changed_at FROM script WHERE id = ? RETURNING id`,
      to,
      id,
    )
    await tx.run('UPDATE account SET script_id = ? WHERE script_id = ?', made?.id ?? null, id)
    await tx.run('DELETE FROM script WHERE id = ?', id)
    return 'renamed'
  },
)

async function findId(tx: Tx, { ownerId, name }: ScriptName): Promise<number | undefined> {
  const row = await tx.get<{ id: number }>(
    'SELECT id FROM script WHERE owner_id = ? AND name = ?',
    ownerId,
    name,
  )
  return row?.id
}

/** False: there is no such account. */
async function lockOwner(tx: Tx, ownerId: number): Promise<boolean> {
  if (ownerId === administrators) return true
  await tx.lockRow('account', ownerId)
  return (await tx.get('SELECT 1 AS found FROM account WHERE id = ?', ownerId)) !== undefined
}
