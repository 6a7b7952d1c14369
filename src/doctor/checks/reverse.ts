// The way back from an address to its name (PTR), and forth again: FCrDNS (RFC 8601 §3).
import type { Answer } from '../../dns/answer.ts'
import { reverseName } from '../../dns/reverse-name.ts'
import { checkReverse, type IprevEvidence } from '../../mail-authentication/iprev.ts'
import { type Circumstances, misled } from '../circumstances.ts'
import { allWell, error, found, notChecked, type Verdict, warning } from '../finding.ts'
import type { SendingAddress } from '../own-server.ts'
import type { World } from '../world.ts'

export interface ReverseView extends SendingAddress {
  readonly evidence: IprevEvidence
  readonly names: readonly string[]
}

export async function observeReverse(
  { resolver }: Pick<World, 'resolver'>,
  sending: SendingAddress,
): Promise<ReverseView> {
  const name = reverseName(sending.address)
  const none: Answer<string> = { kind: 'no-such-domain' }
  const [evidence, answer] = await Promise.all([
    checkReverse(resolver, sending.address),
    name === undefined ? none : resolver.ptr(name),
  ])
  return { ...sending, evidence, names: answer.kind === 'found' ? answer.records : [] }
}

export function judgeReverse(
  { address, helloName, evidence, names }: ReverseView,
  { isMisled }: Circumstances,
): Verdict {
  const remedy = `Have the provider of ${address} set its PTR record to ${helloName}; it is set there, not in your own zone.`
  if (evidence.result === 'temperror') return notChecked(evidence.problem ?? 'the DNS did not answer')
  if (names.length === 0)
    return found(
      error(
        'reverse-missing',
        `${address}, from which mail leaves, has no name (PTR).`,
        'Large receivers refuse mail from such an address.',
        remedy,
      ),
    )
  if (names.includes(helloName)) {
    if (evidence.result === 'pass') return allWell
    // What is wrong then is where the name leads, and that is told of the name.
    if (isMisled(helloName)) return notChecked(misled(helloName))
  }
  if (evidence.result === 'pass')
    return found(
      warning(
        'reverse-other-name',
        `The name of ${address} (PTR) is ${names.join(', ')}; this server calls itself ${helloName} there.`,
        'Names that a provider gives to all its machines count against you; some receivers refuse them.',
        remedy,
      ),
    )
  return found(
    error(
      'reverse-unconfirmed',
      `${address} has the name ${names.join(', ')} (PTR), and that does not lead back to it.`,
      'Large receivers refuse mail from such an address.',
      remedy,
    ),
  )
}
