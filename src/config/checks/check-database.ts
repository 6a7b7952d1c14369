// Can the PostgreSQL of the settings be reached and used, what does a 250 promise on it, and has it room for this server?
import { Fault } from '../../runtime/fault.ts'
import { schemaVersion } from '../../storage/migrate.ts'
import { describeDurability } from '../../storage/postgres/durability.ts'
import { inspectServer, type ServerFacts } from '../../storage/postgres/inspect-server.ts'
import { isCompatible } from '../../storage/postgres/migrate-postgres.ts'
import { connectionsOfThread } from '../../storage/postgres/postgres-storage.ts'
import type { Settings } from '../settings.ts'
import { type Finding, findingOf, ok } from './finding.ts'

const subject = 'database'
const notableMs = 10_000

export type Directory = 'there' | 'none' | 'unknown'

export interface CheckedDatabase {
  readonly findings: readonly Finding[]
  /** 'none': nothing of Postrider's is in it yet. 'unknown': it cannot be read, or another version wrote it. */
  readonly directory: Directory
}

export async function checkDatabase(
  { database, roles, threads }: Settings,
  now: () => number,
): Promise<CheckedDatabase> {
  if (!database) return { findings: [], directory: 'unknown' }
  try {
    const asked = now()
    const facts = await inspectServer(database)
    const findings = [
      ...checkSchema(facts),
      ...checkDurability(facts),
      ...checkConnections(facts, roles.includes('front') ? threads.front : 0),
      ...checkClock(facts, (asked + now()) / 2),
    ]
    if (findings.length === 0) findings.push(describeServer(facts))
    return { findings, directory: directoryOf(facts) }
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause
    return { findings: [describeFault(cause)], directory: 'unknown' }
  }
}

function directoryOf({ schema }: ServerFacts): Directory {
  if (!schema) return 'none'
  return schema.version >= schemaVersion && isCompatible(schema, schemaVersion) ? 'there' : 'unknown'
}

function describeFault(fault: Fault): Finding {
  const cost =
    fault.code === 'STORAGE_UNAVAILABLE'
      ? 'A server that starts waits for it; one that runs puts mail off with 451.'
      : 'The server does not start.'
  return findingOf(fault, subject, cost)
}

function checkSchema({ server, schema }: ServerFacts): Finding[] {
  if (!schema || isCompatible(schema, schemaVersion)) return []
  return [
    {
      severity: 'error',
      subject,
      what: `the database at ${server} was written by a newer version of Postrider (schema ${schema.version}; this version knows ${schemaVersion}).`,
      cost: 'The server does not start.',
      remedy: 'Install that version again.',
    },
  ]
}

function checkDurability({ server, durability }: ServerFacts): Finding[] {
  const { promise, weakness } = describeDurability(durability)
  if (weakness === undefined) return []
  return [
    {
      severity: 'warning',
      subject,
      what: `a 250 means that the message is ${promise} (${server}).`,
      cost: weakness.what,
      remedy: `${weakness.remedy} Or leave it so, if that is enough.`,
    },
  ]
}

/** Store, delivery and the main thread, besides the fronts. */
const otherThreads = 3

function checkConnections({ server, maxConnections }: ServerFacts, fronts: number): Finding[] {
  const needed = (fronts + otherThreads) * connectionsOfThread
  if (needed <= maxConnections) return []
  return [
    {
      severity: 'warning',
      subject,
      what: `${server} has ${maxConnections} connections for all its users; this server takes up to ${needed}.`,
      cost: 'Under load mail is put off with 451.',
      remedy: 'Raise max_connections of PostgreSQL: so many for each server, and some for others.',
    },
  ]
}

function checkClock({ server, now }: ServerFacts, own: number): Finding[] {
  const seconds = Math.round((now - own) / 1000)
  if (Math.abs(seconds * 1000) <= notableMs) return []
  return [
    {
      severity: 'warning',
      subject,
      what: `the clock of ${server} is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} that of this machine.`,
      cost: 'Mail goes by the clock of the database, logs and certificates by that of this machine.',
      remedy: 'Let both machines follow a time server (NTP).',
    },
  ]
}

function describeServer({ server, version, durability }: ServerFacts): Finding {
  return ok(
    subject,
    `PostgreSQL ${version} at ${server}; a 250 means that the message is ${describeDurability(durability).promise}`,
  )
}
