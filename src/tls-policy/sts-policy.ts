// MTA-STS: the TXT record and the policy file (RFC 8461 §3), read; and which hosts a policy names.
import { parseDomain } from '../address/parse-domain.ts'

export type StsMode = 'enforce' | 'testing' | 'none'

export interface StsPolicy {
  readonly mode: StsMode
  readonly maxAgeMs: number
  /** Host names in lower case, or '*.' and the rest of one. */
  readonly mx: readonly string[]
}

/** Where a domain has its policy (§3.3): this path, over HTTPS, on its host `stsHostOf`. */
export const stsPath = '/.well-known/mta-sts.txt'

export function stsHostOf(domain: string): string {
  return `${stsPrefix}${domain}`
}

/** Canonical; undefined: the host is none on which a policy is. */
export function domainOfStsHost(host: string): string | undefined {
  return host.startsWith(stsPrefix) ? parseDomain(host.slice(stsPrefix.length)) : undefined
}

const stsPrefix = 'mta-sts.'

/** RFC 8461 §3.2 */
const maxAgeSeconds = 31_557_600
/** A policy that names more is none. */
const maxPatterns = 100

/** The id of the one record among a domain's TXT records at _mta-sts; undefined: the domain has no policy (§3.1). */
export function readStsId(texts: readonly string[]): string | undefined {
  const records = texts.filter(text => /^v=STSv1[ \t]*(?:;|$)/.test(text))
  const [only] = records
  if (only === undefined || records.length > 1) return undefined
  for (const field of only.split(';').slice(1)) {
    const equals = field.indexOf('=')
    if (field.slice(0, Math.max(equals, 0)).trim() !== 'id') continue
    const id = field.slice(equals + 1).trim()
    return /^[A-Za-z0-9]{1,32}$/.test(id) ? id : undefined
  }
  return undefined
}

/** The body of /.well-known/mta-sts.txt; a text says what is wrong with it. */
export function parseStsPolicy(text: string): StsPolicy | string {
  const fields = new Map<string, string>()
  const patterns: string[] = []
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon < 0) continue
    const name = line.slice(0, colon).trim()
    const value = line.slice(colon + 1).trim()
    if (name === 'mx') patterns.push(value)
    // §3.2: of a field that stands twice the first counts.
    else if (!fields.has(name)) fields.set(name, value)
  }
  if (fields.get('version') !== 'STSv1') return 'it does not say version: STSv1'
  const mode = fields.get('mode')
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none')
    return 'its mode is none of enforce, testing, none'
  const maxAge = fields.get('max_age') ?? ''
  if (!/^[0-9]{1,10}$/.test(maxAge)) return 'its max_age is no number of seconds'
  if (mode !== 'none' && patterns.length === 0) return 'it names no mx'
  if (patterns.length > maxPatterns) return `it names more than ${maxPatterns} mx`
  const mx: string[] = []
  for (const pattern of patterns) {
    const star = pattern.startsWith('*.') ? '*.' : ''
    const name = parseDomain(pattern.slice(star.length))
    if (name === undefined) return `its mx "${pattern.slice(0, 64)}" is no host name`
    mx.push(star + name)
  }
  return { mode, maxAgeMs: Math.min(Number(maxAge), maxAgeSeconds) * 1000, mx }
}

/** §4.1: a '*' stands for one whole label, the first one. */
export function isNamedBy(policy: Pick<StsPolicy, 'mx'>, host: string): boolean {
  const name = host.toLowerCase()
  const dot = name.indexOf('.')
  return policy.mx.some(pattern =>
    pattern.startsWith('*.') ? dot > 0 && name.slice(dot) === pattern.slice(1) : name === pattern,
  )
}
