// A server with a settings file whose set-up is right, and what it meets outside of the DNS: another mail server, a server of
// MTA-STS policies, a time server. What the DNS has to have of it, it says itself.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ListenerRole, listenerRoles } from '../../src/config/listener-roles.ts'
import { type Ran, runHere } from '../cli/run-postrider.ts'
import { type RemotePeer, startPeer } from '../delivery/remote-peer.ts'
import { issueCertificate, type TestCertificate } from '../harness/certificates.ts'
import { findFreePort } from '../harness/free-port.ts'
import { createAccount } from '../harness/mailboxes.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'
import {
  type PolicyServer,
  policyText,
  startPolicyServer,
  trustedAuthority,
} from '../tls-policy/policy-server.ts'
import { startTimeServer, type TestTimeServer } from './time-server.ts'

export const domain = 'example.test'
export const hostname = 'mail.example.test'
/** Of the server. Linux has all of 127.0.0.0/8. */
export const address = '127.0.0.25'
/** Of the server it connects to. */
export const peerAddress = '127.0.0.30'
/** May relay without a password. */
export const neighbour = '127.0.0.77'

export type Ports = Readonly<Record<ListenerRole, number>>

export interface Surroundings {
  readonly at: ServerFolder
  readonly ports: Ports
  readonly peer: RemotePeer
  readonly policy: PolicyServer
  readonly time: TestTimeServer
  readonly certificate: TestCertificate
  /** Lines of a zone file without TTL: what `postrider domain dns` and `postrider certificate tlsa` print, and of MTA-STS. */
  readonly records: readonly string[]
  /** Starts the server, when the records are published. */
  start(): Promise<ServerProcess>
  /** Runs `postrider doctor`, with what is to be asked here and nowhere else. */
  tell(...more: readonly string[]): Promise<Ran>
  /** The same with --json. */
  doctor(...more: readonly string[]): Promise<Ran>
  close(): Promise<void>
}

interface PrintedRecord {
  readonly name: string
  readonly type: string
  readonly value: string
  readonly publish: string
}

export interface SurroundingDns {
  /** Of the resolver, for `delivery.dnsServers`. */
  readonly text: string
  /** Where name servers answer. */
  readonly nameServerPort: number
}

export async function prepareSurroundings(dns: SurroundingDns): Promise<Surroundings> {
  const closing: (() => unknown)[] = []
  const ports: Ports = {
    relay: await findFreePort(address),
    submission: await findFreePort(address),
    submissions: await findFreePort(address),
    imap: await findFreePort(address),
    imaps: await findFreePort(address),
    pop3: await findFreePort(address),
    pop3s: await findFreePort(address),
    sieve: await findFreePort(address),
  }
  const peer = await startPeer({ address: peerAddress, port: ports.relay })
  const time = await startTimeServer()
  const certificate = await issueCertificate(trustedAuthority, [hostname], {
    notAfter: new Date(Date.now() + 90 * 86_400_000),
  })
  const policy = await startPolicyServer(
    { after: close => closing.push(close) },
    { body: policyText('enforce', [hostname]) },
    await issueCertificate(trustedAuthority, [`mta-sts.${domain}`]),
  )
  const at = await createServerFolder({
    settings: `localNetworks = ["${neighbour}/32"]`,
    listeners: listenerRoles.map(role => ({
      role,
      address,
      port: ports[role],
    })),
    tables: [
      '[tls]',
      'certificateFile = "certificate.pem"',
      'keyFile = "key.pem"',
      '[delivery]',
      `port = ${ports.relay}`,
      `dnsServers = ["${dns.text}"]`,
    ].join('\n'),
  })
  await writeFile(join(at.folder, 'certificate.pem'), certificate.certificate)
  await writeFile(join(at.folder, 'key.pem'), certificate.key)
  await createAccount(at, `anna@${domain}`, 'correct-horse-battery-staple')
  const printed = JSON.parse(
    await at.postrider('domain', 'dns', domain, '--public-address', address, '--json'),
  ) as readonly PrintedRecord[]
  const tlsa = await at.postrider('certificate', 'tlsa')
  const tell = async (...more: readonly string[]): Promise<Ran> =>
    await runHere(at.folder, [
      'doctor',
      '--settings',
      at.settingsFile,
      ...(more.includes('--public-address') ? [] : ['--public-address', address]),
      ...(more.includes('--time-server') ? [] : ['--time-server', time.text]),
      '--peer',
      'peer.test',
      '--block-list',
      'list.test',
      '--domain-block-list',
      'domains.test',
      '--other-port',
      `dns=${dns.nameServerPort}`,
      '--other-port',
      `https=${policy.port}`,
      ...more,
    ])
  return {
    at,
    ports,
    peer,
    policy,
    time,
    certificate,
    records: [
      ...printed
        .filter(({ publish }) => publish !== 'optional')
        .map(({ name, type, value }) => `${name}. ${type} ${value}`),
      // In this world mail servers have the port of `delivery.port`.
      tlsa.trim().replace(' IN ', ' ').replace('_25.', `_${ports.relay}.`),
      `_mta-sts.${domain}. TXT "v=STSv1; id=1"`,
      `mta-sts.${domain}. A ${policy.address}`,
    ],
    async start() {
      const server = await startServer(at)
      closing.push(() => server.kill())
      // The DNS is as it has to be: so the keys are in use.
      await at.postrider('domain', 'dkim', domain, '--check')
      return server
    },
    tell,
    doctor: async (...more) => await tell('--json', ...more),
    async close() {
      await Promise.all(closing.map(close => close()))
      await Promise.all([peer.close(), at.remove()])
      time.close()
    },
  }
}

/** Of what `postrider domain dns --json` prints, as the DNS server of the tests reads it: without quotes and final dots. */
export function zoneLinesOf(printed: unknown): readonly string[] {
  return (printed as readonly PrintedRecord[])
    .filter(({ publish }) => publish !== 'optional')
    .map(({ name, type, value }) => zoneLine(`${name}. ${type} ${value}`))
}

/** A line of a zone file, the same way. */
export function zoneLine(line: string): string {
  const [, name = '', type = '', value = ''] = /^([^ ]+)\. ([A-Z]+) (.*)$/.exec(line) ?? []
  const plain =
    type === 'TXT'
      ? [...value.matchAll(/"([^"]*)"/g)].map(([, text]) => text).join('')
      : value.replaceAll(/\.(?= |$)/g, '')
  return `${name} ${type} ${plain}`
}
