// LOGIN (RFC 9051 §6.2.3).
import type { Cursor } from '../cursor.ts'

export interface LoginCommand {
  readonly verb: 'LOGIN'
  readonly name: string
  readonly password: string
}

export function parseLogin(cursor: Cursor): LoginCommand {
  cursor.blank()
  const name = cursor.astring('a user name')
  cursor.blank()
  return { verb: 'LOGIN', name, password: cursor.astring('a password') }
}
