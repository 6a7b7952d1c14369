// PLAIN (RFC 4616): [authzid] NUL authcid NUL password.
import { clientFirst, decodeUtf8, type SaslMechanism, type SaslStep } from './mechanism.ts'

export const plain: SaslMechanism = {
  name: 'PLAIN',
  start: clientFirst(readMessage),
}

function readMessage(message: Buffer): SaslStep {
  const parts = decodeUtf8(message)?.split('\0')
  if (parts?.length !== 3) return { kind: 'malformed' }
  const [authorization, name, password] = parts
  if (!name || !password) return { kind: 'malformed' }
  // Nobody acts for somebody else here, so an authorization identity has to be the user's own.
  if (authorization !== '' && authorization !== name)
    return { kind: 'denied', problem: 'other-identity', name }
  return { kind: 'credentials', credentials: { name, password } }
}
