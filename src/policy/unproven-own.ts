// Mail of strangers that says one of us has written it, or looks as if: does anything prove that?
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { readAsLatin } from '../address/look-alike.ts'
import { findDomainAbove } from '../directory/domains.ts'
import { isRelated, isWithin } from '../mail-authentication/domain-names.ts'
import type { AuthenticationEvidence } from '../mail-authentication/evidence.ts'
import type { Storage } from '../storage/operation.ts'

interface OwnParts {
  readonly storage: Pick<Storage, 'run'>
  readonly hostname: string
}

/**
 * Those in a domain of this server or below one, or at its name, for whom nothing stands. `written`: the authors, and addresses that
 * stand as names of authors, which is all that many a program shows.
 */
export async function findUnprovenOwn(
  parts: OwnParts,
  evidence: AuthenticationEvidence,
  written: readonly Address[],
): Promise<readonly Address[]> {
  // Who has not looked at both knows nothing.
  if (!evidence.spf || !evidence.dkim) return []
  const found: Address[] = []
  for (const address of written) {
    const { domain } = address
    if (!isUnproven(evidence, domain)) continue
    const own = await findOwn(parts, domain)
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

/** The first that looks as if it were in a domain of ours, and is not. `written`: all that a reader may take for the author. */
export async function findOwnLookAlike(
  parts: OwnParts,
  written: readonly Address[],
): Promise<AuthenticationEvidence['ownLookAlike']> {
  for (const address of written) {
    const read = readAsLatin(address.domain)
    const own = read === undefined ? undefined : await findOwn(parts, read)
    // Whoever guards against it has registered it himself.
    if (own !== undefined && (await findOwn(parts, address.domain)) === undefined)
      return { address: formatAddress(address), own }
  }
  return undefined
}

/** The domain of ours at which a name is, or below which. */
async function findOwn({ storage, hostname }: OwnParts, domain: string): Promise<string | undefined> {
  return domain === hostname ? hostname : await storage.run(findDomainAbove, { name: domain })
}
