// One message through all checks, as intake does it.
import { setImmediate } from 'node:timers/promises'
import type { AuthenticationDns } from '../../src/mail-authentication/bounded-dns.ts'
import type { AuthenticationEvidence } from '../../src/mail-authentication/evidence.ts'
import { MessageAuthentication } from '../../src/mail-authentication/message-authentication.ts'
import { HeaderSplitter } from '../../src/message/header-section.ts'
import { systemClock } from '../../src/runtime/clock.ts'

export interface Checked {
  readonly clientAddress?: string
  readonly heloName?: string
  /** '' is the null reverse-path. */
  readonly from?: string
  readonly trustedSealers?: readonly string[]
  /** Octets of the body in a piece. */
  readonly pieceLength?: number
  /** ms since 1970; default: now. */
  readonly at?: number
  /** That the client lets pass before the header section, and after it. */
  readonly headerMs?: number
  readonly bodyMs?: number
}

/** `message`: latin1, with CRLFs. */
export async function authenticate(
  dns: AuthenticationDns,
  message: string,
  {
    clientAddress = '203.0.113.9',
    heloName = 'client.example.net',
    from = 'sender@example.net',
    trustedSealers = [],
    pieceLength = 4096,
    at: begun = Date.now(),
    headerMs = 0,
    bodyMs = 0,
  }: Checked = {},
): Promise<AuthenticationEvidence> {
  const at = from.lastIndexOf('@')
  const reversePath = from === '' ? null : { localPart: from.slice(0, at), domain: from.slice(at + 1) }
  let now = begun
  const wanted = { iprev: true, spf: true, dkim: true, dmarc: true, arc: true }
  const checks = new MessageAuthentication(
    { dns, clock: { ...systemClock, now: () => now }, hostname: 'mx.here.test', wanted, trustedSealers },
    { clientAddress, heloName, reversePath },
  )
  const bytes = Buffer.from(message, 'latin1')
  const splitter = new HeaderSplitter(1024 * 1024)
  const taken = splitter.take(bytes)
  const { section, rest, lacksEmptyLine } = typeof taken === 'string' ? splitter.finish() : taken
  now += headerMs
  checks.takeHeader(section)
  // What the header section needs of the DNS is there long before a slow body.
  if (bodyMs > 0) await setImmediate()
  now += bodyMs
  const body = lacksEmptyLine ? rest : rest.subarray(2)
  for (let start = 0; start < body.length; start += pieceLength)
    checks.takeBody(body.subarray(start, start + pieceLength))
  return await checks.finish()
}
