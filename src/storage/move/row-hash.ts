// A checksum over the rows of a table in the order of its key: the same for the same rows, on whichever engine.
import { createHash, type Hash } from 'node:crypto'
import type { SqlValue } from '../operation.ts'
import type { Row } from './moved-tables.ts'

export class RowHash {
  readonly #columns: readonly string[]
  readonly #hash: Hash = createHash('sha256')
  rows = 0

  constructor(columns: readonly string[]) {
    this.#columns = columns
  }

  update(page: readonly Row[]): void {
    let text = ''
    for (const row of page) {
      for (const column of this.#columns) {
        const value = row[column] ?? null
        text += prefixOf(value)
        if (!(value instanceof Uint8Array)) continue
        this.#hash.update(text).update(value)
        text = ''
      }
    }
    this.#hash.update(text)
    this.rows += page.length
  }

  /** Hexadecimal. */
  digest(): string {
    return this.#hash.digest('hex')
  }
}

/** Each value says its kind and where it ends, so that no two rows look the same. */
function prefixOf(value: SqlValue): string {
  if (value === null) return '-'
  if (typeof value === 'number') return `n${value};`
  return typeof value === 'string' ? `t${value.length}:${value}` : `b${value.length}:`
}
