// Mail of strangers that says one of us has written it: does anything prove that?
import type { Address } from '../address/address.ts'
import { findDomainAbove } from '../directory/domains.ts'
import { isRelated, isWithin } from '../mail-authentication/domain-names.ts'
import type { AuthenticationEvidence } from '../mail-authentication/evidence.ts'
import type { Storage } from '../storage/operation.ts'

/**
 * Those in a domain of this server or below one, or at its name, for whom nothing stands. `written`: the authors, and addresses that
 * stand as names of authors, which is all that many a program shows.
 */
export async function findUnprovenOwn(
  { storage, hostname }: { readonly storage: Pick<Storage, 'run'>; readonly hostname: string },
  evidence: AuthenticationEvidence,
  written: readonly Address[],
): Promise<readonly Address[]> {
  // Who has not looked at both knows nothing.
  if (!evidence.spf || !evidence.dkim) return []
  const found: Address[] = []
  for (const address of written) {
    const { domain } = address
    if (!isUnproven(evidence, domain)) continue
    const own = domain === hostname ? hostname : await storage.run(findDomainAbove, { name: domain })
    if (own !== undefined && isUnproven(evidence, domain, own)) found.push(address)
  }
  return found
}

/**
 * By DMARC, where the domain has a record that says how it is proved. Else as DMARC does it when nothing else is said (RFC 9989
 * §4.4): by SPF or a signature of the domain itself, of one below it or of one above it, which with a domain of ours are all ours,
 * as is whatever else is within `own`.
 */
function isUnproven(
  { dmarc, spf = [], dkim = [] }: AuthenticationEvidence,
  domain: string,
  own = domain,
): boolean {
  if (dmarc?.domain === domain && dmarc.result !== 'none') return dmarc.result === 'fail'
  const [sender] = spf
  // What the DNS keeps from us may be a proof.
  return ![...(sender ? [sender] : []), ...dkim].some(({ result, domain: by }) => {
    if ((result !== 'pass' && result !== 'temperror') || by === undefined) return false
    const name = by.toLowerCase()
    return isRelated(name, domain) || isWithin(name, own)
  })
}
