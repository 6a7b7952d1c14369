// What somebody searches for: what the index of words is asked for it, and whether it is in a text (docs/adr/0035).
import { foldWords } from './fold-words.ts'
import { knownStem, lookUpWord, stemWord } from './known-words.ts'
import { isOneCompound, maxCompoundLength, maxWordLength, splitWords } from './split-words.ts'
import { exactTerm, hasStems, stemTerm, type TermPlace } from './terms.ts'

export type WordQuery =
  | { readonly kind: 'term' | 'prefix'; readonly text: string }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly WordQuery[] }

export interface WordSearch {
  /** Whatever it finds has the text. undefined: nobody knows before it is read. */
  readonly sure: WordQuery | undefined
  /** Whatever has the text is found by it. The same as `sure`: nothing need be read. */
  readonly candidates: WordQuery
}

interface Piece {
  readonly kind: 'word' | 'dense'
  readonly text: string
  readonly letters: readonly string[]
}

/** A prefix of one or two letters fits half of all words: so short a word is found as a whole only. */
const minPrefixLength = 3
/** More say nothing new of where to look. */
const maxPieces = 12

export class SoughtText {
  /** Folded, with single spaces; empty: it is everywhere. */
  readonly folded: string
  readonly #pieces: readonly Piece[]
  /** Its words by their stems; undefined: it is more than words and spaces. */
  readonly #stems: readonly string[] | undefined

  constructor(text: string) {
    this.folded = foldText(text).trim()
    const pieces: Piece[] = []
    splitWords(this.folded, {
      word: (all, start, end) => void pieces.push({ kind: 'word', text: all.slice(start, end), letters: [] }),
      compound() {},
      dense: letters => void pieces.push({ kind: 'dense', text: letters.join(''), letters }),
    })
    this.#pieces = pieces
    const isWords = pieces.every(({ kind }) => kind === 'word')
    const words = pieces.map(piece => piece.text)
    this.#stems = isWords && words.join(' ') === this.folded ? words.map(stemWord) : undefined
  }

  /** `text` has gone through `foldText`. As it is written, also within a word; or the same words in other forms. */
  isIn(text: string): boolean {
    return text.includes(this.folded) || this.#hasStemsIn(text)
  }

  #hasStemsIn(text: string): boolean {
    const stems = this.#stems
    if (!stems || stems.length === 0) return false
    /** The numbers of words that have fitted so far, of each beginning that still may. */
    let open: number[] = []
    let isFound = false
    splitWords(text, {
      word(all, start, end, hash) {
        if (isFound) return
        const stem = knownStem(lookUpWord(all, start, end, hash))
        open = [...open, 0].filter(at => stems[at] === stem).map(at => at + 1)
        isFound = open.includes(stems.length)
      },
      compound() {},
      dense() {
        open = []
      },
    })
    return isFound
  }

  /** In any of these places. undefined: it has no word, so that the index cannot tell. */
  ask(places: readonly TermPlace[]): WordSearch | undefined {
    const pieces = this.#pieces.slice(0, maxPieces)
    const [only] = pieces
    if (!only) return undefined
    if (pieces.length === 1 && only.text === this.folded) {
      const candidates = either(places.map(place => askPiece(place, only, true)))
      // Of three letters without spaces the pairs may stand anywhere.
      const isWhole = only.letters.length < 3
      return { sure: isWhole ? candidates : undefined, candidates }
    }
    const last = this.#pieces.at(-1)
    const telling = pieces.filter(piece => piece === only || piece !== last || !isShort(piece))
    return {
      sure: this.#askCompound(places),
      candidates: all(
        telling.map(piece => either(places.map(place => askPiece(place, piece, piece === last)))),
      ),
    }
  }

  /** 'anna@exam', '@example.com', 'example.com' */
  #askCompound(places: readonly TermPlace[]): WordQuery | undefined {
    const { folded } = this
    if (folded.length > maxCompoundLength) return undefined
    if (isOneCompound(folded)) {
      // Of an address it may be the domain, or the end of it.
      const forms = folded.includes('.') ? [folded, `@${folded}`, `.${folded}`] : [folded]
      return either(places.flatMap(place => forms.map(form => prefixOf(place, form))))
    }
    const isDomain = /^[@.]/.test(folded) && isOneCompound(folded.slice(1))
    return isDomain ? either(places.map(place => prefixOf(place, folded))) : undefined
  }
}

/** As texts are compared: folded, and each space a single one, wherever a line ends. */
export function foldText(text: string): string {
  return foldWords(text).replaceAll(/\s+/g, ' ')
}

/** A word whose beginning says nothing. */
function isShort({ kind, text }: Piece): boolean {
  return kind === 'word' && text.length < minPrefixLength
}

function askPiece(place: TermPlace, piece: Piece, isLast: boolean): WordQuery {
  const { kind, text, letters } = piece
  if (kind === 'dense') {
    if (letters.length === 1) return prefixOf(place, text)
    const pairs = letters.slice(0, -1).map((letter, at) => letter + (letters[at + 1] ?? ''))
    return all([...new Set(pairs)].slice(0, maxPieces).map(pair => term(exactTerm(place, pair))))
  }
  if (text.length === maxWordLength) return prefixOf(place, text)
  // The last may go on: somebody types the beginning of a word.
  const written = isLast && !isShort(piece) ? prefixOf(place, text) : term(exactTerm(place, text))
  if (!hasStems(place)) return written
  const stem = stemWord(text)
  return either([
    written,
    term(stemTerm(place, stem)),
    // A word that is its own stem stands there as a word only.
    ...(stem === text ? [] : [term(exactTerm(place, stem))]),
  ])
}

const term = (text: string): WordQuery => ({ kind: 'term', text })
const prefixOf = (place: TermPlace, text: string): WordQuery => ({
  kind: 'prefix',
  text: exactTerm(place, text),
})

function either(parts: readonly WordQuery[]): WordQuery {
  const [only] = parts
  return parts.length === 1 && only ? only : { kind: 'or', parts }
}

function all(parts: readonly WordQuery[]): WordQuery {
  const [only] = parts
  return parts.length === 1 && only ? only : { kind: 'and', parts }
}

/** The field is there. */
export function askField(name: string): WordQuery {
  return term(exactTerm('n', name))
}

export function bothOf(left: WordQuery, right: WordQuery): WordQuery {
  return all([left, right])
}
