// Who may have the mail that is kept for the domains of others, or may ask that it be sent (RFC 1985, RFC 2645).
import { findStanding } from '../directory/owns-address.ts'
import {
  countRelayQueue,
  findOwnedDomains,
  mostCounted,
  type OwnedDomain,
  type QueueStart,
  type StartedQueue,
  startRelayQueue,
} from '../queue/relay-queue.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import type { AuthenticatedAccount, Client, QueueRequest } from '../smtp/server/services.ts'
import type { Storage } from '../storage/operation.ts'

type Runner = Pick<Storage, 'run'>

const minuteMs = 60_000
/** So long mail is attempted that else waits to be fetched: its server has said that it is there. */
const startedMs = 30 * minuteMs
/** Strangers start a queue at most so often. */
const pauseMs = minuteMs

export interface QueueAnswer {
  readonly reply: Reply
  /** Of a reply that is no refusal: as it was asked for, and what is tried now. */
  readonly started?: { readonly node: string } & StartedQueue
}

/** ETRN. `asked`: the client, for the trail of the messages. */
export async function startQueueOf(
  storage: Runner,
  client: Client,
  request: QueueRequest,
  { asked, now }: Pick<QueueStart, 'asked' | 'now'>,
): Promise<QueueAnswer> {
  const node = nameOf(request)
  const found = await findDomains(storage, client, request)
  if ('code' in found) return { reply: found }
  if (client.account && !(await isEnabled(storage, client.account))) return { reply: replies.accountDisabled }
  const allowed = found.filter(domain => mayStart(client, domain))
  if (allowed.length === 0)
    return { reply: replies.nodeNotAllowed(found.length === 0 ? 'notRelayed' : 'notYours', node) }
  const unlessUntil = allowed.every(domain => isOwner(client, domain)) ? undefined : now + startedMs - pauseMs
  // Asked first: each start wakes delivery, and a stranger may ask without end.
  if (unlessUntil !== undefined && allowed.every(({ startsUntil }) => startsUntil > unlessUntil))
    return { reply: replies.queueStartedBefore(node), started: { node, domains: [], messages: 0 } }
  const started = await storage.run(startRelayQueue, {
    asked,
    domains: allowed.map(({ name }) => name),
    now,
    startsUntil: now + startedMs,
    unlessUntil,
  })
  return { reply: replyToStart(started, node), started: { node, ...started } }
}

function replyToStart({ domains, messages }: StartedQueue, node: string): Reply {
  if (domains.length === 0) return replies.queueStartedBefore(node)
  if (messages === 0) return replies.nothingQueued(node)
  return messages < mostCounted ? replies.queueStarted(messages, node) : replies.longQueueStarted(node)
}

async function findDomains(
  storage: Runner,
  { account }: Client,
  request: QueueRequest,
): Promise<readonly OwnedDomain[] | Reply> {
  switch (request.kind) {
    case 'domain':
      return await storage.run(findOwnedDomains, { kind: 'name', name: request.domain })
    case 'with-subdomains':
      return await storage.run(findOwnedDomains, { kind: 'with-subdomains', name: request.domain })
    case 'queue': {
      if (request.name !== 'all' || !account) return replies.nodeNotAllowed('noSuchQueue', request.name)
      const owned = await storage.run(findOwnedDomains, { kind: 'account', accountId: account.id })
      return owned.length === 0 ? replies.nodeNotAllowed('noDomains') : owned
    }
    default:
      return request satisfies never
  }
}

function nameOf(request: QueueRequest): string {
  if (request.kind === 'queue') return `#${request.name}`
  return request.kind === 'domain' ? request.domain : `@${request.domain}`
}

function mayStart(client: Client, domain: OwnedDomain): boolean {
  return domain.anyoneStarts || client.local || isOwner(client, domain)
}

function isOwner({ account }: Client, { ownerId }: OwnedDomain): boolean {
  return account !== undefined && ownerId === account.id
}

/** It may have been disabled or removed since it logged in. */
async function isEnabled(storage: Runner, account: AuthenticatedAccount): Promise<boolean> {
  return (await storage.run(findStanding, { accountId: account.id })) === 'enabled'
}

/**
 * The domains whose mail is handed over, or why none is. RFC 2645 §5.2.1: of several domains all have to be the account's, or
 * it gets nothing.
 */
export async function findFetchable(
  storage: Runner,
  account: AuthenticatedAccount,
  wanted: readonly string[],
  now: number,
): Promise<readonly string[] | Reply> {
  if (!(await isEnabled(storage, account))) return replies.accountDisabled
  const rows = await storage.run(findOwnedDomains, { kind: 'account', accountId: account.id })
  const owned = rows.map(({ name }) => name)
  const foreign = wanted.find(name => !owned.includes(name))
  if (foreign !== undefined) return replies.fetchRefused('notYours', foreign)
  if (owned.length === 0) return replies.fetchRefused('noDomains')
  const domains = wanted.length > 0 ? wanted : owned
  const waiting = await storage.run(countRelayQueue, { domains, now })
  return waiting === 0 ? replies.nothingToFetch : domains
}
