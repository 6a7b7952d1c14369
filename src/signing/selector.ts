// Selectors that name when their key was made: 'pr202611r' for RSA, 'pr202611e' for Ed25519 (RFC 6376 §3.1).
import type { KeyAlgorithm } from './signing-key.ts'

/** One that nobody has; `taken`: those of the domain. */
export function nameSelector(algorithm: KeyAlgorithm, at: number, taken: ReadonlySet<string>): string {
  const base = `pr${new Date(at).toISOString().slice(0, 7).replace('-', '')}${algorithm === 'rsa' ? 'r' : 'e'}`
  if (!taken.has(base)) return base
  let number = 2
  while (taken.has(`${base}${number}`)) number++
  return `${base}${number}`
}

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Lower case; undefined: it is none (labels of letters, digits and hyphens). */
export function parseSelector(text: string): string | undefined {
  const selector = text.toLowerCase()
  return selector.length <= 120 && selector.split('.').every(part => label.test(part)) ? selector : undefined
}
