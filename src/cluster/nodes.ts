// The servers that share a database: each has a row while it runs, and says every few seconds that it does.
import { defineRead, defineWrite } from '../storage/operation.ts'

export const nodeRoles = ['front', 'delivery'] as const

export type NodeRole = (typeof nodeRoles)[number]

export interface NodeLoad {
  /** Open connections. */
  readonly sessions: number
  /** Of one processor, in percent, since the last time. */
  readonly cpuPercent: number
  readonly memoryBytes: number
}

export interface NodeFacts {
  readonly id: string
  /** Of the settings: the same for all that are one server to others. */
  readonly hostname: string
  /** On which it runs, by the machine's own name; undefined: it is of a version that does not say. */
  readonly machine?: string | undefined
  /** Of Postrider. */
  readonly version: string
  readonly schemaVersion: number
  readonly pid: number
  readonly startedAt: number
  readonly roles: readonly NodeRole[]
}

export interface ClusterNode extends NodeFacts {
  readonly seenAt: number
  /** undefined: it has not said yet, or is of a version that does not. */
  readonly load: NodeLoad | undefined
  /** Recipients that its delivery has claimed. */
  readonly leases: number
}

export interface Cluster {
  readonly nodes: readonly ClusterNode[]
  /** Recipients that are due and that nobody has claimed, and since when the first of them is. */
  readonly due: { readonly recipients: number; readonly since: number | undefined }
}

export const nodeBeatMs = 5000

export interface NodeBeat {
  readonly node: NodeFacts
  readonly load: NodeLoad
  readonly now: number
}

/** Again and again, or others take it for dead. Resolves with how many spaces of queue ids are its own. */
export const enterNode = defineWrite(
  'cluster.enter-node',
  async (tx, { node, load, now }: NodeBeat): Promise<number> => {
    await tx.run(
      `INSERT INTO node (id, hostname, version, schema_version, pid, started_at, seen_at, roles, load)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, load = excluded.load`,
      node.id,
      node.hostname,
      node.version,
      node.schemaVersion,
      node.pid,
      node.startedAt,
      now,
      node.roles.join(' '),
      // Not a column of its own, so that versions of one schema go on together.
      JSON.stringify({ ...load, machine: node.machine } satisfies StoredLoad),
    )
    const { changes } = await tx.run('UPDATE id_space SET seen_at = ? WHERE node_id = ?', now, node.id)
    return changes
  },
)

export const leaveNode = defineWrite('cluster.leave-node', async (tx, { id }: { readonly id: string }) => {
  await tx.run('DELETE FROM node WHERE id = ?', id)
  await tx.run('DELETE FROM id_space WHERE node_id = ?', id)
})

/** Those that were last seen before `before`. */
export const forgetNodes = defineWrite(
  'cluster.forget-nodes',
  async (tx, { before }: { readonly before: number }) => {
    await tx.run('DELETE FROM node WHERE seen_at < ?', before)
  },
)

type StoredLoad = NodeLoad & Pick<NodeFacts, 'machine'>

interface NodeRow {
  readonly id: string
  readonly hostname: string
  readonly version: string
  readonly schema_version: number
  readonly pid: number
  readonly started_at: number
  readonly seen_at: number
  readonly roles: string
  readonly load: string
}

// By name: a newer version may have added others.
const nodeColumns = 'id, hostname, version, schema_version, pid, started_at, seen_at, roles, load'

export const readCluster = defineRead(
  'cluster.read',
  async (tx, { now }: { readonly now: number }): Promise<Cluster> => {
    const rows = await tx.all<NodeRow>(`SELECT ${nodeColumns} FROM node ORDER BY hostname, started_at`)
    const held = await tx.all<{ owner: string; leases: number }>(
      'SELECT lease_owner AS owner, count(*) AS leases FROM queue_recipient WHERE lease_owner IS NOT NULL GROUP BY lease_owner',
    )
    const due = await tx.get<{ recipients: number; since: number | null }>(
      "SELECT count(*) AS recipients, min(due_at) AS since FROM queue_recipient WHERE state = 'ready' AND due_at <= ? AND lease_owner IS NULL",
      now,
    )
    return {
      nodes: rows.map(row => ({
        id: row.id,
        hostname: row.hostname,
        ...readLoad(row),
        version: row.version,
        schemaVersion: row.schema_version,
        pid: row.pid,
        startedAt: row.started_at,
        seenAt: row.seen_at,
        roles: row.roles.split(' ').filter(isRole),
        leases: held.reduce(
          (sum, { owner, leases }) => (nodeOfOwner(owner) === row.id ? sum + leases : sum),
          0,
        ),
      })),
      due: { recipients: due?.recipients ?? 0, since: due?.since ?? undefined },
    }
  },
)

function readLoad({ load: stored }: NodeRow): Pick<ClusterNode, 'load' | 'machine'> {
  if (stored === '') return { load: undefined }
  const { machine, ...load } = JSON.parse(stored) as StoredLoad
  return { load, machine }
}

/** Whether one runs that delivers: it was seen then, or later. */
export const findDeliveryNode = defineRead(
  'cluster.find-delivery-node',
  async (tx, { seenSince }: { readonly seenSince: number }): Promise<boolean> => {
    const rows = await tx.all<{ roles: string }>('SELECT roles FROM node WHERE seen_at >= ?', seenSince)
    return rows.some(({ roles }) => roles.split(' ').includes('delivery' satisfies NodeRole))
  },
)

function isRole(text: string): text is NodeRole {
  return nodeRoles.some(role => role === text)
}

/** The name of a delivery thread as the owner of leases: it tells the node. */
export function ownerName(nodeId: string, run: string): string {
  return `${nodeId}/${run}`
}

function nodeOfOwner(owner: string): string {
  return owner.slice(0, owner.indexOf('/'))
}
