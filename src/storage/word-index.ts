// The index of words (docs/adr/0035): what each engine searches text with, behind what both can do.
import type { WordQuery } from '../message/words/sought-text.ts'

/** Part of a transaction. */
export interface WordIndex {
  /** `words`: terms (src/message/words/terms.ts) with a space between them. Ids ascend in a transaction: else it takes longer. */
  add(id: number, words: string): Promise<void>
  remove(id: number): Promise<void>
  /** Of all, whatever state it is in. */
  clear(): Promise<void>
  /** A little of the work that additions leave behind, so that none of it is ever much. */
  tidy(): Promise<void>
  /** Before the first SELECT with `matching` in it. */
  prepare(): Promise<void>
  /** A SELECT of ids, ascending. Its values: the query, the id before the first, the id after the last, and how many at most. */
  readonly matching: string
  /** A SELECT of all ids. */
  readonly ids: string
  /** `scope`: which ids are asked for, as their `idsPerScope` tell. */
  formatQuery(query: WordQuery, scope: number): string
}

/** Ids of a scope, an account, are those from here times its number on. */
export const idsPerScope = 2 ** 32
