// The text of a message as a reader sees it: its fields decoded, its text parts in Unicode. For whoever looks for words in it.
import { decodeEncodedWords } from '../encoded-words.ts'
import type { HeaderField } from '../header-section.ts'
import { charsetDecoderOf, parameterOf } from '../mime/charset.ts'
import { type Entity, type MimeEvents, MimeWalker, WalkEnded } from '../mime/mime-walker.ts'
import { TransferDecoder } from '../mime/transfer-decoder.ts'

/** Of the text parts together, in characters: what is longer is read so far. */
const maxCharacters = 8 * 1024 * 1024

export interface MessageWords {
  /** Of the message itself, as written. */
  readonly fields: readonly HeaderField[]
  /** One after another; those of attached messages too, with their fields. */
  readonly body: string
}

interface TextPart {
  readonly transfer: TransferDecoder
  readonly charset: TextDecoder
  readonly html: string[] | undefined
}

export class TextReader implements MimeEvents {
  readonly #walker = new MimeWalker(this)
  /** The text of an HTML document. */
  readonly #textOfHtml: (html: string) => string
  #fields: readonly HeaderField[] = []
  readonly #texts: string[] = []
  #characters = 0
  #part: TextPart | undefined
  #isOver = false

  constructor(textOfHtml: (html: string) => string) {
    this.#textOfHtml = textOfHtml
  }

  take(piece: Uint8Array): void {
    if (!this.#isOver) this.#guard(() => this.#walker.take(piece))
  }

  finish(): MessageWords {
    if (!this.#isOver) this.#guard(() => this.#walker.finish())
    return { fields: this.#fields, body: this.#texts.join('') }
  }

  header(_section: Buffer, entity: Entity): void {
    if (entity.index === 0) this.#fields = entity.fields
    else if (entity.isMessage)
      for (const { name, value } of entity.fields) this.#add(`${name}: ${decodeEncodedWords(value)}\n`)
    else this.#addFileNames(entity)
    const { type = 'text/plain', encoding } = entity.content
    this.#part =
      entity.kind === 'leaf' && type.startsWith('text/')
        ? {
            transfer: new TransferDecoder(encoding),
            charset: charsetDecoderOf(entity.fields),
            // A document is read as a whole: its tags end where they end.
            html: type === 'text/html' ? [] : undefined,
          }
        : undefined
  }

  content(bytes: Buffer): void {
    if (this.#part)
      this.#addText(this.#part, this.#part.charset.decode(this.#part.transfer.take(bytes), { stream: true }))
  }

  endOfContent(): void {
    const part = this.#part
    if (!part) return
    this.#part = undefined
    this.#addText(part, part.charset.decode(part.transfer.finish()))
    if (part.html) this.#texts.push(this.#textOfHtml(part.html.join('')))
    this.#texts.push('\n')
  }

  structure(): void {}

  #addFileNames({ fields }: Entity): void {
    const names = [
      parameterOf(fields, 'content-type', 'name'),
      parameterOf(fields, 'content-disposition', 'filename'),
    ]
    for (const name of names) if (name !== undefined) this.#add(`${decodeEncodedWords(name)}\n`)
  }

  #add(text: string, to: string[] = this.#texts): void {
    if (this.#characters >= maxCharacters) return
    to.push(text)
    this.#characters += text.length
  }

  #addText({ html }: TextPart, text: string): void {
    this.#add(text, html)
  }

  #guard(walk: () => void): void {
    try {
      walk()
    } catch (cause) {
      if (!(cause instanceof WalkEnded)) throw cause
      this.#isOver = true
    }
  }
}
