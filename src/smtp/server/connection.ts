// One connection: what is read from its bytes (lines, mail data, chunks), and what becomes of a step; the session owns the protocol.
import type { Socket } from 'node:net'
import type {
  ConnectionAnswers,
  ConnectionHost,
  Ending,
  TurnedAway,
} from '../../connection/connection-host.ts'
import type { Door } from '../../connection/door.ts'
import { guard } from '../../connection/owned-socket.ts'
import { ServerConnection } from '../../connection/server-connection.ts'
import { isTlsHandshake } from '../../connection/tls-handshake.ts'
import { replies } from '../replies.ts'
import { formatReply, type Reply } from '../reply.ts'
import { findLine, findLineEnd } from './command-input.ts'
import { describeLine } from './describe-line.ts'
import { DataReader } from './mail-data.ts'
import type { MailFlow } from './mail-flow.ts'
import type { ListenerRole, MaybePromise, TlsFacts, Turn } from './services.ts'
import { createClient, Session, type SessionContext } from './session.ts'
import type { Chunk, Effect, Step } from './session-state.ts'

/** What the connections of a server say and tell besides. */
export interface ConnectionTerms {
  readonly context: SessionContext
  readonly greeting: string
  /** What is said, for the log; absent when it is not wanted. */
  readonly noteDialogue?:
    | ((speaker: 'client' | 'server', text: string, sessionId: string | undefined) => void)
    | undefined
}

/** What the bytes are that come next. */
type Input =
  | { readonly kind: 'commands' }
  /** The rest of a line that is too long is read away. */
  | { readonly kind: 'long-line'; readonly reply: Reply; skipped: number }
  | { readonly kind: 'data'; readonly reader: DataReader; readonly flow: MailFlow }
  | { readonly kind: 'chunk'; readonly chunk: Chunk; left: number }

const commands: Input = { kind: 'commands' }

const maxSkippedBytes = 1024 * 1024

export class Connection extends ServerConnection<ListenerRole, Reply> {
  readonly #terms: ConnectionTerms
  session: Session | undefined
  #input: Input = commands
  /** This side has opened the socket; told at the end how many messages came. */
  #whenServed: ((served: { readonly messages: number }) => void) | undefined
  /** This end is the client now; stops whoever was asked to turn the connection around, and has the socket. */
  #turned: AbortController | undefined

  constructor(
    terms: ConnectionTerms,
    host: ConnectionHost<ListenerRole, Reply>,
    door: Door<ListenerRole>,
    socket: Socket,
  ) {
    super(host, door, socket)
    this.#terms = terms
  }

  get #context(): SessionContext {
    return this.#terms.context
  }

  // Beginning and end

  /** On a socket that this side opened, to a server that has become the client. */
  greetFetched(whenServed: (served: { readonly messages: number }) => void): void {
    this.#whenServed = whenServed
    this.greetOpened()
  }

  protected openSession(tls: TlsFacts | undefined): MaybePromise<Reply | undefined> {
    const facts = { ...this.peerFacts(tls), ...(this.#whenServed && { fetched: true as const }) }
    const client = createClient(this.#context, facts, this.isPeerUnknown)
    this.session = new Session(this.#context, client, () => this.endLogIn())
    return this.#context.services.connect?.(client)
  }

  protected override welcome(): void {
    // The second turn from now is the first in which a byte can show up that was there before the greeting.
    setImmediate(setImmediate, welcomePatient, this)
  }

  // RFC 5321 §3.1, §4.3.1: the client waits for the greeting. Programs that send spam often do not.
  welcomePatient(): void {
    if (this.isOver) return
    const { pending } = this
    if (pending && !this.isDraining) {
      this.turnAway(isTlsHandshake(pending) ? tlsOnPlainPort(this.#context) : replies.talksTooEarly)
      return
    }
    super.welcome()
    if (this.isOver) return
    this.extendDeadline()
    this.run()
  }

  protected sayGreeting(): void {
    this.say(replies.greeting(this.#context.hostname, this.#terms.greeting))
  }

  protected enterTls(tls: TlsFacts): void {
    this.session?.enterTls(tls)
  }

  protected say(reply: Reply): void {
    this.#terms.noteDialogue?.('server', formatStatus(reply), this.session?.client.sessionId)
    this.output.addText(formatReply(reply))
  }

  protected noteTurnedAway({ response: reply, ...peer }: TurnedAway<ListenerRole, Reply>): void {
    const { sessionId, heloName } = this.session?.client ?? {}
    this.#context.services.turnedAway?.({ ...peer, sessionId, heloName, reply })
  }

  protected abandon(ending: Ending<Reply>): void {
    this.session?.abandon(ending)
  }

  protected override released(): void {
    try {
      if (this.session) this.#context.services.disconnected?.(this.session.client)
    } finally {
      this.#whenServed?.({ messages: this.session?.accepted ?? 0 })
    }
  }

  /** No new transactions: 421 at once between them, else after the one that is open (RFC 5321 §3.8). */
  override drain(): void {
    super.drain()
    this.#turned?.abort()
  }

  /** Between transactions nothing is lost by closing. */
  protected get isAtRest(): boolean {
    const phase = this.session?.state.phase
    return phase === undefined || phase === 'greeted' || phase === 'ready' || phase === 'authenticating'
  }

  protected get isAtBeginning(): boolean {
    return this.#input === commands && this.session?.state.phase === 'greeted'
  }

  /** RFC 5321 §4.5.3.2.5: every block of data. */
  protected get isInBulk(): boolean {
    return this.isReading && this.#isMailData
  }

  get #isMailData(): boolean {
    return this.#input.kind === 'data' || this.#input.kind === 'chunk'
  }

  protected override get mayFinishMessage(): boolean {
    return true
  }

  /** A reply is whole, whatever is waited for. */
  protected override get canBeTold(): boolean {
    return this.isReading || this.isWaiting
  }

  // Deadlines

  protected nextDeadline(now: number): number {
    const { dataBlockTimeoutMs, commandTimeoutMs } = this.#context.limits
    return Math.min(now + (this.#isMailData ? dataBlockTimeoutMs : commandTimeoutMs), this.#sessionEndsAt)
  }

  /** ms since 1970 */
  get #sessionEndsAt(): number {
    return this.openedAt + this.#context.limits.sessionTimeoutMs
  }

  protected expired(): void {
    const isSessionOver = this.#context.now() >= this.#sessionEndsAt
    // It is us who are slow. A message that may be stored by now is answered even when the session is over, or the peer
    // would send it again (RFC 1047).
    if (this.isWaiting && (!isSessionOver || this.session?.isStoring)) this.extendDeadline()
    else this.bid(replies.timedOut(isSessionOver ? 'session' : 'silence', this.#context.hostname))
  }

  // Bytes

  protected read(bytes: Buffer): boolean {
    const input = this.#input
    switch (input.kind) {
      case 'commands':
        return this.#readLine(bytes)
      case 'data':
        this.#readData(bytes, input)
        return true
      case 'chunk':
        this.#readChunk(bytes, input)
        return true
      case 'long-line':
        return this.#skipLine(bytes, input)
      default:
        return input satisfies never
    }
  }

  #keep(bytes: Buffer, from: number): void {
    this.keep(from < bytes.length ? bytes.subarray(from) : undefined)
  }

  #readLine(bytes: Buffer): boolean {
    const { session } = this
    if (!session) return false
    const found = findLine(bytes, session.state.phase, this.#context.limits.maxCommandLineBytes)
    if (found === 'incomplete') return false
    switch (found.kind) {
      case 'too-long':
        this.#input = { kind: 'long-line', reply: found.reply, skipped: 0 }
        break
      case 'bare-line-feed':
        this.#keep(bytes, found.end)
        // Whoever types by hand is told how to do better.
        this.#apply(session.refuseLine(replies.bareLineFeed))
        break
      case 'line':
        this.#keep(bytes, found.end)
        this.#terms.noteDialogue?.('client', describeLine(found.line, session), session.client.sessionId)
        this.#follow(session.step(found.line))
        break
      default:
        found satisfies never
    }
    return true
  }

  #skipLine(bytes: Buffer, mode: Extract<Input, { kind: 'long-line' }>): boolean {
    const end = findLineEnd(bytes)
    this.#keep(bytes, end < 0 ? bytes.length : end)
    if (end >= 0) {
      if (this.session) this.#apply(this.session.refuseLine(mode.reply))
      return true
    }
    mode.skipped += bytes.length
    if (mode.skipped > maxSkippedBytes) this.bid(mode.reply)
    return false
  }

  #readData(bytes: Buffer, input: Extract<Input, { kind: 'data' }>): void {
    let written: Promise<void> | undefined
    const end = input.reader.read(bytes, piece => {
      // Each waits for the one before, so the last stands for all.
      const now = input.flow.write(piece)
      if (now instanceof Promise) written = now
    })
    this.#keep(bytes, end < 0 ? bytes.length : end)
    this.when(written, () => {
      if (end >= 0) this.#endData()
      else if (input.flow.isHopeless) this.bid(input.flow.problem ?? replies.localError)
    })
  }

  #endData(): void {
    if (this.session) this.#follow(this.session.endOfData())
  }

  #readChunk(bytes: Buffer, input: Extract<Input, { kind: 'chunk' }>): void {
    const { into } = input.chunk
    const piece = bytes.subarray(0, input.left)
    input.left -= piece.length
    this.#keep(bytes, piece.length)
    this.when(into.kind === 'flow' ? into.flow.write(piece) : undefined, () => {
      if (input.left === 0) this.#endChunk(input.chunk)
    })
  }

  #endChunk(chunk: Chunk): void {
    if (this.session) this.#follow(this.session.endOfChunk(chunk))
  }

  // Steps

  #follow(step: MaybePromise<Step>): void {
    this.when(step, outcome => this.#apply(outcome))
  }

  #apply({ reply, further, effect }: Step): void {
    this.#input = commands
    if (effect?.kind === 'start-tls')
      this.answerStartTls(
        () => reply && this.say(reply),
        () => this.say(replies.tlsUnavailable),
      )
    else if (effect?.kind === 'turn-around') this.#turnAround(effect.turn)
    else {
      if (reply) this.say(reply)
      for (const one of further ?? []) this.say(one)
      if (effect) this.#perform(effect, reply)
      else if (this.isDraining) this.drain()
    }
    if (!this.isOver) this.extendDeadline()
  }

  #perform(effect: Exclude<Effect, { kind: 'start-tls' | 'turn-around' }>, reply: Reply | undefined): void {
    switch (effect.kind) {
      case 'close':
        this.end({ how: 'closed', answer: reply })
        break
      case 'leave':
        this.leave()
        break
      case 'read-data':
        this.#input = { kind: 'data', reader: new DataReader(), flow: effect.flow }
        break
      case 'read-chunk':
        this.#expectChunk(effect.chunk)
        break
      default:
        effect satisfies never
    }
  }

  #expectChunk(chunk: Chunk): void {
    this.#input = { kind: 'chunk', chunk, left: chunk.size }
    if (chunk.size === 0) this.#endChunk(chunk)
    // So many octets to be thrown away are not worth the time.
    else if (chunk.size > maxWastedBytes(this.#context))
      this.bid(
        chunk.into.kind === 'refused'
          ? chunk.into.reply
          : replies.messageTooBig(this.#context.limits.maxMessageBytes),
      )
  }

  // The roles reverse

  #turnAround(turn: Turn): void {
    // It waits for our answer before it greets: what it said before would be taken for that, and was meant for the server.
    if (this.refusesTextBehind(replies.textAfterTurn)) return
    this.say(turn.reply)
    const socket = this.giveAway()
    const stopping = new AbortController()
    this.#turned = stopping
    if (this.isDraining) stopping.abort()
    turn
      .take({ socket, signal: stopping.signal })
      .catch((cause: unknown) => this.noteFault(cause))
      .finally(() => {
        socket.destroy()
        this.gone()
      })
  }
}

export function connectionReplies(context: SessionContext): ConnectionAnswers<Reply> {
  const { hostname } = context
  return {
    notYourDoor: remoteAddress => replies.notYourDoor(hostname, remoteAddress),
    tooManyConnections: replies.tooManyConnections(hostname),
    tooManyConnectionsFromYou: host => replies.tooManyConnectionsFromYou(hostname, host),
    shuttingDown: replies.shuttingDown(hostname),
    fault: replies.fault(hostname),
    logInEnded: replies.logInEnded(hostname),
    tlsOnPlainPort: () => tlsOnPlainPort(context),
    textBehindStartTls: replies.textAfterStartTls,
  }
}

/** What is read away of a message that is refused anyway; beyond it the connection is closed. */
function maxWastedBytes({ limits }: SessionContext): number {
  return 2 * limits.maxMessageBytes + 1024 * 1024
}

function welcomePatient(connection: Connection): void {
  guard(connection, () => connection.welcomePatient())
}

/** The words of a reply may repeat what the client said, so the log has its codes only. */
function formatStatus({ code, enhanced }: Reply): string {
  return enhanced === undefined ? `${code}` : `${code} ${enhanced}`
}

function tlsOnPlainPort({ hostname, hasTls, tlsPorts }: SessionContext): Reply {
  const ports = tlsPorts().map(port => `port ${port}`)
  return replies.tlsOnPlainPort(hostname, hasTls ? ['STARTTLS', ...ports] : ports)
}
