// What counts of a stranger's message for reports (RFC 9990 §3.1.1): from where it came, what proved it, what became of it.
import type { ReversePath } from '../address/address.ts'
import type { AuthenticationEvidence } from '../mail-authentication/evidence.ts'
import type { Verdict } from '../policy/judge-authentication.ts'

/** Messages that are the same in this are counted together. */
export interface DmarcOutcome {
  readonly source: string
  readonly disposition: 'none' | 'pass' | 'quarantine' | 'reject'
  /** Whether it proved the domain of the author. */
  readonly dkim: 'pass' | 'fail'
  readonly spf: 'pass' | 'fail'
  /** Why another thing was done than the domain wants. */
  readonly reason?: OverrideReason | undefined
  readonly headerFrom: string
  /** '' is the null reverse-path. */
  readonly envelopeFrom: string
  /** Whatever they proved. */
  readonly signatures: readonly SignatureResult[]
  readonly sender?: SenderResult | undefined
}

/** RFC 9990 §3.1.6 */
export interface OverrideReason {
  readonly type: 'local_policy' | 'mailing_list' | 'other' | 'policy_test_mode' | 'trusted_forwarder'
  readonly comment: string
}

export interface SignatureResult {
  readonly domain: string
  readonly selector: string
  readonly result: NonNullable<AuthenticationEvidence['dkim']>[number]['result']
}

export interface SenderResult {
  readonly domain: string
  readonly result: NonNullable<AuthenticationEvidence['spf']>[number]['result']
}

export interface JudgedMessage {
  readonly clientAddress: string
  readonly reversePath: ReversePath
  readonly evidence: AuthenticationEvidence
  readonly verdict: Verdict
}

export interface ReportableOutcome {
  /** Whose record asks for the report. */
  readonly domain: string
  readonly outcome: DmarcOutcome
}

/** RFC 9990 §3.1.3 lets there be a hundred; each makes what is kept of a stranger's messages larger. */
const maxSignatures = 5
/** A record may be cut off before it says so. */
const wholeRecord = 500

/** undefined: nobody asks for a report on it. */
export function outcomeOf({
  clientAddress,
  reversePath,
  evidence,
  verdict,
}: JudgedMessage): ReportableOutcome | undefined {
  const { dmarc, spf = [] } = evidence
  if (dmarc?.policyDomain === undefined || !asksForReports(dmarc.record)) return undefined
  const disposition = dispositionOf(evidence, verdict)
  const [sender] = spf
  return {
    domain: dmarc.policyDomain,
    outcome: {
      source: clientAddress,
      disposition,
      dkim: dmarc.alignedDkim === undefined ? 'fail' : 'pass',
      spf: dmarc.alignedSpf === undefined ? 'fail' : 'pass',
      reason: reasonFor(disposition, evidence),
      headerFrom: dmarc.domain ?? dmarc.policyDomain,
      envelopeFrom: reversePath?.domain ?? '',
      signatures: signaturesOf(evidence),
      sender:
        sender && sender.domain !== ''
          ? { domain: shortName(sender.domain), result: sender.result }
          : undefined,
    },
  }
}

function asksForReports(record = ''): boolean {
  return record.length >= wholeRecord || /\brua[ \t]*=/.test(record)
}

function dispositionOf({ dmarc }: AuthenticationEvidence, { kind }: Verdict): DmarcOutcome['disposition'] {
  switch (kind) {
    case 'refuse':
      return 'reject'
    case 'quarantine':
      return 'quarantine'
    case 'accept':
      // RFC 9990, appendix A: "pass" is for who has a policy that would do something.
      return dmarc?.result === 'pass' && dmarc.policy !== undefined && dmarc.policy !== 'none'
        ? 'pass'
        : 'none'
    default:
      return kind satisfies never
  }
}

/** RFC 9990 §3.1.1.9: wherever it fails, and what was done is not what the record says; and where more was done than that. */
function reasonFor(
  disposition: DmarcOutcome['disposition'],
  { arc, dmarc, forwarder }: AuthenticationEvidence,
): OverrideReason | undefined {
  const { isTesting, policy = 'none', result } = dmarc ?? {}
  if (result === 'temperror' && disposition === 'none')
    return { type: 'other', comment: 'The DNS did not answer what would have proved it.' }
  const wanted = result === 'fail' ? policy : disposition === 'pass' ? 'pass' : 'none'
  if (disposition === wanted) {
    return isTesting && result === 'fail' ? { type: 'policy_test_mode', comment: 't=y' } : undefined
  }
  if (disposition === 'reject') return { type: 'local_policy', comment: 'Another check refused it.' }
  if (disposition === 'none' && arc?.trusted !== undefined)
    return { type: 'trusted_forwarder', comment: `${arc.trusted} had found it good (ARC).` }
  if (disposition === 'quarantine' && forwarder)
    return { type: 'mailing_list', comment: 'A mailing list or a forwarder that is known here sent it on.' }
  return { type: 'local_policy', comment: 'This server only notes what DMARC finds.' }
}

/** RFC 9990 §3.1.3: those that prove the author first, then others that hold. */
function signaturesOf({ dkim = [], dmarc }: AuthenticationEvidence): SignatureResult[] {
  const weight = ({ domain, result }: SignatureResult): number => {
    if (result !== 'pass') return 3
    return domain === dmarc?.domain ? 0 : domain === dmarc?.alignedDkim ? 1 : 2
  }
  return dkim
    .flatMap(({ domain, selector, result }) =>
      domain === undefined || selector === undefined ? [] : [{ domain, selector, result }],
    )
    .toSorted((a, b) => weight(a) - weight(b))
    .slice(0, maxSignatures)
}

/** HELO may be any text. */
function shortName(text: string): string {
  return text.slice(0, 253).toLowerCase()
}
