// Collects the terms of a message: what of it can be found without reading it again.
import { foldWords } from './fold-words.ts'
import { knownStem, knownWord, lookUpWord, noteWord } from './known-words.ts'
import { maxWordLength, splitWords, type WordSink } from './split-words.ts'
import {
  exactTerm,
  hasStems,
  isMachineField,
  isTermName,
  placeOfField,
  stemTerm,
  type TermPlace,
} from './terms.ts'

/** PostgreSQL takes a megabyte of them for a row. What is beyond it, in a message of that many different words, is not found. */
const maxCharacters = 200_000

export class MessageTerms {
  readonly #places = new Map<TermPlace, TermsOfPlace>()
  readonly #room = { characters: maxCharacters }

  /** `name` in lower case, `value` without encoded words. */
  addField(name: string, value: string): void {
    if (isTermName(name)) this.#of('n').addOther(name)
    if (isMachineField(name)) return
    const folded = foldWords(value)
    splitWords(folded, this.#of('h'))
    const own = placeOfField(name)
    if (own !== undefined) splitWords(folded, this.#of(own))
  }

  /** Text may come in pieces that end between words. */
  addBody(text: string): void {
    splitWords(foldWords(text), this.#of('b'))
  }

  /** One after another, with a space between them. */
  finish(): string {
    return [...this.#places.values()].flatMap(({ terms }) => terms).join(' ')
  }

  #of(place: TermPlace): TermsOfPlace {
    let terms = this.#places.get(place)
    if (!terms) {
      terms = new TermsOfPlace(place, this.#room)
      this.#places.set(place, terms)
    }
    return terms
  }
}

/** So many have there been. */
let places = 0

class TermsOfPlace implements WordSink {
  readonly terms: string[] = []
  readonly #place: TermPlace
  readonly #hasStems: boolean
  /** What is left for all places of the message. */
  readonly #room: { characters: number }
  readonly #number = ++places
  readonly #others = new Set<string>()

  constructor(place: TermPlace, room: { characters: number }) {
    this.#place = place
    this.#hasStems = hasStems(place)
    this.#room = room
  }

  /** Once each; where another place takes turns with this one, perhaps twice, which does no harm. */
  word(text: string, start: number, end: number, hash: number): void {
    const number = lookUpWord(text, start, end, hash)
    if (!noteWord(number, this.#number)) return
    const word = knownWord(number)
    this.#add(exactTerm(this.#place, word))
    if (!this.#hasStems || word.length === maxWordLength) return
    const stem = knownStem(number)
    if (stem !== word) this.#add(stemTerm(this.#place, stem))
  }

  compound(text: string): void {
    this.addOther(text)
    for (const domain of domainsOf(text)) this.addOther(domain)
  }

  dense(letters: readonly string[]): void {
    // Any part of it is found by its pairs; the last letter alone, because no pair begins with it.
    for (const [at, letter] of letters.entries()) this.addOther(letter + (letters[at + 1] ?? ''))
  }

  addOther(text: string): void {
    const { size } = this.#others
    if (this.#others.add(text).size > size) this.#add(exactTerm(this.#place, text))
  }

  #add(term: string): void {
    if (this.#room.characters <= 0) return
    this.#room.characters -= term.length + 1
    this.terms.push(term)
  }
}

/** Of 'anna@mail.example.com': '@mail.example.com', and what is above it, '.example.com'. */
function* domainsOf(compound: string): Generator<string> {
  let at = compound.lastIndexOf('@')
  while (at >= 0) {
    const dot = compound.indexOf('.', at + 1)
    if (dot < 0) return
    yield compound.slice(at)
    at = dot
  }
}
