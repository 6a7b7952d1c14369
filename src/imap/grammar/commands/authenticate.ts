// AUTHENTICATE (RFC 9051 §6.2.2; with an initial response, RFC 4959).
import { base64Characters } from '../characters.ts'
import type { Cursor } from '../cursor.ts'

export interface AuthenticateCommand {
  readonly verb: 'AUTHENTICATE'
  /** In upper case. */
  readonly mechanism: string
  /** base64, as sent; '=' is one that is empty. */
  readonly initialResponse: string | undefined
}

export function parseAuthenticate(cursor: Cursor): AuthenticateCommand {
  cursor.blank()
  const mechanism = cursor.atom('the name of a mechanism').toUpperCase()
  const initialResponse = cursor.takes(' ')
    ? cursor.some(base64Characters, 'an initial response in base64')
    : undefined
  return { verb: 'AUTHENTICATE', mechanism, initialResponse }
}
