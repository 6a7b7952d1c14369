// The names of the folders of a Maildir: '.Work.2025' (Maildir++), or 'Work/2025' where each folder is one on disk (Dovecot's LAYOUT=fs).
import { decodeModifiedUtf7, encodeModifiedUtf7 } from '../../imap/grammar/modified-utf7.ts'

/** Modified UTF-7, or plain UTF-8, as newer programs may be told to write. */
export function decodeLevel(text: string): string {
  return decodeModifiedUtf7(text) ?? decodeLoosely(text) ?? text
}

/** What `encodeLevel` has written: . and / in base64, where modified UTF-7 has them as they are. */
function decodeLoosely(text: string): string | undefined {
  const plain = text.replaceAll(/&(AC4|AC8|AH4)-/g, (_, code: string) => escaped.get(code) ?? '')
  return plain === text ? undefined : (decodeModifiedUtf7(plain) ?? plain)
}

const escaped: ReadonlyMap<string, string> = new Map([
  ['AC4', '.'],
  ['AC8', '/'],
  ['AH4', '~'],
])

export function encodeLevel(level: string): string {
  // A dot parts levels, a slash folders on disk, and ~ at the beginning is somebody's home to some programs.
  return encodeModifiedUtf7(level).replaceAll('.', '&AC4-').replaceAll('/', '&AC8-').replace(/^~/, '&AH4-')
}

/** '.Work.2025' */
export function parseFolderName(name: string): readonly string[] {
  return name.slice(1).split('.').map(decodeLevel)
}

/** '' is INBOX, the Maildir itself. */
export function formatFolderName(levels: readonly string[]): string {
  if (levels.length === 1 && levels[0] === 'INBOX') return ''
  return levels.map(level => `.${encodeLevel(level)}`).join('')
}
