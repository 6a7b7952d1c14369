// LOGIN: never standardised, and what old clients speak (draft-murchison-sasl-login).
import { clientFirst, decodeUtf8, type SaslMechanism, type SaslStep } from './mechanism.ts'

export const login: SaslMechanism = {
  name: 'LOGIN',
  start: clientFirst(askPassword, 'Username:'),
}

function askPassword(answer: Buffer): SaslStep {
  const name = decodeUtf8(answer)
  if (!name) return { kind: 'malformed' }
  return { kind: 'challenge', data: 'Password:', next: secret => readPassword(name, secret) }
}

function readPassword(name: string, answer: Buffer): SaslStep {
  const password = decodeUtf8(answer)
  if (!password) return { kind: 'malformed' }
  return { kind: 'credentials', credentials: { name, password } }
}
