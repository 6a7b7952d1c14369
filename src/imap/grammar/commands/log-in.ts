// LOGIN (RFC 9051 §6.2.3) and AUTHENTICATE (§6.2.2; with an initial response, RFC 4959).
import { base64Characters } from '../characters.ts'
import type { Cursor } from '../cursor.ts'

export interface LoginCommand {
  readonly verb: 'LOGIN'
  readonly name: string
  readonly password: string
}

export interface AuthenticateCommand {
  readonly verb: 'AUTHENTICATE'
  /** In upper case. */
  readonly mechanism: string
  /** base64, as sent; '=' is one that is empty. */
  readonly initialResponse: string | undefined
}

export function parseLogin(cursor: Cursor): LoginCommand {
  cursor.blank()
  const name = cursor.astring('a user name')
  cursor.blank()
  return { verb: 'LOGIN', name, password: cursor.astring('a password') }
}

export function parseAuthenticate(cursor: Cursor): AuthenticateCommand {
  cursor.blank()
  const mechanism = cursor.atom('the name of a mechanism').toUpperCase()
  const initialResponse = cursor.takes(' ')
    ? cursor.some(base64Characters, 'an initial response in base64')
    : undefined
  return { verb: 'AUTHENTICATE', mechanism, initialResponse }
}
