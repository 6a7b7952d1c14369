// Where a domain wants its DMARC reports (RFC 9989 §4.7, rua=), and whether those who would get them want them (RFC 9990 §4).
import type { Address } from '../address/address.ts'
import { formatMailto, parseMailto } from '../daily-report/mailto.ts'
import type { AuthenticationDns } from '../mail-authentication/bounded-dns.ts'
import { isPolicyRecord } from '../mail-authentication/dmarc/policy-record.ts'
import { organizationalDomain, TreeWalker } from '../mail-authentication/dmarc/tree-walk.ts'
import { parseTagList } from '../mail-authentication/tag-list.ts'

export interface ReportTarget {
  readonly address: Address
  /** The largest message that it takes; undefined: it does not say. */
  readonly maxBytes?: number | undefined
}

const maxTargets = 5

/** Of a record; in its order, and none twice. Addresses only: no other URI is known (RFC 9990 §3.5.3). */
export function readTargets(record: string): readonly ReportTarget[] {
  const list = parseTagList(record)?.get('rua') ?? ''
  const targets = new Map<string, ReportTarget>()
  for (const text of list.split(',')) {
    const target = readTarget(text.trim())
    if (target) targets.set(formatMailto(target.address), target)
  }
  return [...targets.values()].slice(0, maxTargets)
}

const units = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 } as const
/** RFC 7489 §6.2: '!10m'. RFC 9989 has it no more, and records have it still; an address writes its ! as %21. */
const limited = /^([^!]*)!([0-9]{1,15})([kmgt]?)$/i

function readTarget(text: string): ReportTarget | undefined {
  const [, uri = text, amount, unit = ''] = limited.exec(text) ?? []
  const address = URL.canParse(uri) ? parseMailto(new URL(uri)) : undefined
  if (!address || address.domain.startsWith('[')) return undefined
  if (amount === undefined) return { address }
  return { address, maxBytes: Number(amount) * units[unit.toLowerCase() as keyof typeof units] }
}

export interface ConfirmedTargets {
  readonly targets: readonly ReportTarget[]
  /** Of others nobody knows: the DNS did not answer. */
  readonly problem?: string | undefined
}

/** Those of `targets` that are of the organisation of `domain`, or that say that they take its reports. */
export async function confirmTargets(
  dns: AuthenticationDns,
  domain: string,
  targets: readonly ReportTarget[],
): Promise<ConfirmedTargets> {
  const walker = new TreeWalker(dns)
  const confirmed: ReportTarget[] = []
  let problem: string | undefined
  for (const target of targets) {
    const found = await confirmTarget(dns, walker, domain, target)
    if (typeof found === 'string') problem ??= found
    else confirmed.push(...found)
  }
  return { targets: confirmed, ...(problem === undefined ? {} : { problem }) }
}

/** A text says what failed. */
async function confirmTarget(
  dns: AuthenticationDns,
  walker: TreeWalker,
  domain: string,
  target: ReportTarget,
): Promise<readonly ReportTarget[] | string> {
  const host = target.address.domain
  if (host === domain) return [target]
  const walks = await Promise.all([domain, host].map(name => walker.walk(name)))
  const failure = walks.find(walk => walk.failure !== undefined)?.failure
  if (failure !== undefined) return failure
  const [own, other] = [domain, host].map((name, index) =>
    organizationalDomain(name, walks[index]?.found ?? []),
  )
  if (own === other) return [target]
  const answer = await dns.txt(`${domain}._report._dmarc.${host}`)
  if (answer.kind === 'temporary-failure')
    return `whether ${host} takes reports on ${domain} could not be looked up: ${answer.detail}`
  const records = answer.kind === 'found' ? answer.records.filter(isPolicyRecord) : []
  if (records.length === 0) return []
  // Step 9: who takes them may name another address, which is at the same host.
  const others = records.flatMap(readTargets)
  return others.length === 0 ? [target] : others.every(({ address }) => address.domain === host) ? others : []
}
