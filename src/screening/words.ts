// What the statistical filter sees of a message: its words, and some of its header section, each as a number. In bounded memory
// and time, whatever a stranger sends.

import { decodeEncodedWords } from '../message/encoded-words.ts'
import { findFieldValue, type HeaderField } from '../message/header-section.ts'
import { charsetDecoderOf, parameterOf } from '../message/mime/charset.ts'
import { type Entity, MimeWalker, WalkEnded } from '../message/mime/mime-walker.ts'
import { decodeTransfer } from '../message/mime/transfer-decoder.ts'
import { hashText } from '../runtime/hash-text.ts'
import { textOfHtml } from './html-text.ts'

/** Of content that is encoded yet: what comes after it is not looked at. */
const maxPartBytes = 128 * 1024
/** Of all parts. */
const maxTextCharacters = 128 * 1024
/** Different ones. */
const maxWords = 3000
const shortestWord = 3
const longestWord = 25

const wordPattern = /[\p{L}\p{N}][\p{L}\p{N}\p{M}'’_-]*/gu
const linkPattern = /https?:\/\/([\p{L}\p{N}.-]+)/giu
const onlyDigits = /^\p{N}+$/u
/** Written without blanks between words. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u

/** In the order of the message. */
export class WordCollector {
  readonly #words = new Set<number>()
  readonly #walker: MimeWalker
  #entity: Entity | undefined
  #content: Buffer[] = []
  #contentBytes = 0
  #characters = 0
  #isOver = false

  constructor() {
    this.#walker = new MimeWalker({
      header: (_section, entity) => this.#begin(entity),
      content: bytes => this.#keep(bytes),
      endOfContent: () => this.#end(),
      structure() {},
    })
  }

  take(piece: Uint8Array): void {
    this.#walk(() => this.#walker.take(piece))
  }

  /** 0 … 2^53 - 1 each. */
  finish(): readonly number[] {
    this.#walk(() => this.#walker.finish())
    return [...this.#words]
  }

  /** A message that cannot be walked through has shown what it shows of itself so far. */
  #walk(step: () => void): void {
    if (this.#isOver) return
    try {
      step()
    } catch (cause) {
      if (!(cause instanceof WalkEnded)) throw cause
      this.#isOver = true
    }
  }

  #begin(entity: Entity): void {
    this.#entity = entity
    if (entity.isMessage) this.#addHeader(entity.fields)
    const type = entity.content.type ?? 'text/plain'
    this.#add(`type:${type}`)
    const extension = extensionOf(entity.fields)
    if (extension !== undefined) this.#add(`file:${extension}`)
  }

  #addHeader(fields: readonly HeaderField[]): void {
    for (const name of ['from', 'reply-to']) {
      const value = decodeEncodedWords(findFieldValue(fields, name) ?? '')
      const domain = /@(?<domain>[\p{L}\p{N}.-]+)/u.exec(value)?.groups?.domain
      if (domain !== undefined) this.#addHost(name, domain)
      this.#addText(value, `${name}*`)
    }
    this.#addText(decodeEncodedWords(findFieldValue(fields, 'subject') ?? ''), 'subject*')
    for (const name of ['list-id', 'list-unsubscribe', 'precedence', 'x-mailer', 'user-agent'])
      if (findFieldValue(fields, name) !== undefined) this.#add(`has:${name}`)
  }

  #keep(bytes: Buffer): void {
    if (this.#contentBytes >= maxPartBytes || !this.#isText) return
    const kept = bytes.subarray(0, maxPartBytes - this.#contentBytes)
    // A copy: the walker's buffer is used again.
    this.#content.push(Buffer.from(kept))
    this.#contentBytes += kept.length
  }

  #end(): void {
    const content = Buffer.concat(this.#content)
    this.#content = []
    this.#contentBytes = 0
    if (!this.#isText || this.#characters >= maxTextCharacters) return
    const { content: fields, fields: headerFields } = this.#entity ?? {}
    const bytes = decodeTransfer(content, fields?.encoding ?? '7bit')
    const text = charsetDecoderOf(headerFields ?? [])
      .decode(bytes)
      .slice(0, maxTextCharacters - this.#characters)
    this.#characters += text.length
    this.#addText(fields?.type === 'text/html' ? this.#readHtml(text) : text)
  }

  get #isText(): boolean {
    return (this.#entity?.content.type ?? 'text/plain').startsWith('text/')
  }

  #readHtml(html: string): string {
    const { text, links } = textOfHtml(html)
    for (const host of links) this.#addHost('link', host)
    return text
  }

  #addText(text: string, prefix = ''): void {
    const plain = text.normalize('NFKC').toLowerCase()
    for (const [, host = ''] of plain.matchAll(linkPattern)) this.#addHost('link', host)
    let before = ''
    for (const [word] of plain.matchAll(wordPattern)) {
      if (this.#words.size >= maxWords) return
      if (unspaced.test(word)) {
        for (const pair of pairsOf(word)) this.#add(`${prefix}${pair}`)
        before = ''
        continue
      }
      if (word.length < shortestWord || word.length > longestWord || onlyDigits.test(word)) continue
      this.#add(`${prefix}${word}`)
      if (before !== '') this.#add(`${prefix}${before} ${word}`)
      before = word
    }
  }

  /** With the domain that it is registered under, as far as two labels tell. */
  #addHost(kind: string, host: string): void {
    const labels = host
      .toLowerCase()
      .split('.')
      .filter(label => label !== '')
    if (labels.length === 0) return
    this.#add(`${kind}:${labels.join('.')}`)
    if (labels.length > 2) this.#add(`${kind}:${labels.slice(-2).join('.')}`)
  }

  #add(word: string): void {
    if (this.#words.size < maxWords) this.#words.add(numberOf(word))
  }
}

/** Two hashes of 32 bits make one number that JavaScript and both databases hold exactly. */
export function numberOf(word: string): number {
  return hashText(word, 0x9747b28c) * 2 ** 21 + (hashText(word, 0x1b873593) >>> 11)
}

function* pairsOf(text: string): Iterable<string> {
  const characters = Array.from(text)
  for (let index = 0; index + 1 < characters.length; index++)
    yield `${characters[index]}${characters[index + 1]}`
}

/** '.exe' of what would be saved. */
function extensionOf(fields: readonly HeaderField[]): string | undefined {
  const name =
    parameterOf(fields, 'content-disposition', 'filename') ?? parameterOf(fields, 'content-type', 'name')
  return name === undefined
    ? undefined
    : /\.(?<extension>[a-z0-9]{1,8})$/i.exec(name)?.groups?.extension?.toLowerCase()
}
