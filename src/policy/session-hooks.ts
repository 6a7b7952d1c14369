// The hook file of the administrator's at the stages of a session: what it is told, what its verdicts do, and what it said, kept
// until a message, a refusal or the end of the session writes it into the trail.
import type { Address, ReversePath } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import type { HookOutcome, Hooks } from '../hooks/hooks.ts'
import type { Connected, Greeted, MailBegun, MessageCame, Verdict } from '../hooks/index.ts'
import type { HookSessions, HookStage } from '../hooks/worker-messages.ts'
import { parseHeaderFields } from '../message/header-section.ts'
import type { ScoreLine } from '../screening/score.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import type { Client, MailTransaction, ReversePathParameters } from '../smtp/server/services.ts'
import type { HookRemark, TrailEvent, TrailRecord } from '../trail/events.ts'

export interface SessionHooksParts {
  readonly hooks: Pick<Hooks, 'ask' | 'file' | 'has'>
  readonly now: () => number
  /** For the trail of what is refused. Gives the reply as it goes out. */
  readonly noteEvidence: (reply: Reply, evidence: { readonly hooks: readonly HookRemark[] }) => Reply
  readonly appendTrail: (record: TrailRecord) => void
}

/** A message as the function `data` is told of it. */
export type HookedMessage = MessageCame['message']

/** What the hook file says of a message, all stages together. */
export interface HookedAnswer {
  /** It is not to be taken. */
  readonly reply?: Reply | undefined
  /** Whatever its points. */
  readonly isAccepted: boolean
  readonly lines: readonly ScoreLine[]
  readonly remarks: readonly HookRemark[]
}

/** The functions, for one message. */
export interface MessageHooks {
  /** The message has come: with what was said of its session and transaction before. */
  data(describe: () => Promise<HookedMessage>): Promise<HookedAnswer>
}

interface Said {
  /** Of connect and hello: they hold for each message. */
  readonly ofSession: HookRemark[]
  ofTransaction: HookRemark[]
  /** Those that stand in the trail already. */
  readonly written: Set<HookRemark>
  client: Client
  /** The session is over; a function may still be thinking about it. */
  isOver: boolean
}

/** A session with thousands of recipients says no more than that. */
const maxRemarks = 100
const maxLines = 5

export class SessionHooks {
  readonly #parts: SessionHooksParts
  readonly #sessions = new Map<string, Said>()

  constructor(parts: SessionHooksParts) {
    this.#parts = parts
  }

  /** Of every session, and first. */
  connect(client: Client): Promise<Reply | undefined> | undefined {
    this.#sessions.set(client.sessionId, nothingSaid(client))
    return this.#askAt('connect', client, () => describeClient(client))
  }

  hello(client: Client): Promise<Reply | undefined> | undefined {
    return this.#askAt('hello', client, () => describeGreeted(client))
  }

  mail(
    client: Client,
    reversePath: ReversePath,
    parameters: ReversePathParameters,
  ): Promise<Reply | undefined> | undefined {
    const said = this.#sessions.get(client.sessionId)
    if (said) {
      this.#write(said)
      said.ofTransaction = []
    }
    return this.#askAt('mail', client, () => describeMail(client, { reversePath, parameters }))
  }

  rcpt(
    client: Client,
    transaction: MailTransaction,
    forwardPath: Address,
  ): Promise<Reply | undefined> | undefined {
    const recipient = formatAddress(forwardPath)
    return this.#askAt(
      'rcpt',
      client,
      () => ({
        ...describeMail(client, transaction),
        recipient,
        recipients: transaction.recipients.map(one => formatAddress(one.forwardPath)),
      }),
      recipient,
    )
  }

  /** When mail data begins: what was said before counts, though the client be gone when the message is whole. */
  begin(client: Client, transaction: MailTransaction): MessageHooks {
    const said = this.#saidOf(client)
    return { data: describe => this.#data(said, client, transaction, describe) }
  }

  async #data(
    said: Said,
    client: Client,
    transaction: MailTransaction,
    describe: () => Promise<HookedMessage>,
  ): Promise<HookedAnswer> {
    const { hooks } = this.#parts
    if (hooks.has('data')) {
      const session = {
        ...describeMail(client, transaction),
        recipients: transaction.recipients.map(({ forwardPath }) => formatAddress(forwardPath)),
        message: await describe(),
      }
      this.#note(said, remarkOf('data', await hooks.ask('data', session)))
    }
    const remarks = [...said.ofSession, ...said.ofTransaction]
    const refusing = remarks.find(({ verdict, stage }) => stage === 'data' && isRefusal(verdict))
    for (const remark of remarks) said.written.add(remark)
    return {
      ...(refusing ? { reply: replyTo(refusing) } : {}),
      isAccepted: remarks.some(({ verdict }) => verdict === 'accept'),
      lines: remarks.flatMap(({ stage, verdict, points = 0, text = '' }): ScoreLine[] =>
        verdict === 'score' ? [{ source: `the hook file, ${stage}`, name: text, points }] : [],
      ),
      remarks,
    }
  }

  /** The session is over: what nobody has written yet is written. */
  forget({ sessionId }: Client): void {
    const said = this.#sessions.get(sessionId)
    if (!said) return
    said.isOver = true
    this.#write(said)
    this.#sessions.delete(sessionId)
  }

  #askAt<Stage extends Exclude<HookStage, 'data'>>(
    stage: Stage,
    client: Client,
    describe: () => HookSessions[Stage],
    recipient?: string,
  ): Promise<Reply | undefined> | undefined {
    const { hooks } = this.#parts
    return hooks.has(stage) ? this.#ask(stage, client, describe(), recipient) : undefined
  }

  async #ask<Stage extends Exclude<HookStage, 'data'>>(
    stage: Stage,
    client: Client,
    session: HookSessions[Stage],
    recipient: string | undefined,
  ): Promise<Reply | undefined> {
    const said = this.#saidOf(client)
    const remark = remarkOf(stage, await this.#parts.hooks.ask(stage, session), recipient)
    if (!remark || !isRefusal(remark.verdict)) {
      this.#note(said, remark)
      return undefined
    }
    return this.#parts.noteEvidence(replyTo(remark), { hooks: [remark] })
  }

  #saidOf(client: Client): Said {
    // One that is over is not remembered again.
    const said = this.#sessions.get(client.sessionId) ?? { ...nothingSaid(client), isOver: true }
    said.client = client
    return said
  }

  #note(said: Said, remark: HookRemark | undefined): void {
    if (!remark) return
    const isOfSession = remark.stage === 'connect' || remark.stage === 'hello'
    const list = isOfSession ? said.ofSession : said.ofTransaction
    // EHLO may come again, and says then what holds.
    const before = remark.stage === 'hello' ? list.findIndex(({ stage }) => stage === 'hello') : -1
    if (before >= 0) list.splice(before, 1)
    if (list.length < maxRemarks || remark.stage === 'data') list.push(remark)
    if (said.isOver) this.#write(said)
  }

  #write({ ofSession, ofTransaction, written, client }: Said): void {
    const remarks = [...ofSession, ...ofTransaction].filter(remark => !written.has(remark))
    if (remarks.length === 0) return
    for (const remark of remarks) written.add(remark)
    this.#parts.appendTrail({ at: this.#parts.now(), event: describeHooked(client, remarks) })
  }
}

function nothingSaid(client: Client): Said {
  return { ofSession: [], ofTransaction: [], written: new Set(), client, isOver: false }
}

function isRefusal(verdict: HookRemark['verdict']): boolean {
  return verdict === 'reject' || verdict === 'defer'
}

/** undefined: the function had nothing to say. */
function remarkOf(
  stage: HookStage,
  { verdict, problem }: HookOutcome,
  recipient?: string,
): HookRemark | undefined {
  const where = { stage, ...(recipient === undefined ? {} : { recipient }) }
  if (problem !== undefined) return { ...where, verdict: 'none', text: problem }
  return verdict && { ...where, ...readRemark(verdict) }
}

function readRemark(verdict: Verdict): Pick<HookRemark, 'verdict' | 'points' | 'text' | 'code'> {
  switch (verdict.action) {
    case 'accept':
      return { verdict: 'accept', ...(verdict.reason === undefined ? {} : { text: verdict.reason }) }
    case 'score':
      return { verdict: 'score', points: verdict.points, text: verdict.reason }
    case 'reject':
      return { verdict: 'reject', code: verdict.code, text: verdict.text }
    case 'defer':
      return { verdict: 'defer', text: verdict.text }
    default:
      return verdict satisfies never
  }
}

function replyTo({ stage, verdict, code, text = '' }: HookRemark): Reply {
  const lines = text
    .split(/\r?\n/)
    .filter(line => line.trim() !== '')
    .slice(0, maxLines)
  if (verdict === 'reject') return { ...replies.hookRefused(lines), code: code ?? 550 }
  const reply = replies.hookDeferred(lines)
  // RFC 5321 §3.1: before the greeting only 421 says "later".
  return stage === 'connect' ? { ...reply, code: 421 } : reply
}

function describeClient({ sessionId, role, remoteAddress, remotePort, local, tls }: Client): Connected {
  return {
    sessionId,
    role,
    address: remoteAddress,
    port: remotePort,
    isLocal: local,
    ...(tls ? { tls: { protocol: tls.protocol, cipher: tls.cipher } } : {}),
  }
}

function describeGreeted(client: Client): Greeted {
  return {
    ...describeClient(client),
    heloName: client.heloName ?? '',
    ...(client.account ? { account: client.account.address } : {}),
  }
}

function describeMail(
  client: Client,
  { reversePath, parameters }: Pick<MailTransaction, 'reversePath' | 'parameters'>,
): MailBegun {
  return {
    ...describeGreeted(client),
    reversePath: reversePath === null ? '' : formatAddress(reversePath),
    ...(parameters.declaredSize === undefined ? {} : { declaredSize: parameters.declaredSize }),
  }
}

/** So much of the header section, and of the body, is shown. */
const shownBytes = 64 * 1024

/** Reads the beginning of the mail data, and no more of it. */
export async function describeMessage(
  facts: Omit<HookedMessage, 'fields' | 'body' | 'isBodyWhole'>,
  mailData: AsyncIterable<Uint8Array>,
): Promise<HookedMessage> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of mailData) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= 2 * shownBytes) break
  }
  const bytes = Buffer.concat(chunks)
  const empty = bytes.indexOf('\r\n\r\n')
  const end = empty < 0 ? Math.min(bytes.length, shownBytes) : Math.min(empty + 2, shownBytes)
  const start = empty < 0 ? bytes.length : empty + 4
  return {
    ...facts,
    fields: parseHeaderFields(bytes.subarray(0, end)).map(({ name, value }) => ({ name, value })),
    body: bytes.subarray(start, start + shownBytes).toString('utf8'),
    isBodyWhole: facts.size <= start + shownBytes && facts.size <= bytes.length,
  }
}

/** For the trail. */
export function describeHooked(
  { sessionId, role, remoteAddress, heloName, account }: Client,
  remarks: readonly HookRemark[],
): Extract<TrailEvent, { kind: 'hooked' }> {
  return {
    kind: 'hooked',
    sessionId,
    role,
    remoteAddress,
    heloName,
    account: account?.address,
    remarks,
  }
}
