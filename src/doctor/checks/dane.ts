// DANE (RFC 7672), where a mail host of ours has TLSA records: do they fit the key that it shows, and can others trust them?
import type { Answer, TlsaRecord } from '../../dns/answer.ts'
import { tlsaOfCertificate } from '../../tls/tlsa-record.ts'
import { formatTlsa, isUsable, verifyByTlsa } from '../../tls-policy/dane.ts'
import { type Circumstances, misled } from '../circumstances.ts'
import { allWell, error, found, joinVerdicts, notChecked, type Verdict, warning } from '../finding.ts'
import type { World } from '../world.ts'
import type { DoorView } from './doors.ts'

export interface DaneView {
  readonly host: string
  /** '_25._tcp.mail.example.test' */
  readonly name: string
  readonly answer: Answer<TlsaRecord>
  /** The delegation of its zone is signed, as far as the DNS says so (RFC 4035 §5.2); undefined: it did not say. */
  readonly isSigned: boolean | undefined
}

export async function observeDane(
  { resolver, inspector }: Pick<World, 'resolver' | 'inspector'>,
  host: string,
  port: number,
): Promise<DaneView> {
  const name = `_${port}._tcp.${host}`
  const answer = await resolver.tlsa(name)
  if (answer.kind === 'temporary-failure') return { host, name, answer, isSigned: undefined }
  if (answer.isAuthentic) return { host, name, answer, isSigned: true }
  return { host, name, answer, isSigned: await observeSigned(inspector, host) }
}

/** Whether a zone at the name or above it has a DS record with its parent. */
async function observeSigned(inspector: World['inspector'], host: string): Promise<boolean | undefined> {
  const labels = host.split('.')
  let isKnown = false
  for (let depth = 0; depth < labels.length; depth++) {
    const answer = await inspector.askResolver(labels.slice(depth).join('.'), 'DS')
    if (answer.kind !== 'answer') continue
    // A top-level domain is signed as a rule, and that says nothing of the zones below it.
    if (depth < labels.length - 1 && answer.records.some(({ type }) => type === 'DS')) return true
    if (answer.rcode === 'NOERROR' || answer.rcode === 'NXDOMAIN') isKnown = true
  }
  return isKnown ? false : undefined
}

export function judgeDane(
  { host, name, answer, isSigned }: DaneView,
  doors: readonly DoorView[],
  { isMisled, now }: Circumstances,
): Verdict {
  if (answer.kind === 'temporary-failure') return notChecked(answer.detail)
  if (answer.kind !== 'found') return allWell
  if (isSigned === undefined)
    return notChecked(
      `whether the zone of ${name} is signed, so that its TLSA records count: the DNS did not say`,
    )
  if (!isSigned)
    return found(
      warning(
        'tlsa-unsigned',
        `${name} has TLSA records, and its zone is not signed (DNSSEC).`,
        'They are of no use: other servers do not look at them.',
        'Have the zone signed and its DS record published by the registry, or remove the records.',
      ),
    )
  const usable = answer.records.filter(isUsable)
  if (usable.length === 0)
    return found(
      error(
        'tlsa-unusable',
        `The TLSA records of ${name} are of no kind that mail can use: ${answer.records.map(formatTlsa).join('; ')}.`,
        'Other servers demand TLS, and check nothing.',
        '"postrider certificate tlsa" prints the right ones.',
      ),
    )
  if (isMisled(host)) return notChecked(misled(host))
  const shown = doors.flatMap(({ role, outcome }) =>
    role === 'relay' && outcome.kind === 'open' ? [outcome.tls] : [],
  )
  if (shown.length === 0)
    return notChecked(`whether the TLSA records of ${name} fit: its port was not reached`)
  return joinVerdicts(
    shown.map(tls => {
      const problem = tls
        ? verifyByTlsa(usable, [host], () => now)(tls.chain)
        : { code: 'NO_TLS', detail: 'the server offers no TLS' }
      if (!problem) return allWell
      const right = tls?.chain[0] && `${name}. IN TLSA ${tlsaOfCertificate(tls.chain[0].toString())}`
      return found(
        error(
          'tlsa-mismatch',
          `The TLSA records of ${name} do not fit what the server shows: ${problem.detail}.`,
          'Servers that check them (DANE) deliver nothing here: the mail waits with them, and is returned in the end.',
          `Publish ${right ?? 'the right one'}, in place of: ${usable.map(formatTlsa).join('; ')}`,
        ),
      )
    }),
  )
}
