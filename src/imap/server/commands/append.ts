// APPEND (RFC 9051 §6.3.12), and REPLACE (RFC 8508), which appends one message in the place of another: between their literals the
// session reads, within them the octets go to the store.
import type { MaybePromise } from '../../../runtime/maybe-promise.ts'
import { type AppendEvent, type AppendPlace, parseAppendStep } from '../../grammar/commands/append.ts'
import type { LiteralMark } from '../../grammar/literal-mark.ts'
import type { GrammarTerms } from '../../grammar/terms.ts'
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import { formatNote, type StatusResponse } from '../../responses/status-response.ts'
import { answerProblem } from '../answer-problem.ts'
import { type AppendCommand, afterLogin, deniedWhereReadOnly, usual, withMailbox } from '../command.ts'
import {
  type Appended,
  type AppendTarget,
  isRefusal,
  type Refusal,
  type SessionMailboxes,
} from '../mailbox-services.ts'

export const append: AppendCommand = { ...usual, verb: 'APPEND', phases: afterLogin }

export const replace: AppendCommand = {
  ...usual,
  verb: 'REPLACE',
  // RFC 8508 §3.2: the message that goes is in the mailbox that is selected.
  phases: withMailbox,
  uidVariant: 'also',
  denied: deniedWhereReadOnly,
}

export type AppendTurn =
  /** The literal is a name, which belongs to what stands before it. */
  | { readonly kind: 'collect' }
  | { readonly kind: 'stream' }
  /** The command is over. */
  | { readonly kind: 'answer'; readonly response: StatusResponse; readonly untagged?: string | undefined }

export interface AppendTerms {
  readonly tag: string
  /** Of what stands before the arguments: tag and verb. */
  readonly headLength: number
  readonly grammar: GrammarTerms
  readonly maxMessageBytes: number
  readonly mailboxes: SessionMailboxes
}

/** One of them on its way. */
export class AppendFlow {
  readonly tag: string
  readonly #terms: AppendTerms
  readonly #verb: 'APPEND' | 'REPLACE'
  #place: AppendPlace
  #target: AppendTarget | undefined
  #failure: StatusResponse | undefined
  /** Octets of the message that is being read. */
  #size = 0

  constructor(terms: AppendTerms, place: Extract<AppendPlace, { at: 'start' }>) {
    this.tag = terms.tag
    this.#terms = terms
    this.#verb = place.verb
    this.#place = place
  }

  /** `bytes` is what stands between two literals of octets; the last line announces one, or the command ends with it. */
  async advance(bytes: Buffer): Promise<AppendTurn> {
    try {
      return await this.#advance(bytes)
    } catch (cause) {
      this.abort()
      throw cause
    }
  }

  async #advance(bytes: Buffer): Promise<AppendTurn> {
    if (this.#failure) return { kind: 'answer', response: this.#failure }
    const begin = this.#place.at === 'start' ? this.#terms.headLength : 0
    const step = parseAppendStep(bytes.subarray(begin), this.#place, this.#terms.grammar)
    if (step.kind === 'needs-string') return { kind: 'collect' }
    if (step.kind === 'malformed') return this.#refuse(answerProblem(step.problem))
    for (const event of step.events) {
      const refusal = await this.#follow(event, step.kind === 'octets' ? step.literal : undefined)
      if (refusal) return this.#refuse(refusal)
    }
    if (step.kind === 'end') return await this.#commit()
    this.#size += step.literal.size
    if (this.#size > this.#terms.maxMessageBytes)
      return this.#refuse(answers.messageTooBig(this.#terms.maxMessageBytes))
    this.#place = step.next
    this.#target?.expect(step.literal.binary ? 'literal8' : 'literal')
    return { kind: 'stream' }
  }

  async #follow(event: AppendEvent, literal: LiteralMark | undefined): Promise<StatusResponse | undefined> {
    switch (event.kind) {
      case 'mailbox': {
        const target = await this.#terms.mailboxes.append(event.mailbox, event.replaces)
        if (isRefusal(target)) return refusalOf(target)
        this.#target = target
        return undefined
      }
      case 'message':
        this.#size = 0
        // Said before the octets are asked for, so that nobody sends what is not wanted (RFC 9051 §6.3.12).
        if (literal && literal.size > this.#terms.maxMessageBytes)
          return answers.messageTooBig(this.#terms.maxMessageBytes)
        return answerRefusal(await this.#target?.begin(event.message, literal?.size ?? 0))
      case 'url': {
        const { maxMessageBytes } = this.#terms
        const appended = await this.#target?.appendUrl(event.url, maxMessageBytes - this.#size)
        if (isRefusal(appended)) return refusalOf(appended)
        this.#size += appended?.size ?? 0
        return undefined
      }
      case 'message-end':
        return answerRefusal(await this.#target?.end())
      default:
        return event satisfies never
    }
  }

  /** What comes of the command now is read and thrown away; then it is answered. */
  fail(response: StatusResponse): void {
    this.abort()
    this.#failure ??= response
  }

  write(octets: Uint8Array): MaybePromise<void> {
    return this.#target?.write(octets)
  }

  async #commit(): Promise<AppendTurn> {
    const target = this.#target
    // Whether anything of it is left when this fails, the target knows.
    this.#target = undefined
    const appended = await target?.commit()
    if (!appended) return { kind: 'answer', response: answers.localError }
    if (isRefusal(appended)) return { kind: 'answer', response: refusalOf(appended) }
    const code = codeOf(appended)
    if (this.#verb === 'APPEND') return { kind: 'answer', response: answers.completed('APPEND', code) }
    // RFC 8508 §3.4: the new one is told of before the old one goes.
    const untagged = code && formatNote(code, 'It is there')
    return { kind: 'answer', response: answers.completed('REPLACE'), untagged }
  }

  #refuse(response: StatusResponse): AppendTurn {
    this.abort()
    return { kind: 'answer', response }
  }

  /** Nothing of it is kept. */
  abort(): void {
    this.#target?.abort()
    this.#target = undefined
  }
}

function answerRefusal(refusal: Refusal | undefined): StatusResponse | undefined {
  return refusal && refusalOf(refusal)
}

function refusalOf({ refused, code }: Refusal): StatusResponse {
  return answers.refused(refused, code)
}

/** RFC 4315 §3 */
function codeOf({ uidValidity, uids }: Appended): StatusResponse['code'] {
  return uids && codes.appendUid(uidValidity, uids)
}
