// The signatures of a zone (DNSSEC): good for a while yet, and taken by the resolver (RFC 4034 §3.1.5)?
import type { InspectedAnswer } from '../../dns/inspector.ts'
import { allWell, error, found, notChecked, type Verdict, warning } from '../finding.ts'
import { hasZone, type ZoneView } from './zone-view.ts'

const dayMs = 86_400_000
const soonMs = 3 * dayMs

export function judgeSignatures(view: ZoneView, now: number): Verdict {
  const { apex, servers, bogus, isAuthentic, isSigned } = view
  const isBogus = bogus.length > 0
  const signatures = servers.flatMap(({ sightings }) =>
    sightings.flatMap(({ soa, answers }) => [soa, ...answers].flatMap(signaturesOf)),
  )
  const first = signatures.reduce<Signature | undefined>(
    (soonest, one) => (soonest && soonest.expiresAt <= one.expiresAt ? soonest : one),
    undefined,
  )
  const cost =
    'To who checks DNSSEC, and large receivers do, your domain does not exist: they take no mail from it and send none.'
  // An island of signatures, to which no parent leads, is of no use and of no harm.
  const counts = isBogus || isAuthentic || isSigned !== false
  if (first && first.expiresAt <= now && counts)
    return found(
      error(
        'dnssec-expired',
        `The DNSSEC signatures of ${apex} are over: that of ${first.name} ${first.type} since ${timeOf(first.expiresAt)}.`,
        cost,
        'Have the zone signed anew, and see why it was not done by itself (the keys, the clock of the signer).',
      ),
    )
  if (isBogus)
    return found(
      error(
        'dnssec-bogus',
        `The DNSSEC signatures of ${apex} are wrong: the resolver refuses ${bogus.join(', ')}.`,
        cost,
        'See whether the DS record at the registry is that of the key with which the zone is signed. If it cannot be mended soon, have the registry remove the DS record.',
      ),
    )
  if (!counts) return allWell
  if (!first) return judgeUnseen(view)
  const left = first.expiresAt - now
  // Some signers renew each signature every day, and none waits for the last sixth of its life.
  if (left < soonMs && left < first.lifetimeMs / 6)
    return found(
      warning(
        'dnssec-expires',
        `The DNSSEC signatures of ${apex} end soon: that of ${first.name} ${first.type} on ${timeOf(first.expiresAt)}.`,
        `When they are over: ${cost.charAt(0).toLowerCase()}${cost.slice(1)}`,
        'Have the zone signed anew, and see why it was not done by itself.',
      ),
    )
  return isAuthentic
    ? allWell
    : notChecked(
        `whether the signatures of ${apex} are right: the resolver does not say that it has checked them. Name one that does, on this machine, in delivery.dnsServers`,
      )
}

/** Of which no signature was seen. */
function judgeUnseen({ apex, servers, isAuthentic, isSigned }: ZoneView): Verdict {
  if (!servers.some(({ sightings }) => sightings.some(({ soa }) => hasZone(soa))))
    return notChecked(`the signatures of ${apex}: none of its name servers showed this machine the zone`)
  // The resolver has seen them, and says that they are right.
  if (isAuthentic) return allWell
  return notChecked(
    isSigned
      ? `the signatures of ${apex}: the zone above says that it is signed, and its name servers showed this machine none`
      : `whether ${apex} is signed (DNSSEC): the resolver did not say what the zone above has of it`,
  )
}

interface Signature {
  readonly name: string
  readonly type: string
  readonly expiresAt: number
  readonly lifetimeMs: number
}

function signaturesOf(answer: InspectedAnswer): Signature[] {
  if (answer.kind !== 'answer') return []
  return answer.records.flatMap(record => {
    if (record.type !== 'RRSIG') return []
    const { typeCovered, expiration, inception } = record.data
    return [
      {
        name: record.name.toLowerCase(),
        type: typeCovered,
        expiresAt: expiration * 1000,
        lifetimeMs: (expiration - inception) * 1000,
      },
    ]
  })
}

function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
