// Whose word is taken for the certificates of servers that this one asks.
import { getCACertificates } from 'node:tls'

/** PEM: those that everybody knows, and one's own; undefined: the former alone, as Node.js has it by itself. */
export function withOwnAuthority(caPem: string | undefined): readonly string[] | undefined {
  return caPem === undefined ? undefined : [...getCACertificates('default'), caPem]
}
