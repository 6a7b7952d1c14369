// GENURLAUTH (RFC 4467 §7).
import type { Cursor } from '../cursor.ts'
import { parseUrlMechanism, parseUrlText } from '../url.ts'

export interface GenUrlAuthCommand {
  readonly verb: 'GENURLAUTH'
  readonly urls: readonly { readonly url: string; readonly mechanism: string }[]
}

export function parseGenUrlAuth(cursor: Cursor): GenUrlAuthCommand {
  cursor.blank()
  const urls = cursor.separated(() => {
    const url = parseUrlText(cursor)
    cursor.blank()
    return { url, mechanism: parseUrlMechanism(cursor) }
  })
  return { verb: 'GENURLAUTH', urls }
}
