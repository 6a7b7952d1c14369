// The index of words in SQLite: FTS5, which keeps the terms and where they are, and no text.
import type { WordQuery } from '../message/words/sought-text.ts'
import type { Tx } from './operation.ts'
import type { WordIndex } from './word-index.ts'

/** Of 8 KB. A segment for each write: as many are merged as keep their number small, in about a millisecond. */
const pagesMergedPerWrite = 16

export class SqliteWords implements WordIndex {
  readonly #tx: Pick<Tx, 'run'>

  constructor(tx: Pick<Tx, 'run'>) {
    this.#tx = tx
  }

  async add(id: number, words: string): Promise<void> {
    await this.#tx.run('INSERT INTO message_words (rowid, words) VALUES (?, ?)', id, words)
  }

  async remove(id: number): Promise<void> {
    await this.#tx.run('DELETE FROM message_words WHERE rowid = ?', id)
  }

  async clear(): Promise<void> {
    await this.#tx.run("INSERT INTO message_words (message_words) VALUES ('delete-all')")
  }

  async tidy(): Promise<void> {
    await this.#tx.run(
      "INSERT INTO message_words (message_words, rank) VALUES ('merge', ?)",
      pagesMergedPerWrite,
    )
  }

  async prepare(): Promise<void> {}

  readonly matching =
    'SELECT rowid AS id FROM message_words WHERE message_words MATCH ? AND rowid > ? AND rowid < ? ORDER BY rowid LIMIT ?'

  readonly ids = 'SELECT rowid AS id FROM message_words'

  formatQuery(query: WordQuery): string {
    return format(query)
  }
}

/** https://sqlite.org/fts5.html#full_text_query_syntax; no term has a quote in it. */
function format(query: WordQuery): string {
  switch (query.kind) {
    case 'term':
      return `"${query.text}"`
    case 'prefix':
      return `"${query.text}" *`
    case 'and':
    case 'or':
      return `(${query.parts.map(format).join(query.kind === 'and' ? ' AND ' : ' OR ')})`
    default:
      return query satisfies never
  }
}
