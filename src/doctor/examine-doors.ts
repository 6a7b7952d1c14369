// The ports of this server as others come to them: by its name, and by the names of its mail hosts.
import { judgeDane, observeDane } from './checks/dane.ts'
import {
  type Door,
  type DoorView,
  doorsAt,
  judgeCertificates,
  judgeDoor,
  observeDoor,
} from './checks/doors.ts'
import type { MailHostsView } from './checks/mail-hosts.ts'
import type { NameView } from './checks/names.ts'
import { judgeRelaying, observeRelaying } from './checks/relaying.ts'
import { type Circumstances, misled } from './circumstances.ts'
import { notChecked } from './finding.ts'
import type { Ledger } from './ledger.ts'
import { isSameAddress, type OwnServer } from './own-server.ts'
import type { World } from './world.ts'

export async function observeDoors(
  world: World,
  own: OwnServer,
  hostname: NameView,
  mailHosts: readonly MailHostsView[],
): Promise<readonly DoorView[]> {
  const wanted: Door[] = []
  const want = (door: Door): void => {
    if (!wanted.some(one => isSameDoor(one, door) && one.name === door.name)) wanted.push(door)
  }
  const addressesOf = ({ addresses }: NameView): readonly string[] =>
    addresses.kind === 'some' ? addresses.addresses.filter(one => own.ipv6 || !one.includes(':')) : []
  for (const address of addressesOf(hostname)) {
    want({ name: own.hostname, address, port: own.mailPort, role: 'relay' })
    for (const { role, port } of own.listeners)
      if (role !== 'relay' && role !== 'sieve') want({ name: own.hostname, address, port, role })
  }
  for (const { hosts } of mailHosts)
    for (const host of hosts)
      for (const address of addressesOf(host))
        want({ name: host.name, address, port: own.mailPort, role: 'relay' })
  const views: DoorView[] = []
  // One after the other: a server counts the connections of one address.
  for (const door of wanted) views.push(await observeDoor(world, own, door))
  return views
}

function isSameDoor(one: Pick<Door, 'address' | 'port'>, other: Pick<Door, 'address' | 'port'>): boolean {
  return isSameAddress(one.address, other.address) && one.port === other.port
}

export function examineDoors(
  { own, now, isMisled, isOurs: isOurAddress }: Circumstances,
  doors: readonly DoorView[],
  checkedHosts: readonly string[],
  ledger: Ledger,
): void {
  const { hostname, state } = own
  // What another one answers at was told of the name.
  const ours = doors.filter(({ address }) => isOurAddress(address))
  const reason = state === 'stopped' ? 'the server does not run' : misled(hostname)
  if (state === 'stopped' || (isMisled(hostname) && ours.length === 0)) {
    ledger.add('ports', hostname, notChecked(reason))
    ledger.add('certificates', hostname, notChecked(reason))
    return
  }
  for (const door of ours.filter((one, index) => ours.findIndex(other => isSameDoor(one, other)) === index))
    ledger.add('ports', `${door.address} ${door.port}`, judgeDoor(own, door))
  ledger.add(
    'certificates',
    hostname,
    ours.some(({ outcome }) => outcome.kind === 'open')
      ? judgeCertificates(ours, checkedHosts, now)
      : notChecked('none of its ports was reached'),
  )
}

export async function examineRelaying(
  world: World,
  own: OwnServer,
  doors: readonly DoorView[],
  ledger: Ledger,
): Promise<void> {
  // Whoever answers there under another name is not ours to test.
  const ours = doors.filter(
    ({ role, outcome }) => role === 'relay' && outcome.kind === 'open' && outcome.greets === own.hostname,
  )
  if (ours.length === 0)
    ledger.add('relaying', own.hostname, notChecked('its port for other servers was not reached'))
  for (const [index, door] of ours.entries()) {
    if (ours.findIndex(other => isSameDoor(door, other)) !== index) continue
    ledger.add(
      'relaying',
      `${door.address} ${door.port}`,
      judgeRelaying(await observeRelaying(world, own, door)),
    )
  }
}

export async function examineDane(
  world: World,
  circumstances: Circumstances,
  mailHosts: readonly MailHostsView[],
  doors: readonly DoorView[],
  ledger: Ledger,
): Promise<void> {
  const { own, isOurs: isOurAddress } = circumstances
  const hosts = mailHosts.flatMap(view => view.hosts)
  const ours = hosts.filter(
    ({ name, addresses }) =>
      name === own.hostname || (addresses.kind === 'some' && addresses.addresses.some(isOurAddress)),
  )
  if (ours.length === 0)
    ledger.add('DANE', own.hostname, notChecked('no mail host of its domains is this server'))
  for (const name of new Set(ours.map(host => host.name))) {
    const host = ours.find(one => one.name === name)
    const addresses = host?.addresses.kind === 'some' ? host.addresses.addresses : []
    const shown = addresses
      .filter(isOurAddress)
      .flatMap(address => doorsAt(doors, address).filter(door => door.name === name))
    ledger.add('DANE', name, judgeDane(await observeDane(world, name, own.mailPort), shown, circumstances))
  }
}
