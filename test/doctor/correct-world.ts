// A server whose set-up is right, and the world around it: what `postrider domain dns` prints is published, on two name servers;
// other servers, a block list and a time server answer. A test breaks one thing of it.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ran, runHere } from '../cli/run-postrider.ts'
import { type RemotePeer, startPeer } from '../delivery/remote-peer.ts'
import { issueCertificate, type TestCertificate } from '../harness/certificates.ts'
import { startDnsServer, type TestDnsServer, type ZoneLine } from '../harness/dns-server.ts'
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
/** Nobody listens there. */
export const emptyAddress = '127.0.0.99'
/** May relay without a password. */
export const neighbour = '127.0.0.77'
const peerAddress = '127.0.0.30'
const secondNameServer = '127.0.0.2'

export interface CorrectWorld {
  readonly at: ServerFolder
  readonly server: ServerProcess
  readonly ports: Ports
  /** The resolver, and the first name server. */
  readonly dns: TestDnsServer
  readonly secondDns: TestDnsServer
  /** The records of all of it. */
  readonly zone: readonly ZoneLine[]
  readonly peer: RemotePeer
  readonly policy: PolicyServer
  readonly time: TestTimeServer
  readonly certificate: TestCertificate
  /** Publishes records on both name servers. */
  publish(lines: readonly ZoneLine[]): void
  /** Runs `postrider doctor`, with what is to be asked in this world and in no other. */
  tell(...more: readonly string[]): Promise<Ran>
  /** The same with --json. */
  doctor(...more: readonly string[]): Promise<Ran>
  close(): Promise<void>
}

export interface Ports {
  readonly relay: number
  readonly submission: number
  readonly submissions: number
}

interface PrintedRecord {
  readonly name: string
  readonly type: string
  readonly value: string
  readonly publish: string
}

export async function startCorrectWorld(): Promise<CorrectWorld> {
  const closing: (() => unknown)[] = []
  const dns = await startDnsServer([])
  const secondDns = await startDnsServer([], { address: secondNameServer, port: dns.port })
  const ports: Ports = {
    relay: await findFreePort(address),
    submission: await findFreePort(address),
    submissions: await findFreePort(address),
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
    listeners: (['relay', 'submission', 'submissions'] as const).map(role => ({
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
  const zone: readonly ZoneLine[] = [
    `${domain} SOA ns1.${domain} 1`,
    `${domain} NS ns1.${domain}`,
    `${domain} NS ns2.${domain}`,
    `ns1.${domain} A 127.0.0.1`,
    `ns2.${domain} A ${secondNameServer}`,
    ...printed.filter(({ publish }) => publish !== 'optional').map(zoneLine),
    tlsa.trim().replace(/^([^ ]+)\. IN /, '$1 '),
    `_mta-sts.${domain} TXT v=STSv1; id=1`,
    `mta-sts.${domain} A ${policy.address}`,
    'peer.test MX 10 mx.peer.test',
    `mx.peer.test A ${peerAddress}`,
    '2.0.0.127.list.test A 127.0.0.2',
  ]
  dns.sign(domain)
  const publish = (lines: readonly ZoneLine[]): void => {
    dns.setZone(lines)
    secondDns.setZone(lines)
  }
  publish(zone)
  const server = await startServer(at)
  // The DNS is as it has to be: so the keys are in use.
  await at.postrider('domain', 'dkim', domain, '--check')
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
      `dns=${dns.port}`,
      '--other-port',
      `https=${policy.port}`,
      ...more,
    ])
  return {
    at,
    server,
    ports,
    dns,
    secondDns,
    zone,
    peer,
    policy,
    time,
    certificate,
    publish,
    tell,
    doctor: async (...more) => await tell('--json', ...more),
    async close() {
      await server.kill()
      await Promise.all([dns.close(), secondDns.close(), peer.close(), at.remove()])
      time.close()
      for (const close of closing) close()
    },
  }
}

/** As the DNS server of the tests reads it: without quotes, and without final dots. */
function zoneLine({ name, type, value }: PrintedRecord): ZoneLine {
  const plain =
    type === 'TXT'
      ? [...value.matchAll(/"([^"]*)"/g)].map(([, text]) => text).join('')
      : value.replaceAll(/\.(?= |$)/g, '')
  return `${name} ${type} ${plain}`
}
