// What a commit that the database has answered survives: it depends on settings that are not ours
// (https://www.postgresql.org/docs/current/wal-async-commit.html).
import { defineRead } from '../operation.ts'

export interface DurabilityFacts {
  readonly fsync: boolean
  readonly fullPageWrites: boolean
  /** 'on', 'remote_apply', 'remote_write', 'local'; 'off' is not left so (`PostgresConnection`). */
  readonly synchronousCommit: string
  /** Standbys are named for which a commit waits. */
  readonly waitsForStandby: boolean
  /** Those that are connected; undefined when this user may not know more than that some are. */
  readonly standbys: readonly Standby[] | undefined
}

export interface Standby {
  readonly name: string
  readonly isSynchronous: boolean
  /** Of the log, not yet on its disk. */
  readonly behindBytes: number
}

export const readDurability = defineRead('storage.durability', async (tx): Promise<DurabilityFacts> => {
  const rows = await tx.all<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_settings
      WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names')`,
  )
  const settings = new Map(rows.map(({ name, setting }) => [name, setting]))
  const standbys = await tx.all<{ name: string; state: string | null; behind: number | null }>(
    `SELECT application_name AS name, sync_state AS state, pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn) AS behind
      FROM pg_stat_replication ORDER BY application_name`,
  )
  return {
    fsync: settings.get('fsync') !== 'off',
    fullPageWrites: settings.get('full_page_writes') !== 'off',
    synchronousCommit: settings.get('synchronous_commit') ?? 'on',
    waitsForStandby: (settings.get('synchronous_standby_names') ?? '') !== '',
    standbys: standbys.some(({ state }) => state === null)
      ? undefined
      : standbys.map(({ name, state, behind }) => ({
          name,
          isSynchronous: state === 'sync' || state === 'quorum',
          behindBytes: Math.max(0, behind ?? 0),
        })),
  }
})

export interface Durability {
  /** A sentence that goes on from 'A 250 means that the message is …' */
  readonly promise: string
  /** What is wrong with it, and what to do. */
  readonly weakness?: string | undefined
}

export function describeDurability(facts: DurabilityFacts): Durability {
  if (!facts.fsync || !facts.fullPageWrites) {
    const setting = facts.fsync ? 'full_page_writes' : 'fsync'
    return {
      promise: 'in the memory of the database server',
      weakness: `A power cut loses it, because PostgreSQL has ${setting} = off. Set it to on.`,
    }
  }
  const waits = facts.waitsForStandby && facts.synchronousCommit !== 'local'
  if (!waits) {
    return {
      promise: 'on the disk of the primary database server',
      weakness:
        'When that server is lost, mail of the last moments is lost with it. A synchronous standby prevents that: synchronous_standby_names, with synchronous_commit = on.',
    }
  }
  const where = facts.synchronousCommit === 'remote_write' ? 'in the memory' : 'on the disk'
  return {
    promise: `on the disk of the primary database server and ${where} of a synchronous standby`,
    weakness:
      facts.standbys?.every(({ isSynchronous }) => !isSynchronous) === true
        ? 'No synchronous standby is connected now: until one is, commits wait, and senders are put off with 451.'
        : undefined,
  }
}
