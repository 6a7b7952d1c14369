// Conditions that find a text in a column whatever the case of its letters, also beyond ASCII. Neither engine folds those by itself:
// SQLite never, PostgreSQL where its locale does.
import { isAscii } from '../runtime/text.ts'

export interface TextCondition {
  /** With one placeholder. */
  readonly sql: string
  readonly value: string
}

export function containsInSqlite(column: string, text: string): TextCondition {
  if (isAscii(text)) return like(column, 'LIKE', text)
  return { sql: `${column} GLOB ?`, value: `*${spellInEitherCase(text, /[*?[]/, '[$&]')}*` }
}

export function containsInPostgres(column: string, text: string): TextCondition {
  if (isAscii(text)) return like(column, 'ILIKE', text)
  return { sql: `${column} ~ ?`, value: spellInEitherCase(text, /[.*+?()[\]{}|^$\\]/, '\\$&') }
}

// Quicker by far than classes of characters.
function like(column: string, operator: 'LIKE' | 'ILIKE', text: string): TextCondition {
  return {
    sql: `${column} ${operator} ? ESCAPE '\\'`,
    value: `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`,
  }
}

/** 'Ёж' → '[ёЁ][жЖ]' */
function spellInEitherCase(text: string, special: RegExp, escaped: string): string {
  return Array.from(text, char => {
    const [lower, upper] = [char.toLowerCase(), char.toUpperCase()]
    // 'ß' in capitals is two letters.
    const isPair = lower !== upper && Array.from(lower + upper).length === 2
    return isPair ? `[${lower}${upper}]` : char.replace(special, escaped)
  }).join('')
}
