// What was found, in sentences for people who know none of these names: for the reply to a sender, and for the trail.
import type { DkimEvidence } from './dkim/verify.ts'
import type { DmarcEvidence } from './dmarc/evaluate.ts'
import type { AuthenticationEvidence, AuthorProblem, KnownForwarder } from './evidence.ts'
import type { SpfEvidence } from './spf/check-host.ts'

/** Everything, a line for each check. `client`: its address. */
export function describeEvidence(evidence: AuthenticationEvidence, client: string): string[] {
  const { iprev, spf = [], dkim, arc, dmarc, unprovenOwn, ownWithinName, ownLookAlike } = evidence
  return [
    ...spf.map(one => describeSpf(one, client)),
    ...(dkim ? describeDkim(evidence) : []),
    ...(arc && arc.result !== 'none' ? [describeArc(arc)] : []),
    ...(dmarc ? [describeDmarc(evidence)] : []),
    ...(unprovenOwn === undefined
      ? []
      : [`Author: ${unprovenOwn} is of this server, and nothing proves that it is from there`]),
    ...(ownWithinName === undefined
      ? []
      : [`Author: ${ownWithinName}, of this server, is in the name of somebody else`]),
    ...(ownLookAlike === undefined ? [] : [`Author: ${sayLookAlike(ownLookAlike)}`]),
    ...describeWay(evidence),
    ...(iprev
      ? [
          iprev.result === 'pass'
            ? `Address: ${client} is ${iprev.name}, whose name leads back to it`
            : `Address: ${client} has no name that leads back to it: ${iprev.problem}`,
        ]
      : []),
  ]
}

function describeWay({ forwarder, lists = [], unprovenOwn }: AuthenticationEvidence): string[] {
  if (forwarder) {
    const isForAuthor = unprovenOwn === undefined || forwarder.isUsedByAuthor === true
    const but = isForAuthor
      ? ''
      : '; its author has not written to it, or one who gets this has not, so it proves nothing of him'
    return [`Way: ${describeForwarder(forwarder)}${but}`]
  }
  return lists.length === 0
    ? []
    : [
        `Way: it says that it is of the mailing list ${lists.join(' or ')}, which has not proved itself, or to which nobody here has written`,
      ]
}

/** The address in A-labels, or nobody would see the difference. */
export function sayLookAlike({ address, own }: NonNullable<AuthenticationEvidence['ownLookAlike']>): string {
  return `${address} is written so that it looks like an address of ${own}, and is none`
}

export function describeForwarder({ name, knownBy }: KnownForwarder): string {
  return knownBy === 'correspondence'
    ? `it came by the mailing list ${name}, which has proved itself, and to which one of ours has written`
    : `it came by ${name}, which has proved itself, and which a list of senders lets in`
}

export function describeSpf(evidence: SpfEvidence, client: string): string {
  return `SPF: ${saySpf(evidence, client)}`
}

/** Without a name before it. */
export function saySpf(evidence: SpfEvidence, client: string): string {
  const { domain, identity, result, term, termOf, problem, explanation } = evidence
  const name = identity === 'helo' ? `the name in EHLO, ${domain === '' ? 'none' : domain},` : domain
  const because =
    term === undefined ? '' : ` (${term}${termOf === undefined ? '' : `, in the record of ${termOf}`})`
  const own = explanation === undefined ? '' : `; it says: "${explanation}"`
  switch (result) {
    case 'pass':
      return `${name} lets ${client} send its mail${because}`
    case 'fail':
      return `${name} does not let ${client} send its mail${because}${own}`
    case 'softfail':
      return `${name} does not expect ${client} to send its mail, but is not sure${because}`
    case 'neutral':
      return `${name} does not say whether ${client} may send its mail${because}`
    case 'none':
      return `${name} says nothing about who may send its mail (no SPF record)`
    case 'temperror':
      return `what ${name} says could not be found out: ${problem}`
    case 'permerror':
      return `what ${name} says cannot be understood: ${problem}`
    default:
      return result satisfies never
  }
}

/** More than these are of no use to a reader. */
const maxLines = 4

export function describeDkim({ dkim = [], dkimPassedOver = 0 }: AuthenticationEvidence): string[] {
  if (dkim.length === 0) return ['DKIM: the message has no signature']
  const lines = dkim.slice(0, maxLines).map(describeSignature)
  const more = dkim.length - lines.length + dkimPassedOver
  return more > 0 ? [...lines, `DKIM: ${more} more signatures`] : lines
}

function describeSignature({ result, domain, selector, problem, isTesting }: DkimEvidence): string {
  const whose = domain === undefined ? 'a signature' : `the signature of ${domain}`
  const key = selector === undefined ? '' : ` (key ${selector})`
  const testing = isTesting ? '; the domain says that it is only trying' : ''
  return result === 'pass'
    ? `DKIM: ${whose}${key} holds: the message is as it was signed${testing}`
    : result === 'temperror'
      ? `DKIM: ${whose}${key} could not be checked: ${problem}`
      : `DKIM: ${whose}${key} does not hold: ${problem}`
}

function describeArc({
  result,
  problem,
  sealers = [],
  trusted,
}: NonNullable<AuthenticationEvidence['arc']>): string {
  const who = sealers.length === 0 ? '' : ` by ${sealers.join(', ')}`
  if (result === 'fail') return `ARC: the seals of servers on the way${who} do not hold: ${problem}`
  return trusted === undefined
    ? `ARC: sealed on the way${who}, and whole`
    : `ARC: sealed on the way${who}, and whole; ${trusted} is trusted, and had found the message good`
}

export function describeDmarc({ dmarc, authorProblem }: AuthenticationEvidence): string {
  if (authorProblem !== undefined) return `DMARC: not to be decided: ${describeAuthorProblem(authorProblem)}`
  return dmarc ? `DMARC: ${sayDmarc(dmarc)}` : ''
}

/** Without a name before it. */
export function sayDmarc(dmarc: DmarcEvidence): string {
  const { domain, result, problem, alignedSpf, alignedDkim } = dmarc
  switch (result) {
    case 'pass': {
      const proofs = [
        ...(alignedDkim === undefined ? [] : [`its signature (${alignedDkim})`]),
        ...(alignedSpf === undefined ? [] : [`SPF (${alignedSpf})`]),
      ]
      return `it is from ${domain}: proved by ${proofs.join(' and ')}`
    }
    case 'fail':
      return `nothing proves that it is from ${domain}; ${describePolicy(dmarc)}`
    case 'none':
      return `${domain} does not say what it wants done with mail that is not from it`
    case 'temperror':
      return `whether it is from ${domain} could not be found out: ${problem}`
    case 'permerror':
      return `not to be decided${problem === undefined ? '' : `: ${problem}`}`
    default:
      return result satisfies never
  }
}

function describePolicy({ policy, policyDomain, domain, isTesting }: DmarcEvidence): string {
  const whose = policyDomain === domain ? 'it' : (policyDomain ?? 'it')
  const testing = isTesting ? ', while it is trying that out' : ''
  switch (policy) {
    case 'reject':
      return `${whose} asks to refuse such mail${testing}`
    case 'quarantine':
      return `${whose} asks to treat such mail as suspicious${testing}`
    case 'none':
    case undefined:
      return `${whose} asks for nothing then${testing}`
    default:
      return policy satisfies never
  }
}

export function describeAuthorProblem(problem: AuthorProblem): string {
  return authorProblems[problem]
}

const authorProblems: Readonly<Record<AuthorProblem, string>> = {
  'no-from': 'it has no From field with anything in it',
  'several-from': 'it has more than one From field',
  'unreadable-from': 'its From field has no address that every program reads in the same way',
  'too-many-authors': 'its From field has more authors than any message',
  'too-many-fields': 'it has more header fields than any message',
}
