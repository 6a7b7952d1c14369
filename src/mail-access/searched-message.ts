// A message that a search looks at: what is dear to read is read when it is first asked for, and once. One that is damaged has what can
// be read of it: the others are found all the same.
import type { MailboxMessage } from '../mailbox/message-row.ts'
import { decodeEncodedWords } from '../message/encoded-words.ts'
import { type HeaderField, HeaderSplitter, parseHeaderFields } from '../message/header-section.ts'
import { parseEnvelopeAddresses } from '../message/structure/envelope-addresses.ts'
import { TextReader } from '../message/structure/read-text.ts'
import type { Envelope, EnvelopeAddress } from '../message/structure/structure.ts'
import { foldText } from '../message/words/sought-text.ts'
import { textOfHtml } from '../screening/html-text.ts'
import { isDamage } from '../storage/storage-fault.ts'
import type { MessageText } from './message-text.ts'

export class SearchedMessage {
  readonly row: MailboxMessage
  readonly #text: MessageText
  readonly #envelope: Envelope | undefined
  #fields: Promise<readonly DecodedField[]> | undefined
  #body: Promise<string> | undefined

  /** `envelope`: where it is known already, what stands in it is not read. */
  constructor(row: MailboxMessage, text: MessageText, envelope?: Envelope) {
    this.row = row
    this.#text = text
    this.#envelope = envelope
  }

  /** Its mail data was looked at. */
  get isRead(): boolean {
    return this.#fields !== undefined || this.#body !== undefined
  }

  fields(): Promise<readonly DecodedField[]> {
    this.#fields ??= this.#readFields()
    return this.#fields
  }

  /** As a reader sees it; undefined: there is none. */
  async field(wanted: string): Promise<string | undefined> {
    const told = this.#envelope && textsOfEnvelope[wanted]?.(this.#envelope)
    if (told !== undefined) return decodeEncodedWords(told)
    return (await this.fields()).find(({ name }) => name === wanted)?.decoded
  }

  /** As an envelope has them, with encoded words. */
  async addresses(wanted: 'from' | 'to' | 'cc'): Promise<readonly EnvelopeAddress[]> {
    if (this.#envelope) return this.#envelope[wanted]
    const values = (await this.fields()).flatMap(({ name, written }) => (name === wanted ? [written] : []))
    return parseEnvelopeAddresses(values.join(','))
  }

  /** Folded for comparison. */
  body(): Promise<string> {
    this.#body ??= this.#readBody()
    return this.#body
  }

  #fieldsAbove(): readonly HeaderField[] {
    return parseHeaderFields(Buffer.from(`${this.row.traceFields}\r\n`))
  }

  /** What can be read of its mail data. */
  async *#pieces(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#text.pieces()
    } catch (cause) {
      if (!isDamage(cause)) throw cause
    }
  }

  async #readFields(): Promise<readonly DecodedField[]> {
    const above = this.#fieldsAbove()
    const splitter = new HeaderSplitter(maxHeaderBytes)
    for await (const piece of this.#pieces()) {
      const split = splitter.take(piece)
      if (split === 'incomplete') continue
      if (split === 'too-long') break
      return [...above, ...parseHeaderFields(split.section)].map(decodeField)
    }
    return above.map(decodeField)
  }

  async #readBody(): Promise<string> {
    const reader = new TextReader(html => textOfHtml(html).text)
    for await (const piece of this.#pieces()) reader.take(piece)
    const { fields, body } = reader.finish()
    // They have come along.
    this.#fields ??= Promise.resolve([...this.#fieldsAbove(), ...fields].map(decodeField))
    return foldText(body)
  }
}

const maxHeaderBytes = 256 * 1024

/** Fields by their names. One that is not there is looked for in the header section: it is seldom asked for. */
const textsOfEnvelope: Readonly<Record<string, (envelope: Envelope) => string | undefined>> = {
  date: ({ date }) => date,
  subject: ({ subject }) => subject,
}

export interface DecodedField {
  /** In lower case. */
  readonly name: string
  readonly written: string
  /** Without encoded words. */
  readonly decoded: string
  /** The same, folded for comparison. */
  readonly value: string
}

function decodeField({ name, value }: HeaderField): DecodedField {
  const decoded = decodeEncodedWords(value)
  return { name: name.toLowerCase(), written: value, decoded, value: foldText(decoded) }
}

/** That of a line (RFC 5322 §2.1.1). What a stranger wrote may be as long as a header section, and this looks at it time and again. */
const maxDateLength = 998

/** ms since 1970; undefined: it is no date (RFC 5322 §3.3). */
export function readDate(field: string | undefined): number | undefined {
  if (field === undefined || field.length > maxDateLength) return undefined
  // A comment behind it names the zone.
  const at = Date.parse(field.replace(/\s*\([^()]*\)\s*$/, ''))
  return Number.isNaN(at) ? undefined : at
}

/** As i;unicode-casemap compares (RFC 5051), near enough: without regard to case, and to how a letter is composed. */
export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

/** For an order: i;unicode-casemap (RFC 5051 §2) compares capitals, before which '[' and '_' do not come. */
export function collate(text: string): string {
  return fold(text).toUpperCase()
}
