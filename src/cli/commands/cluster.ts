// postrider cluster: the servers that share the database, and how far they are with the work.
import type { Command } from 'commander'
import { type Cluster, type ClusterNode, nodeRoles, readCluster } from '../../cluster/nodes.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { formatSize } from '../../runtime/format-size.ts'
import { silentLog } from '../../runtime/log.ts'
import {
  type DurabilityFacts,
  describeDurability,
  readDurability,
} from '../../storage/postgres/durability.ts'
import { createServerClock } from '../../storage/postgres/server-clock.ts'
import { serverSilentMs } from '../../storage/server-silence.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { formatCount, formatDuration } from '../quantities.ts'

export function addClusterCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'cluster',
    summary: 'Show the servers that share a PostgreSQL database',
    description:
      'Show the servers that share a PostgreSQL database: on which machine and since when they run, when they were last heard of, what they do ' +
      '(roles), how busy they are, what their delivery has in hand (leases), what is due and waits, what a 250 promises on ' +
      'this database, and how far its standbys are behind.',
    examples: ['cluster', 'cluster --json'],
  }).action(
    perform(run, async invocation => {
      const { database } = await invocation.settings()
      if (!database) {
        throw new UsageFault(
          'CLI_NO_CLUSTER',
          'This server is alone: its storage is SQLite. Servers that share their work have a PostgreSQL database (the setting storage).',
        )
      }
      const { cluster, durability, now } = await invocation.withStorage(async storage => {
        const clock = await createServerClock(storage, invocation.clock, silentLog)
        const now = clock.now()
        const durability = await storage.run(readDurability, undefined)
        return { cluster: await storage.run(readCluster, { now }), durability, now }
      })
      if (invocation.output.json) {
        invocation.output.result(clusterJson(cluster, durability, now), '')
        return
      }
      invocation.output.rows(
        cluster.nodes,
        [
          { title: 'SERVER', cell: node => node.hostname },
          { title: 'MACHINE', cell: ({ machine = '' }) => machine },
          { title: 'STATE', cell: node => stateOf(node, now) },
          { title: 'VERSION', cell: node => node.version },
          { title: 'RUNS FOR', align: 'right', cell: node => formatDuration(now - node.startedAt) },
          { title: 'ROLES', cell: node => node.roles.join(' ') },
          { title: 'SESSIONS', align: 'right', cell: ({ load }) => (load ? String(load.sessions) : '') },
          { title: 'CPU', align: 'right', cell: ({ load }) => (load ? `${load.cpuPercent} %` : '') },
          { title: 'MEMORY', align: 'right', cell: ({ load }) => (load ? formatSize(load.memoryBytes) : '') },
          { title: 'LEASES', align: 'right', cell: node => String(node.leases) },
          { title: 'PID', align: 'right', cell: node => String(node.pid) },
        ],
        node => node,
        'No server runs.',
      )
      invocation.output.note(describeDue(cluster, now))
      invocation.output.note(describeDatabase(durability))
      const missing = nodeRoles.filter(
        role => !cluster.nodes.some(node => !isSilent(node, now) && node.roles.includes(role)),
      )
      if (cluster.nodes.length > 0 && missing.length > 0)
        invocation.output.note(`No server that runs has the role ${missing.join(', ')} (the setting roles).`)
    }),
  )
}

function isSilent({ seenAt }: ClusterNode, now: number): boolean {
  return now - seenAt > serverSilentMs
}

function stateOf(node: ClusterNode, now: number): string {
  return isSilent(node, now) ? `silent for ${formatDuration(now - node.seenAt)}` : 'runs'
}

function describeDue({ due }: Cluster, now: number): string {
  return due.recipients === 0 || due.since === undefined
    ? 'Nothing that is due waits.'
    : `${formatCount(due.recipients, 'recipient')} due and not claimed, the first for ${formatDuration(now - due.since)}.`
}

function describeDatabase(durability: DurabilityFacts): string {
  const { promise, weakness } = describeDurability(durability)
  const standbys = (durability.standbys ?? []).map(
    ({ name, isSynchronous, behindBytes }) =>
      `${name} (${isSynchronous ? 'synchronous' : 'asynchronous'}, ${formatSize(behindBytes)} behind)`,
  )
  return [
    `A 250 means that the message is ${promise}.`,
    ...(standbys.length > 0 ? [`Standbys: ${standbys.join(', ')}.`] : []),
    ...(weakness === undefined ? [] : [`${weakness.what} ${weakness.remedy}`]),
  ].join(' ')
}

function clusterJson({ nodes, due }: Cluster, durability: DurabilityFacts, now: number): unknown {
  return {
    nodes: nodes.map(node => ({
      id: node.id,
      hostname: node.hostname,
      machine: node.machine ?? null,
      state: isSilent(node, now) ? 'silent' : 'runs',
      version: node.version,
      schemaVersion: node.schemaVersion,
      pid: node.pid,
      startedAt: new Date(node.startedAt).toISOString(),
      seenAt: new Date(node.seenAt).toISOString(),
      roles: node.roles,
      load: node.load ?? null,
      leases: node.leases,
    })),
    due: {
      recipients: due.recipients,
      since: due.since === undefined ? null : new Date(due.since).toISOString(),
    },
    database: { ...durability, standbys: durability.standbys ?? null },
  }
}
