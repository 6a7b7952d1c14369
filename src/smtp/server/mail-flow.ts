// The way of one message's bytes from the connection to the sink: counted, checked, given up at the first problem.

import { replies } from '../replies.ts'
import { isPositive, type Reply } from '../reply.ts'
import type { EndReply, MailDataSink, MaybePromise } from './services.ts'
import type { TextCheck } from './text-check.ts'

export class MailFlow {
  readonly #sink: MailDataSink
  readonly #maxBytes: number
  /** undefined for BODY=BINARYMIME, where any octet may stand anywhere (RFC 3030 §3). */
  readonly #check: TextCheck | undefined
  readonly #fault: (cause: unknown) => void
  /** Octets that came, also after a problem. */
  received = 0
  #problem: Reply | undefined
  /** Ends with the last piece that the sink has not done with: pieces that came together wait for each other. */
  #writing: Promise<void> | undefined
  /** Finished or aborted, or about to be: the sink is told once. */
  #over = false

  constructor(
    sink: MailDataSink,
    maxBytes: number,
    check: TextCheck | undefined,
    fault: (cause: unknown) => void,
  ) {
    this.#sink = sink
    this.#maxBytes = maxBytes
    this.#check = check
    this.#fault = fault
  }

  /** Why the message is refused, as far as it has come. */
  get problem(): Reply | undefined {
    return this.#problem
  }

  /** The sink has been told to finish: whether the message is ours is for it to say. */
  get isStoring(): boolean {
    return this.#over && !this.#problem
  }

  /** A peer that sends on long after its message is too big does not deserve the rest to be read. */
  get isHopeless(): boolean {
    return this.received > 2 * this.#maxBytes + 1024 * 1024
  }

  /** A returned promise is back-pressure. Never rejects. */
  write(piece: Buffer): MaybePromise<void> {
    this.received += piece.length
    if (this.#problem) return undefined
    if (this.received > this.#maxBytes) {
      this.#giveUp(replies.messageTooBig(this.#maxBytes))
      return undefined
    }
    if (this.#check) {
      this.#check.check(piece)
      if (this.#check.problem) {
        this.#giveUp(this.#check.problem)
        return undefined
      }
    }
    if (!this.#writing) return this.#remember(this.#hand(piece))
    return this.#remember(this.#writing.then(() => this.#hand(piece)))
  }

  #remember(writing: MaybePromise<void>): MaybePromise<void> {
    if (!(writing instanceof Promise)) return undefined
    const remembered = writing.then(() => {
      if (this.#writing === remembered) this.#writing = undefined
    })
    this.#writing = remembered
    return remembered
  }

  /** Never rejects. */
  #hand(piece: Buffer): MaybePromise<void> {
    // The message may have been given up while the piece waited.
    if (this.#over) return undefined
    try {
      const written = this.#sink.write(piece)
      return written instanceof Promise ? written.catch((cause: unknown) => this.#fail(cause)) : undefined
    } catch (cause) {
      this.#fail(cause)
      return undefined
    }
  }

  /** The reply to the end of the data: 250 when the message is the sink's, else why not. */
  async finish(): Promise<EndReply> {
    this.#check?.finish()
    if (this.#check?.problem) this.#giveUp(this.#check.problem)
    if (this.#problem) return this.#problem
    // From here on the sink decides: a connection that is cut now must not abort what may be stored already.
    this.#over = true
    try {
      return await this.#sink.finish(this.#check)
    } catch (cause) {
      this.#fault(cause)
      this.#abortSink()
      return replies.localError
    }
  }

  /** The connection has gone, or RSET came between chunks. */
  abort(): void {
    this.#giveUp(replies.localError)
  }

  #fail(cause: unknown): void {
    this.#fault(cause)
    this.#giveUp(replies.localError)
  }

  #giveUp(problem: Reply): void {
    this.#problem ??= problem
    if (this.#over) return
    this.#over = true
    this.#abortSink()
  }

  #abortSink(): void {
    try {
      this.#sink.abort()
    } catch (cause) {
      this.#fault(cause)
    }
  }
}

export function isSink(value: MailDataSink | Reply): value is MailDataSink {
  return 'finish' in value
}

/** Refusals of services stay refusals: a positive reply where only a refusal makes sense is a fault of the service. */
export function assertRefusal(reply: Reply): Reply {
  return isPositive(reply) ? replies.localError : reply
}
