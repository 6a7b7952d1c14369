// Whose word is taken for the certificates of servers that this one asks.
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'

const known = new Map<string, SecureContext>()

/**
 * Takes the word of those that everybody knows, and of one's own (PEM). Kept: to read the former takes tens of milliseconds, in
 * which the thread does nothing else, and each connection would take them again.
 */
export function contextTrusting(caPem: string): SecureContext {
  const context =
    known.get(caPem) ??
    createSecureContext({ ca: [...getCACertificates('default'), caPem], minVersion: 'TLSv1.2' })
  known.set(caPem, context)
  return context
}
