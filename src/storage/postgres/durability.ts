// What a commit that the database has answered survives: it depends on settings that are not ours
// (https://www.postgresql.org/docs/current/wal-async-commit.html).
import { defineRead } from '../operation.ts'

export interface DurabilityFacts {
  readonly fsync: boolean
  readonly fullPageWrites: boolean
  /** 'on', 'remote_apply', 'remote_write', 'local'; 'off' is not left so (`PostgresConnection`). */
  readonly synchronousCommit: string
  /** For so many standbys a commit waits; and so many of these are not connected. */
  readonly standbysWanted: number
  readonly standbysLacking: number
  /** Those that are connected; undefined when this user may not know more than that some are. */
  readonly standbys: readonly Standby[] | undefined
}

export interface Standby {
  readonly name: string
  readonly isSynchronous: boolean
  /** Of the log, not yet on its disk. */
  readonly behindBytes: number
}

/**
 * 'FIRST 2 (a, b, c)', 'ANY 2 (*)', '2 (a, b)'; 'a, b' is for one
 * (https://www.postgresql.org/docs/current/runtime-config-replication.html).
 */
const standbysWanted = `CASE WHEN current_setting('synchronous_standby_names') = '' THEN 0 ELSE coalesce(CAST(
  substring(current_setting('synchronous_standby_names') FROM '(?i)^\\s*(?:first\\s+|any\\s+)?(\\d+)\\s*\\(') AS INT), 1) END`

/** As a user sees it; who may not see more than that some are connected takes them for synchronous. */
export const standbysLacking = `greatest(0, ${standbysWanted} - (SELECT count(*) FROM pg_stat_replication
  WHERE sync_state IS NULL OR sync_state IN ('sync', 'quorum')))`

export const readDurability = defineRead('storage.durability', async (tx): Promise<DurabilityFacts> => {
  const rows = await tx.all<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_settings
      WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')`,
  )
  const settings = new Map(rows.map(({ name, setting }) => [name, setting]))
  const counted = await tx.get<{ wanted: number; lacking: number }>(
    `SELECT ${standbysWanted} AS wanted, ${standbysLacking} AS lacking`,
  )
  const standbys = await tx.all<{ name: string; state: string | null; behind: number | null }>(
    `SELECT application_name AS name, sync_state AS state, pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn) AS behind
      FROM pg_stat_replication ORDER BY application_name`,
  )
  return {
    fsync: settings.get('fsync') !== 'off',
    fullPageWrites: settings.get('full_page_writes') !== 'off',
    synchronousCommit: settings.get('synchronous_commit') ?? 'on',
    standbysWanted: counted?.wanted ?? 0,
    standbysLacking: counted?.lacking ?? 0,
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
  readonly weakness?: { readonly what: string; readonly remedy: string } | undefined
}

export function describeDurability(facts: DurabilityFacts): Durability {
  if (!facts.fsync || !facts.fullPageWrites) {
    const setting = facts.fsync ? 'full_page_writes' : 'fsync'
    return {
      promise: 'in the memory of the database server',
      weakness: {
        what: `A power cut loses it, because PostgreSQL has ${setting} = off.`,
        remedy: 'Set it to on.',
      },
    }
  }
  const { standbysWanted, standbysLacking } = facts
  if (standbysWanted === 0 || facts.synchronousCommit === 'local') {
    return {
      promise: 'on the disk of the primary database server',
      weakness: {
        what: 'When that server is lost, mail of the last moments is lost with it.',
        remedy:
          'A synchronous standby prevents that: synchronous_standby_names, with synchronous_commit = on.',
      },
    }
  }
  const where = facts.synchronousCommit === 'remote_write' ? 'in the memory' : 'on the disk'
  const whose = standbysWanted === 1 ? 'a synchronous standby' : `${standbysWanted} synchronous standbys`
  return {
    promise: `on the disk of the primary database server and ${where} of ${whose}`,
    weakness:
      standbysLacking > 0
        ? {
            what: describeLack(standbysWanted, standbysLacking),
            remedy: 'Start them, or name fewer in synchronous_standby_names.',
          }
        : undefined,
  }
}

function describeLack(wanted: number, lacking: number): string {
  if (wanted === 1)
    return 'No synchronous standby is connected now: until one is, commits wait, and senders are put off with 451.'
  return `${wanted - lacking} of ${wanted} synchronous standbys are connected now: until the others are, commits wait, and senders are put off with 451.`
}
