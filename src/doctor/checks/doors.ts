// The ports of this server, tried at its public addresses as anybody would: who greets there, and with which certificate.
import type { X509Certificate } from 'node:crypto'
import { formatEndpoint } from '../../address/format-endpoint.ts'
import { isPop3, isSmtp, type ListenerRole } from '../../config/listener-roles.ts'
import { GreetedPortFault, greetPort, type ShownTls } from '../../connection/greet-port.ts'
import type { CertificateProblem } from '../../connection/server-certificate.ts'
import { SmtpClientFailure } from '../../smtp/client/smtp-client-failure.ts'
import { endsSoonMs } from '../../tls/certificate-store.ts'
import {
  allWell,
  error,
  type Finding,
  found,
  joinVerdicts,
  notChecked,
  type Verdict,
  warning,
} from '../finding.ts'
import { isSameAddress, isUnknownKind, type OwnServer } from '../own-server.ts'
import { isWithoutWay } from '../without-way.ts'
import type { World } from '../world.ts'

/** ManageSieve is not tried. */
export type DoorRole = Exclude<ListenerRole, 'sieve'>

export interface Door {
  /** By which name somebody comes to the address: the certificate has to be for it. */
  readonly name: string
  readonly address: string
  readonly port: number
  readonly role: DoorRole
}

export interface DoorView extends Door {
  readonly outcome:
    | {
        readonly kind: 'open'
        /** The name in the greeting, in lower case. */
        readonly greets: string | undefined
        /** undefined: it offers no TLS. */
        readonly tls: ShownTls | undefined
      }
    /** Nobody answered; `isWithoutWay`: nothing leads there from this machine. */
    | { readonly kind: 'closed'; readonly isWithoutWay: boolean; readonly detail: string }
    /** Somebody answered, and it went wrong from there. */
    | { readonly kind: 'broken'; readonly detail: string }
}

const timeoutMs = 10_000

/** Never rejects. */
export async function observeDoor(
  world: Pick<World, 'connect' | 'clock'>,
  own: Pick<OwnServer, 'hostname'>,
  door: Door,
): Promise<DoorView> {
  return isSmtp(door) ? await observeSmtp(world, own, door) : await observeReading(world, door)
}

async function observeReading({ clock }: Pick<World, 'clock'>, door: Door): Promise<DoorView> {
  const { name: host, address, port, role } = door
  const protocol = isPop3(door) ? 'pop3' : 'imap'
  const tls = role === 'imaps' || role === 'pop3s' ? 'implicit' : 'by-command'
  try {
    const shown = await greetPort({ protocol, host, address, port, tls, timeoutMs, clock })
    return { ...door, outcome: { kind: 'open', greets: undefined, tls: shown } }
  } catch (cause) {
    if (!(cause instanceof GreetedPortFault)) throw cause
    const { message: detail, isGreeted } = cause
    return {
      ...door,
      outcome: isGreeted
        ? { kind: 'broken', detail }
        : { kind: 'closed', isWithoutWay: isWithoutWay(cause), detail },
    }
  }
}

async function observeSmtp(
  { connect, clock }: Pick<World, 'connect' | 'clock'>,
  { hostname }: Pick<OwnServer, 'hostname'>,
  door: Door,
): Promise<DoorView> {
  const { name, address, port, role } = door
  let greets: string | undefined
  const options = {
    host: name,
    address,
    port,
    helloName: hostname,
    tls: role === 'submissions' ? ('implicit' as const) : ('opportunistic' as const),
    verifyCertificate: false,
    connectTimeoutMs: timeoutMs,
    commandTimeoutMs: timeoutMs,
    clock,
    onDialogue(line: string) {
      greets ??= /^S: 220[ -]([^ ]+)/.exec(line)?.[1]?.toLowerCase()
    },
  }
  try {
    // Once for the usual verdict on the certificate, and once for the certificate itself.
    const usual = await connect(options)
    await usual.quit()
    if (!usual.tls) return { ...door, outcome: { kind: 'open', greets, tls: undefined } }
    let shown: readonly X509Certificate[] = []
    const looking = await connect({
      ...options,
      verifyChain(chain) {
        shown = chain
        return undefined
      },
    })
    await looking.quit()
    return {
      ...door,
      outcome: { kind: 'open', greets, tls: { chain: shown, problem: usual.tls.problem } },
    }
  } catch (cause) {
    if (!(cause instanceof SmtpClientFailure)) throw cause
    const { stage, kind, detail } = cause.facts
    return {
      ...door,
      outcome:
        stage === 'connect' && kind !== 'tls'
          ? { kind: 'closed', isWithoutWay: isWithoutWay(cause), detail }
          : { kind: 'broken', detail },
    }
  }
}

const uses: Readonly<Record<DoorRole, string>> = {
  relay: 'other servers bring mail',
  submission: 'your users send',
  submissions: 'your users send',
  imap: 'your users read their mail',
  imaps: 'your users read their mail',
  pop3: 'your users fetch their mail',
  pop3s: 'your users fetch their mail',
}

const costs: Readonly<Record<DoorRole, string>> = {
  relay: 'Mail from other servers does not arrive.',
  submission: 'Your users cannot send by this port.',
  submissions: 'Your users cannot send by this port.',
  imap: 'Your users cannot read their mail by this port.',
  imaps: 'Your users cannot read their mail by this port.',
  pop3: 'Your users cannot fetch their mail by this port.',
  pop3s: 'Your users cannot fetch their mail by this port.',
}

/** At an address that is known to be ours. */
export function judgeDoor(own: OwnServer, { address, port, role, outcome }: DoorView): Verdict {
  const at = formatEndpoint(address, port)
  const cost = costs[role]
  if (outcome.kind === 'broken')
    return found(
      error(
        'port-broken',
        `${at}, where ${uses[role]}, answers, and then: ${outcome.detail}.`,
        cost,
        `See what the log of the server says, and what stands between: postrider check`,
      ),
    )
  if (outcome.kind === 'closed') {
    if (outcome.isWithoutWay) return notChecked(`${at}: ${outcome.detail}`)
    if (isUnknownKind(own, address))
      return notChecked(
        `${at}: ${outcome.detail}. This machine is behind a router, which may lead no connection from inside back inside; try it from elsewhere`,
      )
    return found(
      error(
        'port-closed',
        `${at}, where ${uses[role]}, does not answer: ${outcome.detail}.`,
        cost,
        own.listeners.some(listener => listener.port === port && listener.role === role)
          ? `The server listens on port ${port}, but not at this address or not for this way: see address in [[listeners]], the firewall of this machine, and that of its provider.`
          : `No listener of the settings has port ${port}: add one, or have the router pass it on.`,
      ),
    )
  }
  if (outcome.tls || role === 'relay') return allWell
  return found(
    error(
      'port-without-tls',
      `${at}, where ${uses[role]}, offers no TLS.`,
      'Nobody can log in there, or passwords could be read on the way.',
      'See "postrider certificate show", and whether something between takes STARTTLS out (a firewall that "inspects" SMTP).',
    ),
  )
}

interface Shown {
  readonly name: string
  readonly certificate: X509Certificate
  readonly problem: CertificateProblem | undefined
  readonly doors: readonly string[]
}

const dayMs = 86_400_000

/**
 * The certificates of all open doors, each once for a name. Other servers take any on port 25, unless a domain asks them not
 * to (MTA-STS): `checkedHosts` are the mail hosts of such domains.
 */
export function judgeCertificates(
  views: readonly DoorView[],
  checkedHosts: readonly string[],
  now: number,
): Verdict {
  const byCertificate = new Map<string, Shown>()
  for (const { name, role, address, port, outcome } of views) {
    const tls = outcome.kind === 'open' ? outcome.tls : undefined
    const certificate = tls?.chain[0]
    if (!tls || !certificate || (role === 'relay' && !checkedHosts.includes(name))) continue
    const key = `${name} ${certificate.fingerprint256} ${tls.problem?.code}`
    const doors = [...(byCertificate.get(key)?.doors ?? []), formatEndpoint(address, port)]
    byCertificate.set(key, { name, certificate, problem: tls.problem, doors })
  }
  return joinVerdicts([...byCertificate.values()].map(shown => judgeShown(shown, now)))
}

function judgeShown({ name, certificate, problem, doors }: Shown, now: number): Verdict {
  const where = doors.join(', ')
  if (problem) return found(findingOf(name, certificate, problem, where))
  const end = certificate.validToDate.getTime()
  const lifetime = end - certificate.validFromDate.getTime()
  // Some live for days only, and are renewed when a third of that is left.
  if (end - now >= Math.min(endsSoonMs, lifetime / 6)) return allWell
  return found(
    warning(
      'certificate-ends',
      `The certificate at ${where} ends in ${Math.max(0, Math.floor((end - now) / dayMs))} days.`,
      'After that, mail programs of your users refuse to connect.',
      'Renew it, and see why it was not renewed by itself: postrider certificate show',
    ),
  )
}

const cost =
  'Mail programs of your users warn of it or refuse to connect; so do servers that check certificates (MTA-STS).'

function findingOf(
  name: string,
  certificate: X509Certificate,
  { code, detail }: CertificateProblem,
  where: string,
): Finding {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return error(
        'certificate-expired',
        `The certificate at ${where}, or one of its chain, has ended (its own end: ${certificate.validToDate.toISOString().slice(0, 10)}).`,
        cost,
        'Renew it, and see why it was not renewed by itself: postrider certificate show',
      )
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return error(
        'certificate-name',
        `The certificate at ${where} is not for ${name}, but for ${(certificate.subjectAltName ?? '').replaceAll('DNS:', '') || 'no name at all'}.`,
        cost,
        `Get one that has ${name} among its names.`,
      )
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return error(
        'certificate-chain',
        `The certificate at ${where} does not lead to an authority that others know: that of its issuer is missing, or the authority is one of your own.`,
        cost,
        'Name the file with the whole chain in the settings (often "fullchain"). If the authority is your own, run this command with NODE_EXTRA_CA_CERTS=<its certificate>.',
      )
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return warning(
        'certificate-untrusted',
        `The certificate at ${where} comes from no authority that others know: ${detail}.`,
        cost,
        `Have this server get one: [tls.acme] in the settings. Or get one for ${name} and name its files in [tls].`,
      )
    default:
      return error(
        'certificate-invalid',
        `The certificate at ${where} is not valid: ${detail} (${code}).`,
        cost,
        'Get another one; "postrider certificate show" says where this one is from.',
      )
  }
}

/** Doors at one address, of a server that should be running. */
export function doorsAt(views: readonly DoorView[], address: string): readonly DoorView[] {
  return views.filter(view => isSameAddress(view.address, address))
}
