// What the checks of where a message is from speak against it (SPF, DMARC), where no more came of them. A pass is worth nothing: who
// sends spam proves his own domains. A signature that does not hold is as none (RFC 6376 §6.1).
import type { UnprovenPoints } from '../config/settings.ts'
import {
  describeAuthorProblem,
  sayDmarc,
  sayLookAlike,
  saySpf,
} from '../mail-authentication/describe-evidence.ts'
import { isWithin } from '../mail-authentication/domain-names.ts'
import type { AuthenticationEvidence } from '../mail-authentication/evidence.ts'
import type { SpfResult } from '../mail-authentication/spf/check-host.ts'
import { findUnspokenOwn } from '../mail-authentication/unspoken-own.ts'
import type { ScoreLine } from './score.ts'

export interface Origin {
  readonly evidence: AuthenticationEvidence
  /** Something has come of it already: the message is put aside. */
  readonly isActedUpon: boolean
}

export function linesOfOrigin(
  { evidence, isActedUpon }: Origin,
  clientAddress: string,
  points: UnprovenPoints,
): readonly ScoreLine[] {
  const { arc, dmarc, unprovenOwn } = evidence
  // The author may have proved himself, and bear one of our addresses as his name.
  const isProven = dmarc?.result === 'pass' && unprovenOwn === undefined
  if (isActedUpon) return []
  const isVouchedFor = arc?.trusted !== undefined || isSentOn(evidence)
  const lines = [
    ...(isProven || isVouchedFor
      ? []
      : [lineOfAuthor(evidence, points), lineOfSender(evidence, clientAddress, points)]),
    ...(isVouchedFor ? [] : [lineOfName(evidence, points)]),
    lineOfLookAlike(evidence, points),
  ]
  return lines.flatMap(line => (line && line.points > 0 ? [{ source: 'origin', ...line }] : []))
}

/**
 * Who is known to send on what others write breaks what would prove them. But for one of ours stands only what he uses himself:
 * anybody may have a list to which one of ours has written once.
 */
function isSentOn(evidence: AuthenticationEvidence): boolean {
  return evidence.forwarder !== undefined && findUnspokenOwn(evidence) === undefined
}

type Line = Omit<ScoreLine, 'source'>

function lineOfAuthor(
  { authorProblem, dmarc, unprovenOwn }: AuthenticationEvidence,
  points: UnprovenPoints,
): Line | undefined {
  if (unprovenOwn !== undefined)
    return {
      name: 'an address of ours',
      points: points.ownDomain,
      detail: `the From field has ${unprovenOwn}, and nothing proves that it is from there`,
    }
  if (authorProblem === 'unreadable-from')
    return {
      name: 'unreadable From',
      // As where it is acted upon: such a message is put aside.
      points: points.dmarcQuarantine,
      detail: describeAuthorProblem(authorProblem),
    }
  if (dmarc?.result !== 'fail') return undefined
  const { policy = 'none' } = dmarc
  return { name: `DMARC fail, p=${policy}`, points: pointsOf(policy, points), detail: sayDmarc(dmarc) }
}

/** Whoever has proved himself can write what he likes before his own address, too. */
function lineOfName({ ownWithinName }: AuthenticationEvidence, points: UnprovenPoints): Line | undefined {
  if (ownWithinName === undefined) return undefined
  return {
    name: 'an address of ours in a name',
    points: points.ownWithinName,
    detail: `the From field has ${ownWithinName} in the name of somebody else`,
  }
}

/** Whoever owns it proves it, and whoever sends it on may be honest: its reader is deceived all the same. */
function lineOfLookAlike({ ownLookAlike }: AuthenticationEvidence, points: UnprovenPoints): Line | undefined {
  if (ownLookAlike === undefined) return undefined
  return {
    name: 'it looks like one of ours',
    points: points.ownLookAlike,
    detail: sayLookAlike(ownLookAlike),
  }
}

function pointsOf(policy: 'none' | 'quarantine' | 'reject', points: UnprovenPoints): number {
  switch (policy) {
    case 'none':
      return points.dmarcNone
    case 'quarantine':
      return points.dmarcQuarantine
    case 'reject':
      return points.dmarcReject
    default:
      return policy satisfies never
  }
}

/** RFC 7208 §8.4, §8.5, §8.7. Whose signature holds has sent it, whoever has brought it here: a forwarder stands in no record of his. */
function lineOfSender(
  { dkim = [], dmarc, spf = [] }: AuthenticationEvidence,
  clientAddress: string,
  points: UnprovenPoints,
): Line | undefined {
  const [sender] = spf
  const found = sender && pointsOfSpf(sender.result, points)
  if (!found) return undefined
  const domains = [dmarc?.domain, sender.domain.toLowerCase()].filter(one => one !== undefined)
  const isSigned = dkim.some(
    ({ result, domain: by }) =>
      result === 'pass' && domains.some(one => by !== undefined && isWithin(one, by)),
  )
  if (isSigned) return undefined
  return {
    name: `SPF ${sender.result}`,
    points: found,
    detail: saySpf(sender, clientAddress),
  }
}

/** 0: it speaks neither for nor against the sender, or nobody knows now. */
function pointsOfSpf(result: SpfResult, points: UnprovenPoints): number {
  switch (result) {
    case 'fail':
      return points.spfFail
    case 'softfail':
      return points.spfSoftfail
    // RFC 7208 §8.7
    case 'permerror':
      return points.spfPermerror
    case 'none':
    case 'neutral':
    case 'pass':
    case 'temperror':
      return 0
    default:
      return result satisfies never
  }
}
