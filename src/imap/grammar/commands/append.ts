// APPEND (RFC 9051 §6.3.12) of one message or several (RFC 3502), whole or in parts (CATENATE, RFC 4469), in UTF-8 (RFC 6855 §4) or
// binary (RFC 3516 §4.4); and REPLACE (RFC 8508), which appends one in the place of another.
//
// The messages themselves are never here: each step reads from the end of one literal to the beginning of the next, so a
// message of any size can go from the socket to the store while nothing but the words between is kept.
import { Cursor } from '../cursor.ts'
import { parseDateTime } from '../dates.ts'
import { parseFlagList } from '../flags.ts'
import { findLiteralMark, type LiteralMark } from '../literal-mark.ts'
import { parseMailboxName } from '../mailbox-name.ts'
import type { GrammarProblem } from '../problem.ts'
import type { NamedBy, SequenceNumber } from '../sequence-set.ts'
import type { GrammarTerms } from '../terms.ts'
import { parseUrlText } from '../url.ts'

export type AppendEvent =
  /** `replaces`: the message that goes when the new one is there. */
  | { readonly kind: 'mailbox'; readonly mailbox: string; readonly replaces: ReplacedMessage | undefined }
  | { readonly kind: 'message'; readonly message: AppendedMessage }
  /** CATENATE: what the URL names is the next part of it. */
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'message-end' }

export interface ReplacedMessage {
  readonly by: NamedBy
  readonly number: SequenceNumber
}

export interface AppendedMessage {
  readonly flags: readonly string[]
  /** ms since 1970; undefined: now. */
  readonly internalDate: number | undefined
  /** UTF8 (…): header fields may be in UTF-8. */
  readonly utf8: boolean
}

/** Where in the command the next step begins. */
export type AppendPlace =
  | { readonly at: 'start'; readonly verb: 'APPEND' | 'REPLACE'; readonly by: NamedBy }
  | { readonly at: 'message-end' | 'utf8-end' | 'catenate'; readonly verb: 'APPEND' | 'REPLACE' }

export type AppendStep =
  /** The literal at the end is a mailbox name or a URL: it belongs to this step, which is asked again when it is there. */
  | { readonly kind: 'needs-string'; readonly literal: LiteralMark }
  /** The octets of a message, or of a part of one, follow. */
  | {
      readonly kind: 'octets'
      readonly events: readonly AppendEvent[]
      readonly literal: LiteralMark
      readonly next: AppendPlace
    }
  | { readonly kind: 'end'; readonly events: readonly AppendEvent[] }
  | { readonly kind: 'malformed'; readonly problem: GrammarProblem }

/**
 * `bytes` is what stands between two literals of octets, without the CRLF behind it: at the start from behind the verb on.
 * The literals of strings are in it as they came.
 */
export function parseAppendStep(bytes: Buffer, place: AppendPlace, terms: GrammarTerms): AppendStep {
  return new StepReader(bytes, place.verb, terms).read(place)
}

class StepReader {
  readonly #cursor: Cursor
  readonly #verb: 'APPEND' | 'REPLACE'
  /** The literal that the last line announces. */
  readonly #mark: LiteralMark | undefined
  readonly #events: AppendEvent[] = []

  constructor(bytes: Buffer, verb: 'APPEND' | 'REPLACE', terms: GrammarTerms) {
    this.#cursor = new Cursor(bytes, terms)
    this.#verb = verb
    this.#mark = findLiteralMark(bytes)
  }

  read(place: AppendPlace): AppendStep {
    switch (place.at) {
      case 'start':
        this.#readStart(place.by)
        if (this.#stringIsMissing) return this.#needsString()
        this.#cursor.blank()
        return this.#readMessage()
      case 'utf8-end':
        this.#cursor.skip(')')
        return this.#endMessage()
      case 'message-end':
        return this.#endMessage()
      case 'catenate':
        return this.#afterPart()
      default:
        return place satisfies never
    }
  }

  /** What is read next begins with the literal that has not come. */
  get #stringIsMissing(): boolean {
    return this.#mark !== undefined && this.#cursor.position === this.#mark.at
  }

  #needsString(): AppendStep {
    return this.#mark && !this.#mark.binary
      ? { kind: 'needs-string', literal: this.#mark }
      : this.#malformed('a string that is no literal8')
  }

  #readStart(by: NamedBy): void {
    const cursor = this.#cursor
    cursor.blank()
    let replaces: ReplacedMessage | undefined
    if (this.#verb === 'REPLACE') {
      replaces = { by, number: cursor.takes('*') ? '*' : cursor.nonZeroNumber('the number of a message') }
      cursor.blank()
    }
    if (!this.#stringIsMissing)
      this.#events.push({ kind: 'mailbox', mailbox: parseMailboxName(cursor), replaces })
  }

  #readMessage(): AppendStep {
    const cursor = this.#cursor
    const flags = cursor.sees('(') ? parseFlagList(cursor) : undefined
    if (flags) cursor.blank()
    const internalDate = cursor.sees('"') ? parseDateTime(cursor) : undefined
    if (internalDate !== undefined) cursor.blank()
    const form = cursor.takesKeyword('UTF8') ? 'utf8' : cursor.takesKeyword('CATENATE') ? 'catenate' : 'whole'
    const message = { flags: flags ?? [], internalDate, utf8: form === 'utf8' }
    this.#events.push({ kind: 'message', message })
    if (form === 'whole') return this.#octets({ at: 'message-end', verb: this.#verb })
    cursor.blank()
    cursor.skip('(')
    return form === 'utf8' ? this.#octets({ at: 'utf8-end', verb: this.#verb }) : this.#readPart()
  }

  #readPart(): AppendStep {
    const cursor = this.#cursor
    if (cursor.takesKeyword('TEXT')) {
      cursor.blank()
      return this.#octets({ at: 'catenate', verb: this.#verb })
    }
    if (!cursor.takesKeyword('URL')) return this.#malformed('TEXT or URL')
    cursor.blank()
    if (this.#stringIsMissing) return this.#needsString()
    this.#events.push({ kind: 'url', url: parseUrlText(cursor) })
    return this.#afterPart()
  }

  #afterPart(): AppendStep {
    if (this.#events.length > this.#cursor.terms.maxTerms)
      this.#cursor.fail('too-complex', `A message may have ${this.#cursor.terms.maxTerms} parts in one line`)
    if (this.#cursor.takes(' ')) return this.#readPart()
    this.#cursor.skip(')')
    return this.#endMessage()
  }

  #endMessage(): AppendStep {
    const cursor = this.#cursor
    this.#events.push({ kind: 'message-end' })
    // RFC 8508 §3.2: one message takes the place of one.
    if (this.#verb === 'APPEND' && cursor.takes(' ')) return this.#readMessage()
    cursor.end()
    return cursor.problem
      ? { kind: 'malformed', problem: cursor.problem }
      : { kind: 'end', events: this.#events }
  }

  #octets(next: AppendPlace): AppendStep {
    const cursor = this.#cursor
    if (!cursor.problem && this.#mark && this.#stringIsMissing)
      return { kind: 'octets', events: this.#events, literal: this.#mark, next }
    return this.#malformed('a message as a literal')
  }

  #malformed(expected: string): AppendStep {
    this.#cursor.expect(expected)
    const problem = this.#cursor.problem ?? { kind: 'syntax', text: `Expected ${expected}` }
    return { kind: 'malformed', problem }
  }
}
