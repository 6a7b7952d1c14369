// Mail as people write it, near enough for an index of words: few words that are in most messages and many that are in few,
// Russian and English, some of it HTML, addresses, numbers and links that are in one message only.
import { createSeededRandom } from '../test/harness/seeded-random.ts'

const words = 40_000
const englishLetters = ['etaoinshrdlu', 'cmfwypvbgkjqxz'] as const
const russianLetters = ['оеаинтсрвлкм', 'дпуяызьбгчйхжшюцщэф'] as const
const endings = {
  english: ['', '', 's', 'ing', 'ed', 'ly'],
  russian: ['', 'а', 'ы', 'ами', 'ого', 'ить'],
} as const
const people = 500

/** What searches look for. */
export const planted = {
  /** In a message of 20,000. */
  rare: 'zirconium',
  /** In every second one. */
  frequent: 'meeting',
  /** In every tenth one, this word behind that. */
  phrase: 'quarterly report',
  author: 'anna.berg',
} as const

export class ComposedMail {
  readonly #random: () => number
  readonly #vocabulary: Record<'english' | 'russian', readonly string[]>

  constructor(seed: number) {
    const random = createSeededRandom(seed)
    this.#random = () => random.fraction()
    this.#vocabulary = {
      english: Array.from({ length: words }, () => this.#inventWord(englishLetters)),
      russian: Array.from({ length: words }, () => this.#inventWord(russianLetters)),
    }
  }

  /** The `n`th, of about so many bytes. */
  compose(n: number, bytes: number): Buffer {
    const language = n % 3 === 0 ? 'russian' : 'english'
    const isHtml = n % 4 === 0
    const author = n % 200 === 7 ? planted.author : this.#personOf(Math.floor(this.#random() * people))
    const id = Math.floor(this.#random() * 2 ** 40).toString(36)
    const head = [
      `Received: from mx.example.test (mx.example.test [192.0.2.7]) by mail.example.com with ESMTPS id ${id}`,
      `DKIM-Signature: v=1; a=rsa-sha256; d=example.test; s=a; h=from:to; b=${id.repeat(20)}`,
      `From: ${author} <${author}@example.test>`,
      'To: Boris <boris@example.com>',
      `Subject: ${this.#words(language, 5)}`,
      `Date: ${new Date(Date.UTC(2026, 0, 1) + n * 60_000).toUTCString()}`,
      `Message-ID: <${id}@mail.example.test>`,
      'MIME-Version: 1.0',
    ]
    const room = Math.max(bytes - head.join('\r\n').length - 200, 200)
    const text = this.#text(n, language, isHtml ? room / 3 : room)
    const type = 'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit'
    if (!isHtml) return Buffer.from(`${head.join('\r\n')}\r\n${type}\r\n\r\n${text}`)
    const html = text
      .split('\r\n')
      .map(line => `<p style="margin:0">${line}</p>`)
      .join('\r\n')
    const filler = '<td class="x" width="1"></td>'
      .repeat(Math.ceil(room / 3 / 30))
      .replaceAll('</td>', '</td>\r\n')
    return Buffer.from(
      `${head.join('\r\n')}\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n--bb\r\n${type}\r\n\r\n${text}` +
        `\r\n--bb\r\n${type.replace('plain', 'html')}\r\n\r\n<html><body>${html}<table>${filler}</table></body></html>\r\n--bb--\r\n`,
    )
  }

  #text(n: number, language: 'english' | 'russian', bytes: number): string {
    const lines: string[] = []
    for (let length = 0; length < bytes; ) {
      const line = this.#words(language, 10)
      lines.push(line)
      length += Buffer.byteLength(line) + 2
    }
    if (n % 2 === 0) lines.push(`about the ${planted.frequent} on ${1 + (n % 28)} May`)
    if (n % 10 === 1) lines.push(`the ${planted.phrase} is here`)
    if (n % 20_000 === 77) lines.push(`some ${planted.rare} was found`)
    lines.push(`see https://www.example.test/${n}/${Math.floor(this.#random() * 2 ** 30).toString(36)}`)
    return `${lines.join('\r\n')}\r\n`
  }

  #personOf(n: number): string {
    return `${this.#vocabulary.english[n] ?? ''}.${this.#vocabulary.english[n + 1000] ?? ''}`
  }

  #words(language: 'english' | 'russian', count: number): string {
    const ends = endings[language]
    return Array.from({ length: count }, () => {
      // As in a language: the nth most frequent word is an nth as frequent as the first.
      const rank = Math.floor(Math.exp(this.#random() * Math.log(words))) - 1
      const end = ends[Math.floor(this.#random() * ends.length)] ?? ''
      return (this.#vocabulary[language][rank] ?? '') + (rank < 50 || this.#random() < 0.6 ? '' : end)
    }).join(' ')
  }

  #inventWord([frequent, others]: readonly [string, string]): string {
    const length = 2 + Math.floor(this.#random() * 7)
    return Array.from({ length }, () => {
      const letters = this.#random() < 0.7 ? frequent : others
      return letters[Math.floor(this.#random() * letters.length)]
    }).join('')
  }
}
