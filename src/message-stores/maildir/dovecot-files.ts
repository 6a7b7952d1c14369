// What Dovecot and Courier keep beside the messages of a Maildir: names of keywords, and which folders are subscribed to.
import { decodeLevel, encodeLevel } from './folder-name.ts'

/** A letter is one of 26. */
export const maxKeywords = 26

/** dovecot-keywords: '0 $Label1', a line for each letter from a. */
export function parseKeywordsFile(text: string): readonly (string | undefined)[] {
  const names: (string | undefined)[] = []
  for (const line of text.split('\n')) {
    const [, number, name] = /^(\d{1,2}) (\S+)/.exec(line) ?? []
    if (name === undefined || Number(number) >= maxKeywords) continue
    while (names.length < Number(number)) names.push(undefined)
    names[Number(number)] = name
  }
  return names
}

export function formatKeywordsFile(names: readonly (string | undefined)[]): string {
  return names.flatMap((name, number) => (name === undefined ? [] : [`${number} ${name}\n`])).join('')
}

/** Levels of names. `separator`: '.' in Maildir++, '/' where folders are folders on disk. */
export function parseSubscriptions(text: string, separator: '.' | '/'): readonly (readonly string[])[] {
  const [head, ...rest] = text.split('\n')
  const isSecond = head?.startsWith('V\t2') === true
  const lines = isSecond ? rest : [head ?? '', ...rest]
  return lines.flatMap(line => {
    const name = line.replace(/\r$/, '')
    if (name === '') return []
    const levels = isSecond ? name.split('\t').map(unescape) : name.split(separator)
    return [levels.map(decodeLevel)]
  })
}

/** Version 2: tabs part levels, and 0x01 escapes what would be taken for them. */
function unescape(level: string): string {
  return level.replaceAll(/\x01([0-4rnt])/g, (_, code: string) => escapes[code] ?? '')
}

const escapes: Readonly<Record<string, string>> = { 0: '\0', 1: '\x01', t: '\t', r: '\r', n: '\n' }

/** courierimapsubscribed: 'INBOX.Work', where INBOX is above all. */
export function parseCourierSubscriptions(text: string): readonly (readonly string[])[] {
  return text.split('\n').flatMap(line => {
    const levels = line.replace(/\r$/, '').split('.').map(decodeLevel)
    if (levels[0] === '') return []
    return [levels.length > 1 && levels[0] === 'INBOX' ? levels.slice(1) : levels]
  })
}

export function formatSubscriptions(subscribed: readonly (readonly string[])[]): string {
  return subscribed.map(levels => `${levels.map(encodeLevel).join('.')}\n`).join('')
}
