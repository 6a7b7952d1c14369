// What the SMTP sessions of this server ask for, joined from the parts that know.

import type { Address, ReversePath } from '../address/address.ts'
import { formatAddress, formatReversePath } from '../address/format-address.ts'
import { type Settings, usualQuotaOf } from '../config/settings.ts'
import type { DeliverTurned } from '../delivery/transfer/turned-delivery.ts'
import { isRoleAddress } from '../directory/keys.ts'
import { rememberRecipients } from '../directory/recipient-cache.ts'
import type { RefusalEvidence } from '../intake/inspect-message.ts'
import type { Intake } from '../intake/intake.ts'
import { LdapFault } from '../ldap/ldap-fault.ts'
import type { MessageUrls } from '../mail-access/message-urls.ts'
import { checkForwardPath, type OpenTerminals } from '../policy/check-forward-path.ts'
import { checkReversePath } from '../policy/check-reverse-path.ts'
import { checkRoom } from '../policy/check-room.ts'
import { isStranger } from '../policy/check-strangers.ts'
import type { LoginBlock } from '../policy/login-limiter.ts'
import { type Logins, loginNameToKeep } from '../policy/logins.ts'
import type { OutsideAccounts } from '../policy/outside-accounts.ts'
import { findOutsideRecipients } from '../policy/outside-recipients.ts'
import type { Patience } from '../policy/patience.ts'
import { isRelayProof } from '../policy/prove-no-open-relay.ts'
import { findFetchable, startQueueOf } from '../policy/relay-fetching.ts'
import type { SessionHooks } from '../policy/session-hooks.ts'
import type { SessionScanners } from '../policy/session-scanners.ts'
import {
  type ReachedLimit,
  replyTo,
  type StrangerLimits,
  type StrangersBring,
} from '../policy/stranger-limits.ts'
import { expandAnswer, verifyAnswer } from '../policy/verify-answer.ts'
import { formatQueueId } from '../queue/queue-id.ts'
import { createLmtpStores } from '../routing/lmtp-stores.ts'
import { createReturnPaths, type ReturnPaths } from '../routing/return-paths.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { systemRandom } from '../runtime/random.ts'
import { RepeatMemory } from '../runtime/repeat-memory.ts'
import { decideSender } from '../sender-list/sender-list.ts'
import type { SenderLists } from '../sender-list/sender-lists.ts'
import { limitRecipient } from '../sending/limit-recipients.ts'
import type { SendingWatch } from '../sending/sending-watch.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import { isForUsers } from '../smtp/server/roles.ts'
import type {
  Client,
  CutOff,
  Refusal,
  SessionServices,
  TurnedAway,
  UrlContent,
} from '../smtp/server/services.ts'
import type { Storage } from '../storage/operation.ts'
import { isPassing } from '../storage/storage-fault.ts'
import { watchStorage } from '../storage/watch-storage.ts'
import type { TrailEvent, TrailRecord } from '../trail/events.ts'
import { logInServicesOf } from './compose-log-ins.ts'
import { peerFactsOf } from './peer-facts.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

export interface SmtpServicesOptions {
  readonly settings: Settings
  readonly storage: Storage
  readonly intake: Intake
  readonly terminals: OpenTerminals
  readonly logins: Logins
  /** Accounts that LDAP knows. */
  readonly outside?: OutsideAccounts | undefined
  readonly deliverTurned: DeliverTurned
  /** What BURL names. */
  readonly urls?: MessageUrls | undefined
  readonly patience: Patience
  /** How much they may bring in a time. */
  readonly strangerLimits: StrangerLimits
  /** Counts what accounts send. */
  readonly watch: Pick<SendingWatch, 'note'>
  readonly clock: Clock
  readonly log: Log
  /** Takes trail records that nobody waits for. */
  readonly appendTrail: (record: TrailRecord) => void
  /** What intake had found when it refused a message with this very reply. */
  readonly evidenceFor?: ((reply: Reply) => RefusalEvidence | undefined) | undefined
  readonly hooks?: SessionHooks | undefined
  /** Whose mail is wanted, and whose not. */
  readonly senderLists?: SenderLists | undefined
  /** Gives the reply as it goes out. */
  readonly noteEvidence?: ((reply: Reply, evidence: RefusalEvidence) => Reply) | undefined
  /** Scanners that follow transactions. */
  readonly sessionScanners?: SessionScanners | undefined
}

/** What happens again and again, and is told once with how often. */
type RepeatedEvent = Extract<TrailEvent, { kind: 'queue-started' | 'fetched' | 'refused' | 'turned-away' }>

export interface ComposedSmtpServices extends SessionServices {
  /** Gives the trail what it has yet to be told of those who came again and again, at the end. */
  readonly tellRest: () => void
}

export function createSmtpServices(options: SmtpServicesOptions): ComposedSmtpServices {
  const { settings, intake, terminals, patience, strangerLimits } = options
  const { hooks, logins, outside, sessionScanners, urls } = options
  const trouble = new LastingTrouble(options.log, {
    begins: 'the directory cannot be asked: senders are put off',
    ends: 'the directory is asked again',
  })
  const storage = watchStorage(options.storage, trouble)
  const remembered = rememberRecipients(storage)
  const recipients = outside ? findOutsideRecipients(remembered, storage, outside) : remembered
  const { hostname } = settings
  const returnPaths = createReturnPaths({
    storage: recipients,
    clock: options.clock,
    random: systemRandom,
    hostname,
    forwarding: settings.forwarding,
  })
  /** While the storage does not answer, that is no fault of each session that asks it. */
  const putOff = async <Verdict>(
    verdict: Promise<Verdict>,
    meanwhile: Reply = replies.localError,
  ): Promise<Verdict | Reply> => {
    try {
      return await verdict
    } catch (cause) {
      // LDAP says for itself what is wrong with it, and so does the storage.
      if (cause instanceof LdapFault || isPassing(cause)) return meanwhile
      throw cause
    }
  }
  const limiting = { storage, clock: options.clock, watch: options.watch, settings: settings.submission }
  const roomPolicy = {
    storage: recipients,
    hostname,
    clock: options.clock,
    usual: usualQuotaOf(settings.mailboxes),
    stores: createLmtpStores(settings.delivery.lmtp),
    noteEvidence: options.noteEvidence,
  }
  const turnedAway = new RepeatMemory(minuteMs, options.clock)
  const inVain = new RepeatMemory(hourMs, options.clock)
  const limited = new RepeatMemory(minuteMs, options.clock)
  /** Why these were given. They have no number, since not each of them is in the trail. */
  const reached = new WeakMap<Reply, ReachedLimit>()
  /** Undefined: there is room for one more of these. */
  const refuseBeyond = (client: Client, what: StrangersBring): Reply | undefined => {
    const limit = strangerLimits.find(client, what)
    if (!limit) return undefined
    const reply = replyTo(limit, hostname)
    reached.set(reply, limit)
    return reply
  }
  const countRecipient = (
    client: Client,
    refusal: Reply | undefined,
    by: 'directory' | 'others',
  ): Reply | undefined => {
    if (refusal && !namesNobody(refusal, by)) return refusal
    const what = refusal ? 'refusedRecipients' : 'recipients'
    const beyond = refusal && refuseBeyond(client, what)
    strangerLimits.count(client, what)
    return beyond ?? refusal
  }
  const senderPolicy = { hostname, senderAddress: settings.submission.senderAddress }
  /** Writes into the trail what happened at `at`, and how many of the same were not told before it. */
  const tellOf =
    (at: number, event: RepeatedEvent): ((repeated: number) => void) =>
    repeated =>
      options.appendTrail({ at, event: repeated > 0 ? { ...event, repeated } : event })
  /** Whoever comes every few minutes, and finds nothing, stands in the trail once an hour. */
  const noteAsked = (
    event: Extract<TrailEvent, { kind: 'queue-started' | 'fetched' }>,
    isInVain: boolean,
  ): void => {
    const { sessionId: _session, ...whatFor } = event
    const tell = tellOf(options.clock.now(), event)
    if (isInVain) inVain.note(JSON.stringify(whatFor), tell)
    else tell(0)
  }
  return {
    connect(client) {
      const refusal = refuseBeyond(client, 'refusedRecipients') ?? refuseBeyond(client, 'connections')
      if (refusal) return refusal
      strangerLimits.count(client, 'connections')
      sessionScanners?.connect(client)
      const asked = hooks?.connect(client)
      return asked ? asked.then(reply => reply ?? patience.atConnect(client)) : patience.atConnect(client)
    },
    hello(client) {
      patience.atHello(client)
      return hooks?.hello(client)
    },
    acceptReversePath(client, reversePath, parameters) {
      const refusal = refuseBeyond(client, 'messages')
      if (refusal) return refusal
      sessionScanners?.mail(client)
      const askHooks = (): Promise<Reply | undefined> | undefined =>
        hooks?.mail(client, reversePath, parameters)
      // Another server may bring mail from anywhere: nothing to ask the directory for.
      if (!client.account && !isForUsers(client.role)) return askHooks()
      return putOff(checkReversePath(storage, senderPolicy, client, reversePath, parameters)).then(
        reply => reply ?? askHooks(),
      )
    },
    async acceptForwardPath(client, transaction, recipient) {
      const refusal = refuseBeyond(client, 'recipients')
      if (refusal) return refusal
      const { forwardPath } = recipient
      const { disposition, reversePath } = transaction
      const { declaredSize } = transaction.parameters
      const found = await putOff(
        checkReturnPath(
          returnPaths,
          reversePath,
          forwardPath,
          async () =>
            await checkForwardPath(recipients, senderPolicy, terminals, client, forwardPath, disposition, {
              limitRecipient: account => limitRecipient(limiting, account, forwardPath),
              limitRoom: resolved => checkRoom(roomPolicy, { client, forwardPath, resolved, declaredSize }),
            }),
        ),
      )
      const verdict =
        found ??
        (await putOff(checkBlocked(options, client, reversePath, forwardPath))) ??
        (await hooks?.rcpt(client, transaction, forwardPath)) ??
        (await sessionScanners?.rcpt(client, transaction, recipient))
      const reply = countRecipient(client, verdict, found ? 'directory' : 'others')
      return reply && (await patience.answer(client, reply, strangerLimits.isGuessing(client)))
    },
    receive(client, transaction) {
      strangerLimits.count(client, 'messages')
      return intake.open(client, transaction, client.account?.language)
    },
    ...logInServicesOf(logins),
    verify: (_client, question) => verifyAnswer(storage, hostname, question),
    expand: (_client, question) => expandAnswer(storage, hostname, question),
    async startQueue(client, request) {
      const now = options.clock.now()
      const asked = peerFactsOf(client)
      const answer = await putOff(
        startQueueOf(storage, client, request, { asked, now }),
        replies.cannotStartQueue('that node'),
      )
      if ('code' in answer) return answer
      const { reply, started } = answer
      if (started) noteAsked({ kind: 'queue-started', ...asked, ...started, reply }, started.messages === 0)
      return reply
    },
    ...(urls && { openUrl: (client, url) => putOff(openSubmittedUrl(urls, client, url)) }),
    async turnAround(client, { verb, account, domains: wanted }) {
      const found = await putOff(
        findFetchable(storage, account, wanted, options.clock.now()),
        replies.cannotFetch,
      )
      const asked = peerFactsOf(client)
      if ('code' in found) {
        if (found.code === replies.nothingToFetch.code)
          noteAsked({ kind: 'fetched', verb, domains: wanted, ...asked }, true)
        return found
      }
      const { heloName, remoteAddress: address, remotePort: port } = client
      return {
        reply: replies.turning,
        async take({ socket, signal }) {
          const handed = await options.deliverTurned({
            socket,
            signal,
            verb,
            account: account.address,
            name: heloName ?? address,
            address,
            port,
            domains: found,
          })
          noteAsked({ kind: 'fetched', verb, domains: found, handed, ...asked }, false)
        },
      }
    },
    disconnected(client) {
      patience.forget(client)
      hooks?.forget(client)
      sessionScanners?.forget(client)
    },
    refused(client, refusal) {
      if (isRelayProof(client, refusal)) return
      const { loginName } = refusal
      const block = loginName === undefined ? undefined : logins.blockOf(client.remoteAddress, loginName)
      const evidence = options.evidenceFor?.(refusal.reply)
      const now = options.clock.now()
      const limit = reached.get(refusal.reply)
      // At once: the session goes on meanwhile.
      const { at, event } = describeRefusal(now, client, refusal, { block, limit, ...evidence })
      const tell = tellOf(at, event)
      if (limit) limited.note(wordOfLimit(limit), tell)
      else tell(0)
    },
    cutOff(client, cutOff) {
      options.appendTrail(describeCutOff(options.clock.now(), client, cutOff))
    },
    turnedAway(peer) {
      const { id, hooks: said } = (peer.reply && options.evidenceFor?.(peer.reply)) ?? {}
      const limit = peer.reply && reached.get(peer.reply)
      const tell = tellOf(options.clock.now(), {
        kind: 'turned-away',
        ...peer,
        ...(said ? { hooks: said } : {}),
        ...(id === undefined ? {} : { id: formatQueueId(id) }),
        ...(limit ? { limit } : {}),
      })
      // Somebody may ask about each that has a number.
      if (id !== undefined) tell(0)
      else if (limit) limited.note(wordOfLimit(limit), tell)
      else turnedAway.note(wordOf(peer), tell)
    },
    tellRest() {
      for (const memory of [turnedAway, inVain, limited]) memory.tellRest()
    },
  }
}

/**
 * Reports to the sender of forwarded mail are taken from every server, if the address is one that we gave out; nothing else
 * is, or a stranger who has seen such an address could send through us.
 */
async function checkReturnPath(
  returnPaths: ReturnPaths,
  reversePath: ReversePath,
  forwardPath: Address,
  checkOthers: () => Promise<Reply | undefined>,
): Promise<Reply | undefined> {
  const opened = await returnPaths.open(forwardPath)
  if (!opened) return await checkOthers()
  const address = formatAddress(forwardPath)
  if (opened.kind === 'invalid') return replies.noSuchReturnPath(opened.reason, address)
  return reversePath === null ? undefined : replies.returnPathForReports(address)
}

/**
 * Whether the recipient is one that does not exist, or of others. A mailbox that is there and takes nothing (RFC 3463 §3.3) is none, nor
 * is one that a list of senders, a hook or a scanner keeps this mail from: a provider whose mail is not wanted guesses nothing.
 */
function namesNobody({ code, enhanced = '' }: Reply, by: 'directory' | 'others'): boolean {
  if (code < 500) return false
  return by === 'directory' ? !enhanced.startsWith('5.2.') : enhanced.startsWith('5.1.')
}

/** By the sender address alone: who the author is, and what is proved, shows when the message has come. */
async function checkBlocked(
  { senderLists, settings: { hostname }, noteEvidence }: SmtpServicesOptions,
  client: Client,
  reversePath: ReversePath,
  forwardPath: Address,
): Promise<Reply | undefined> {
  if (!senderLists || reversePath === null || !isStranger(client) || isRoleAddress(forwardPath))
    return undefined
  const names = { reversePath, authors: [] }
  const [entries = []] = await senderLists.find({ names, recipients: [forwardPath], hostname })
  const decision = decideSender(entries, names, { isProven: () => true })
  if (decision?.verdict !== 'block') return undefined
  const recipient = formatAddress(forwardPath)
  const reply = replies.senderBlocked([recipient], decision.name, decision.list)
  return noteEvidence?.(reply, { lists: [{ recipient, ...decision }] }) ?? reply
}

function describeRefusal(
  at: number,
  client: Client,
  refusal: Refusal,
  {
    block,
    id,
    authentication,
    screening,
    lists,
    hooks,
    room,
    limit,
  }: RefusalEvidence & {
    readonly block: LoginBlock | undefined
    readonly limit: ReachedLimit | undefined
  },
): { readonly at: number; readonly event: Extract<TrailEvent, { kind: 'refused' }> } {
  const {
    command,
    reversePath,
    forwardPath,
    recipients,
    domains,
    loginName,
    mechanism,
    loginProblem,
    reply,
  } = refusal
  return {
    at,
    event: {
      kind: 'refused',
      ...peerFactsOf(client),
      command,
      reversePath: reversePath === undefined ? undefined : formatReversePath(reversePath),
      forwardPath: forwardPath && formatAddress(forwardPath),
      recipients: recipients?.map(formatAddress),
      ...(domains && domains.length > 0 ? { domains } : {}),
      loginName: loginName === undefined ? undefined : loginNameToKeep(loginName),
      mechanism,
      loginProblem,
      blockedUntil: block?.until,
      blockedBy: block?.by,
      authentication,
      screening,
      lists,
      hooks,
      ...(room ? { room } : {}),
      ...(id === undefined ? {} : { id: formatQueueId(id) }),
      ...(limit ? { limit } : {}),
      reply,
    },
  }
}

function describeCutOff(
  at: number,
  client: Client,
  { transaction, during, how, reply }: CutOff,
): TrailRecord {
  return {
    at,
    event: {
      kind: 'cut-off',
      ...peerFactsOf(client),
      reversePath: formatReversePath(transaction.reversePath),
      recipients: transaction.recipients.map(({ forwardPath }) => formatAddress(forwardPath)),
      during,
      how,
      reply,
    },
  }
}

function wordOfLimit({ what, network }: ReachedLimit): string {
  return `${what} ${network}`
}

function wordOf({ remoteAddress, reply, problem }: TurnedAway): string {
  return `${remoteAddress} ${reply?.code ?? ''} ${problem ?? ''}`
}

/** RFC 4468 §3: the submission server reads for the user who hands the message in. */
async function openSubmittedUrl(
  urls: MessageUrls,
  { account }: Client,
  url: string,
): Promise<UrlContent | Reply> {
  if (!account) return replies.authRequired
  const content = await urls.open(url, { accountId: account.id, as: 'submission' })
  if (content) return content.octets
  return (await urls.isAuthorizedHere(url)) ? replies.urlNotFound : replies.urlNotOurs
}
