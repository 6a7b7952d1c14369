// A server whose set-up is right, and the world around it: what `postrider domain dns` prints is published, on two name servers;
// other servers, a block list and a time server answer. A test breaks one thing of it.
import { startDnsServer, type TestDnsServer, type ZoneLine } from '../harness/dns-server.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { domain, peerAddress, prepareSurroundings, type Surroundings, zoneLine } from './surroundings.ts'

/** Nobody listens there. */
export const emptyAddress = '127.0.0.99'
const secondNameServer = '127.0.0.2'

export interface CorrectWorld extends Surroundings {
  readonly server: ServerProcess
  /** The resolver, and the first name server. */
  readonly dns: TestDnsServer
  readonly secondDns: TestDnsServer
  /** The records of all of it. */
  readonly zone: readonly ZoneLine[]
  /** Publishes records on both name servers. */
  publish(lines: readonly ZoneLine[]): void
}

export async function startCorrectWorld(): Promise<CorrectWorld> {
  const dns = await startDnsServer([])
  const secondDns = await startDnsServer([], { address: secondNameServer, port: dns.port })
  const surroundings = await prepareSurroundings({ text: dns.text, nameServerPort: dns.port })
  const zone: readonly ZoneLine[] = [
    `${domain} SOA ns1.${domain} 1`,
    `${domain} NS ns1.${domain}`,
    `${domain} NS ns2.${domain}`,
    `ns1.${domain} A 127.0.0.1`,
    `ns2.${domain} A ${secondNameServer}`,
    ...surroundings.records.map(zoneLine),
    'test SOA ns.test 1',
    'test NS ns.test',
    `ns.test A ${secondNameServer}`,
    'peer.test MX 10 mx.peer.test',
    `mx.peer.test A ${peerAddress}`,
    '2.0.0.127.list.test A 127.0.0.2',
    'test.domains.test A 127.0.1.2',
  ]
  dns.sign(domain)
  const publish = (lines: readonly ZoneLine[]): void => {
    dns.setZone(lines)
    secondDns.setZone(lines)
  }
  publish(zone)
  return {
    ...surroundings,
    server: await surroundings.start(),
    dns,
    secondDns,
    zone,
    publish,
    async close() {
      await surroundings.close()
      await Promise.all([dns.close(), secondDns.close()])
    },
  }
}
