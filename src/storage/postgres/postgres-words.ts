// The index of words in PostgreSQL: a tsvector for each message, of terms that are ours, and a GIN index.
import type { WordQuery } from '../../message/words/sought-text.ts'
import type { Tx } from '../operation.ts'
import { idsPerScope, type WordIndex } from '../word-index.ts'

export class PostgresWords implements WordIndex {
  readonly #tx: Pick<Tx, 'run' | 'get'>

  constructor(tx: Pick<Tx, 'run' | 'get'>) {
    this.#tx = tx
  }

  async add(id: number, words: string): Promise<void> {
    // The scope is a term like others, so that the index looks at no other account's messages.
    const terms = `${scopeTerm(Math.floor(id / idsPerScope))} ${words}`.trimEnd()
    await this.#tx.run(
      "INSERT INTO message_words (id, words) VALUES (?, array_to_tsvector(string_to_array(?, ' ')))",
      id,
      terms,
    )
  }

  async remove(id: number): Promise<void> {
    await this.#tx.run('DELETE FROM message_words WHERE id = ?', id)
  }

  async clear(): Promise<void> {
    await this.#tx.run('TRUNCATE message_words')
  }

  /** Autovacuum does it. */
  async tidy(): Promise<void> {}

  /** It takes reading every row for cheap: that the words of each stand elsewhere, and packed, it does not count. */
  async prepare(): Promise<void> {
    await this.#tx.get(
      "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true) WHERE true",
    )
  }

  readonly matching =
    'SELECT id FROM message_words WHERE words @@ CAST(? AS tsquery) AND id > ? AND id < ? ORDER BY id LIMIT ?'

  readonly ids = 'SELECT id FROM message_words'

  formatQuery(query: WordQuery, scope: number): string {
    return `'${scopeTerm(scope)}' & ${format(query)}`
  }
}

const scopeTerm = (scope: number): string => `a=${scope}`

/** https://www.postgresql.org/docs/current/datatype-textsearch.html; no term has a quote or a backslash in it. */
function format(query: WordQuery): string {
  switch (query.kind) {
    case 'term':
      return `'${query.text}'`
    case 'prefix':
      return `'${query.text}':*`
    case 'and':
    case 'or':
      return `(${query.parts.map(format).join(query.kind === 'and' ? ' & ' : ' | ')})`
    default:
      return query satisfies never
  }
}
