// LOGIN: never standardised, and what old clients speak (draft-murchison-sasl-login).
import type { SaslMechanism, SaslStep } from './mechanism.ts'

export const login: SaslMechanism = {
  name: 'LOGIN',
  start: initial =>
    initial ? askPassword(initial) : { kind: 'challenge', data: 'Username:', next: askPassword },
}

function askPassword(nameBytes: Buffer): SaslStep {
  const name = nameBytes.toString('utf8')
  if (name === '') return { kind: 'malformed' }
  return {
    kind: 'challenge',
    data: 'Password:',
    next: password => ({ kind: 'credentials', credentials: { name, password: password.toString('utf8') } }),
  }
}
