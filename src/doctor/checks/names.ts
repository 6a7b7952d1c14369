// The names that this server gives itself: do they lead here? Everything else starts from there (RFC 5321 §4.1.4, RFC 1035 §3.4.1).
import type { Resolver } from '../../dns/resolver.ts'
import { allWell, error, found, joinVerdicts, notChecked, type Verdict, warning } from '../finding.ts'
import { isSameAddress, isUnknownKind, type OwnServer } from '../own-server.ts'
import type { DoorView } from './doors.ts'

export type Addresses =
  | { readonly kind: 'some'; readonly addresses: readonly string[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown'; readonly detail: string }

export interface NameView {
  readonly name: string
  /** Where it leads as an alias (CNAME). */
  readonly alias: string | undefined
  readonly addresses: Addresses
}

export async function observeName(
  resolver: Pick<Resolver, 'a' | 'aaaa' | 'cname'>,
  name: string,
): Promise<NameView> {
  const [addresses, alias] = await Promise.all([lookUpAddresses(resolver, name), resolver.cname(name)])
  return { name, alias: alias.kind === 'found' ? alias.records[0] : undefined, addresses }
}

export async function lookUpAddresses(
  resolver: Pick<Resolver, 'a' | 'aaaa'>,
  name: string,
): Promise<Addresses> {
  const answers = await Promise.all([resolver.a(name), resolver.aaaa(name)])
  const addresses = answers.flatMap(answer => (answer.kind === 'found' ? answer.records : []))
  if (addresses.length > 0) return { kind: 'some', addresses }
  const failure = answers.find(answer => answer.kind === 'temporary-failure')
  return failure ? { kind: 'unknown', detail: failure.detail } : { kind: 'none' }
}

/** The host name. `doors`: its addresses, tried as other servers do. */
export function judgeHostname(own: OwnServer, view: NameView, doors: readonly DoorView[]): Verdict {
  const { name, addresses } = view
  if (addresses.kind === 'unknown') return notChecked(addresses.detail)
  if (addresses.kind === 'none')
    return found(
      error(
        'name-missing',
        `${name}, the name of this server, has no address in the DNS (A, AAAA).`,
        'Other servers do not find this one, and most refuse its mail.',
        own.addresses.length > 0
          ? `Publish: ${own.addresses.map(address => addressRecord(name, address)).join('; ')}`
          : 'Publish the records that "postrider domain dns" prints, or correct hostname in the settings.',
      ),
    )
  const { addresses: all } = addresses
  const isHere = all.some(address => leadsHere(own, address, doors))
  return joinVerdicts(all.map(address => judgeAddress(own, name, address, doors, isHere)))
}

function judgeAddress(
  own: OwnServer,
  name: string,
  address: string,
  doors: readonly DoorView[],
  isHere: boolean,
): Verdict {
  if (leadsHere(own, address, doors)) return allWell
  const door = doors.find(one => isSameAddress(one.address, address))
  if (!door) return notChecked(`whether ${address} leads here: it was not connected to`)
  const { outcome } = door
  if (outcome.kind === 'closed' && outcome.isWithoutWay)
    return notChecked(`whether ${address} leads here: ${outcome.detail}`)
  if (outcome.kind === 'closed' && isUnknownKind(own, address))
    return notChecked(
      `whether ${address} leads here: this machine has no public address of that kind, and routers often lead no connection from inside back inside. Try it from elsewhere: telnet ${address} ${door.port}`,
    )
  const there =
    outcome.kind === 'open'
      ? `there another server answers (${outcome.greets ?? 'without a name'})`
      : `there nobody answers on port ${door.port}`
  const remedy = `Publish the addresses of this server: ${own.addresses.map(one => addressRecord(name, one)).join('; ') || '"postrider domain dns" prints the records'}. If ${address} is right (of a router or a load balancer), have it pass port ${door.port} on to this machine, or say so: --public-address ${address}`
  return found(
    isHere
      ? warning(
          'name-elsewhere',
          `${name} leads to ${address} too, and ${there}.`,
          'Who tries that address first delivers late, or not here.',
          remedy,
        )
      : error(
          'name-elsewhere',
          `${name}, the name of this server, leads to ${address}, and ${there}.`,
          'Mail for this server goes there, and most servers refuse what comes from here under that name.',
          remedy,
        ),
  )
}

/** It is one of ours, or the server that answers there has our name. */
function leadsHere(own: OwnServer, address: string, doors: readonly DoorView[]): boolean {
  if (own.addresses.some(one => isSameAddress(one, address))) return true
  const door = doors.find(one => isSameAddress(one.address, address))
  return door?.outcome.kind === 'open' && door.outcome.greets === own.hostname
}

/** Where it sends from: does the name that it gives itself there lead back? */
export function judgeHelloName(
  { hostname }: Pick<OwnServer, 'hostname'>,
  { address, helloName }: OwnServer['sending'][number],
  { addresses }: NameView,
): Verdict {
  if (addresses.kind === 'unknown') return notChecked(addresses.detail)
  if (addresses.kind === 'some' && addresses.addresses.some(one => isSameAddress(one, address)))
    return allWell
  const leadsTo = addresses.kind === 'some' ? addresses.addresses.join(', ') : 'nowhere'
  return found(
    error(
      'hello-name-elsewhere',
      `Mail leaves from ${address}, where this server calls itself ${helloName}; and that name leads to ${leadsTo}.`,
      'Many servers refuse mail from an address to which its name does not lead.',
      `Publish: ${addressRecord(helloName, address)}${helloName === hostname ? `. Or give this address a name of its own: heloName in delivery.sourcePools` : ''}`,
    ),
  )
}

function addressRecord(name: string, address: string): string {
  return `${name}. IN ${address.includes(':') ? 'AAAA' : 'A'} ${address}`
}
