// What becomes of a stranger's message by what its checks have found (RFC 9989 §5.4, §7.4; RFC 7208 §8; RFC 8601).
import type { Settings } from '../config/settings.ts'
import {
  describeAuthorProblem,
  describeDkim,
  describeDmarc,
  describeForwarder,
  describeSpf,
} from '../mail-authentication/describe-evidence.ts'
import type { AuthenticationEvidence } from '../mail-authentication/evidence.ts'
import { isAscii } from '../runtime/text.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'

export type AuthenticationPolicy = Settings['mailAuthentication']

export type Verdict =
  | { readonly kind: 'accept'; readonly because?: string | undefined }
  /** Taken, and put aside; a sentence says why. */
  | { readonly kind: 'quarantine'; readonly because: string }
  | { readonly kind: 'refuse'; readonly reply: Reply }

export interface JudgedClient {
  readonly clientAddress: string
  /** Where whoever is refused reads more; default: the standard. */
  readonly moreAt?: string | undefined
}

export function judgeAuthentication(
  policy: AuthenticationPolicy,
  evidence: AuthenticationEvidence,
  client: JudgedClient,
): Verdict {
  return (
    judgeReverse(policy, evidence, client) ??
    judgeSpf(policy, evidence, client) ??
    judgeDkim(policy, evidence, client) ??
    judgeDmarc(policy, evidence, client)
  )
}

function more(url: string | undefined): string[] {
  return url === undefined ? [] : [`More: ${url}`]
}

function judgeReverse(
  { iprev: mode }: AuthenticationPolicy,
  { iprev }: AuthenticationEvidence,
  { clientAddress, moreAt }: JudgedClient,
): Verdict | undefined {
  if (mode !== 'enforce' || iprev?.result !== 'fail') return undefined
  const text = `The address ${clientAddress} has no name that leads back to it: ${iprev.problem}`
  return { kind: 'refuse', reply: replies.noReverseName([text, ...more(moreAt)]) }
}

/** Of HELO only where there is no sender: many a server calls itself by a name that is not quite its own. */
function judgeSpf(
  { spf: mode }: AuthenticationPolicy,
  { spf = [] }: AuthenticationEvidence,
  { clientAddress, moreAt }: JudgedClient,
): Verdict | undefined {
  const [sender] = spf
  if (mode !== 'enforce' || sender?.result !== 'fail') return undefined
  return { kind: 'refuse', reply: replies.spfRefused([describeSpf(sender, clientAddress), ...more(moreAt)]) }
}

function judgeDkim(
  { dkim: mode }: AuthenticationPolicy,
  evidence: AuthenticationEvidence,
  { moreAt }: JudgedClient,
): Verdict | undefined {
  const { dkim = [] } = evidence
  if (mode !== 'enforce' || dkim.length === 0) return undefined
  if (dkim.some(({ result }) => result === 'pass' || result === 'temperror')) return undefined
  return { kind: 'refuse', reply: replies.noValidSignature([...describeDkim(evidence), ...more(moreAt)]) }
}

function judgeDmarc(
  { dmarc: mode, temporaryFailure }: AuthenticationPolicy,
  evidence: AuthenticationEvidence,
  { clientAddress, moreAt = standard }: JudgedClient,
): Verdict {
  const { arc, authorProblem, dmarc, forwarder } = evidence
  if (mode !== 'enforce' || !dmarc) return { kind: 'accept' }
  if (authorProblem !== undefined) return judgeAuthor(authorProblem)
  const { domain = '', policy = 'none', result } = dmarc
  if (policy === 'none' || (result !== 'fail' && result !== 'temperror')) return { kind: 'accept' }
  if (result === 'temperror') {
    // Somebody may have sent it honestly, and somebody may not: later it can be said.
    if (temporaryFailure === 'accept') return { kind: 'accept' }
    const text = `Whether ${domain} has sent this message cannot be found out at this moment; please try again later.`
    return {
      kind: 'refuse',
      reply: replies.authenticationDeferred([text, ...proofs(evidence, clientAddress)]),
    }
  }
  if (arc?.trusted !== undefined)
    return {
      kind: 'accept',
      because: `${arc.trusted}, which is trusted, had found the message good before it was changed`,
    }
  if (policy === 'quarantine') return { kind: 'quarantine', because: describeDmarc(evidence) }
  // RFC 9989 §7.4: a mailing list breaks what would prove it, and is no crime.
  if (forwarder)
    return {
      kind: 'quarantine',
      because: `${describeDmarc(evidence)}; not refused, since ${describeForwarder(forwarder)}`,
    }
  const text = `${domain} asks that mail which it has not sent be refused (DMARC), and nothing proves that it has sent this message.`
  return {
    kind: 'refuse',
    reply: replies.notAuthentic([
      text,
      ...proofs(evidence, clientAddress),
      ...sayUnknownList(evidence),
      ...more(moreAt),
    ]),
  }
}

/** RFC 9989 §5.3.1 leaves what is no message of one author to the receiver; each program would show it differently. */
function judgeAuthor(problem: NonNullable<AuthenticationEvidence['authorProblem']>): Verdict {
  switch (problem) {
    // Nothing is shown, so nobody's name is abused.
    case 'no-from':
      return { kind: 'accept' }
    case 'unreadable-from':
      return { kind: 'quarantine', because: describeAuthorProblem(problem) }
    case 'several-from':
    case 'too-many-authors':
    case 'too-many-fields':
      return { kind: 'refuse', reply: replies.severalAuthors(describeAuthorProblem(problem)) }
    default:
      return problem satisfies never
  }
}

const standard = 'https://www.rfc-editor.org/rfc/rfc9989'

function sayUnknownList({ lists = [] }: AuthenticationEvidence): string[] {
  const [list] = lists.filter(isAscii)
  return list === undefined
    ? []
    : [
        `The mailing list that it names, ${list}, is not known to its recipient, who can have this server let it in (list of wanted senders).`,
      ]
}

/** What the DNS did not say names our resolvers, which are nobody's business; the trail keeps it. */
function withoutServers({ spf, dkim, ...evidence }: AuthenticationEvidence): AuthenticationEvidence {
  return {
    ...evidence,
    ...(spf && { spf: spf.map(withoutServer) }),
    ...(dkim && { dkim: dkim.map(withoutServer) }),
  }
}

function withoutServer<Found extends { readonly result: string; readonly problem?: string | undefined }>(
  found: Found,
): Found {
  return found.result === 'temperror'
    ? { ...found, problem: 'the DNS gives no answer at this moment' }
    : found
}

/** What SPF and DKIM came to, and where that proves somebody else, whom. */
function proofs(found: AuthenticationEvidence, clientAddress: string): string[] {
  const evidence = withoutServers(found)
  const domain = evidence.dmarc?.domain ?? ''
  const [sender] = evidence.spf ?? []
  const spf = sender ? describeSpf(sender, clientAddress) : 'SPF: not checked'
  const passed = (evidence.dkim ?? []).some(({ result }) => result === 'pass')
  return [
    sender?.result === 'pass' ? `${spf}; that is not ${domain}` : spf,
    ...describeDkim(evidence),
    ...(passed ? [`DKIM: none of these is a signature of ${domain} that holds`] : []),
  ]
}
