// Mail of strangers that says one of us has written it: does anything prove that?
import type { Address } from '../address/address.ts'
import { isDomain } from '../directory/domains.ts'
import { isWithin } from '../mail-authentication/domain-names.ts'
import type { AuthenticationEvidence } from '../mail-authentication/evidence.ts'
import type { Storage } from '../storage/operation.ts'

/** The authors in a domain of this server, or at its name, for whom nothing stands. */
export async function findUnprovenOwn(
  { storage, hostname }: { readonly storage: Pick<Storage, 'run'>; readonly hostname: string },
  evidence: AuthenticationEvidence,
  authors: readonly Address[],
): Promise<readonly Address[]> {
  // Who has not looked at both knows nothing.
  if (!evidence.spf || !evidence.dkim) return []
  const found: Address[] = []
  for (const author of authors) {
    const { domain } = author
    if (!isUnproven(evidence, domain)) continue
    if (domain === hostname || (await storage.run(isDomain, { name: domain }))) found.push(author)
  }
  return found
}

/**
 * By DMARC, where the domain has a record that says how it is proved. Else as DMARC does it when nothing else is said (RFC 9989
 * §4.4): by SPF or a signature of the domain itself, of one below it or of one above it, which with a domain of ours are all ours.
 */
function isUnproven({ dmarc, spf = [], dkim = [] }: AuthenticationEvidence, domain: string): boolean {
  if (dmarc?.domain === domain && dmarc.result !== 'none') return dmarc.result === 'fail'
  const [sender] = spf
  // What the DNS keeps from us may be a proof.
  return ![...(sender ? [sender] : []), ...dkim].some(
    ({ result, domain: by }) =>
      (result === 'pass' || result === 'temperror') &&
      by !== undefined &&
      isRelated(by.toLowerCase(), domain),
  )
}

function isRelated(one: string, other: string): boolean {
  return isWithin(one, other) || isWithin(other, one)
}
