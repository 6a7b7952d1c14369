// EXTERNAL (RFC 4422 appendix A): who the client is, TLS has shown by its certificate. It only says as whom it acts.
import { clientFirst, decodeUtf8, type SaslMechanism, type SaslStep } from './mechanism.ts'

export const external: SaslMechanism = {
  name: 'EXTERNAL',
  start: clientFirst(readIdentity),
}

/** Nothing: as whomever the certificate names. */
function readIdentity(message: Buffer): SaslStep {
  const name = decodeUtf8(message)
  // §A.1: UTF-8 without NUL.
  return name === undefined || name.includes('\0') ? { kind: 'malformed' } : { kind: 'external', name }
}
