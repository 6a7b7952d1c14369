// The MTA-STS policy of our own domains (RFC 8461 §3), as others fetch it: that they find an authentic certificate here, or keep
// their mail.
import { createHash } from 'node:crypto'
import type { StsMode } from './sts-policy.ts'

export interface OwnStsPolicy {
  readonly mode: StsMode
  readonly maxAgeDays: number
  /** Host names, or '*.' and the rest of one. */
  readonly mx: readonly string[]
}

/** The body of the file. */
export function composeStsPolicy({ mode, maxAgeDays, mx }: OwnStsPolicy): string {
  const lines = [
    'version: STSv1',
    `mode: ${mode}`,
    ...mx.map(host => `mx: ${host}`),
    `max_age: ${maxAgeDays * 86_400}`,
  ]
  return `${lines.join('\r\n')}\r\n`
}

/** Of the TXT record at `_mta-sts`: another one for another policy, or nobody would fetch it anew (§3.1). */
export function stsIdOf(policy: OwnStsPolicy): string {
  return createHash('sha256').update(composeStsPolicy(policy)).digest('hex').slice(0, 20)
}
