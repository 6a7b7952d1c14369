// PLAIN (RFC 4616): [authzid] NUL authcid NUL password.
import type { SaslMechanism, SaslStep } from './mechanism.ts'

export const plain: SaslMechanism = {
  name: 'PLAIN',
  start: initial => (initial ? readMessage(initial) : { kind: 'challenge', data: '', next: readMessage }),
}

function readMessage(message: Buffer): SaslStep {
  const parts = message.toString('utf8').split('\0')
  const [authorization, name, password] = parts
  if (parts.length !== 3 || !name || !password) return { kind: 'malformed' }
  // Nobody acts for somebody else here, so an authorization identity has to be the user's own.
  if (authorization !== '' && authorization !== name) return { kind: 'malformed' }
  return { kind: 'credentials', credentials: { name, password } }
}
