// Compares the schema of a database with the one that the migrations make.
import { askExpectedSchema } from './expected-schema.ts'
import type { Tx } from './operation.ts'

interface SchemaItem {
  readonly type: 'table' | 'index' | 'trigger' | 'view' | 'column'
  /** Of a column: table.column. */
  readonly name: string
}

// SQLite's own tables and the indexes behind UNIQUE come with the tables that need them.
const listSchema = `
  SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  UNION ALL
  SELECT 'column', sqlite_schema.name || '.' || pragma_table_info.name
  FROM sqlite_schema JOIN pragma_table_info(sqlite_schema.name)
  WHERE sqlite_schema.type = 'table'
    AND sqlite_schema.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`

/** What is missing, each as a sentence. The database must be at this version's schema. What somebody added is no damage. */
export async function findSchemaDamage(tx: Tx): Promise<readonly string[]> {
  const found = new Set((await tx.all<SchemaItem>(listSchema)).map(formatItem))
  const missing = expectedSchema().filter(item => !found.has(formatItem(item)))
  const missingTables = new Set(missing.filter(({ type }) => type === 'table').map(({ name }) => name))
  return missing
    .filter(({ type, name }) => !(type === 'column' && missingTables.has(name.slice(0, name.indexOf('.')))))
    .map(item => `The ${formatItem(item)} is missing.`)
}

/** Rejects when a table cannot be read at all; damage further inside shows when it is met, or to verify. */
export async function readFirstRows(tx: Tx): Promise<void> {
  for (const { type, name } of expectedSchema())
    if (type === 'table') await tx.get(`SELECT * FROM ${name} LIMIT 1`)
}

let expected: readonly SchemaItem[] | undefined

function expectedSchema(): readonly SchemaItem[] {
  expected ??= askExpectedSchema(listSchema) as readonly SchemaItem[]
  return expected
}

function formatItem({ type, name }: SchemaItem): string {
  return `${type} ${name}`
}
