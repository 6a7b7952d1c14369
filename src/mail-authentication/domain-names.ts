// Names of the DNS as the records and signatures of mail authentication write them.
import { parseDomain } from '../address/parse-domain.ts'

const name =
  /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Lower case, in A-labels, of two labels or more; with underscores, which keys and policies have in their names. */
export function parseDnsName(text: string): string | undefined {
  const lower = text.endsWith('.') ? text.slice(0, -1).toLowerCase() : text.toLowerCase()
  if (name.test(lower)) return lower
  const domain = parseDomain(text)
  return domain?.includes('.') ? domain : undefined
}

/** Is it the domain, or below it? */
export function isWithin(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`)
}

/** Is one of the two the other, or below it? */
export function isRelated(one: string, other: string): boolean {
  return isWithin(one, other) || isWithin(other, one)
}
