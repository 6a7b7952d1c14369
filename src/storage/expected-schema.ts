// The schema that the migrations make, to be asked: what a database of this version should have.
import { DatabaseSync } from 'node:sqlite'
import { migrations } from './migrations/index.ts'

/** The rows of a SELECT, in an empty database with all migrations. */
export function askExpectedSchema(sql: string): readonly unknown[] {
  const database = new DatabaseSync(':memory:')
  try {
    for (const statements of migrations) database.exec(statements)
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}
