// A DNS server for tests: zones as a list of records, changed while it runs; over UDP and TCP.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type Answer, decode, encode, type Packet, streamEncode } from 'dns-packet'
import { formatEndpoint } from '../../src/address/format-endpoint.ts'
import { findFreePort } from './free-port.ts'

/** 'example.test MX 10 mx.example.test', 'mx.example.test A 127.0.0.1', 'www.example.test CNAME example.test' */
export type ZoneLine = string

export interface TestDnsServer {
  readonly address: string
  readonly port: number
  /** For `delivery.dnsServers`. */
  readonly text: string
  /** Questions that came, 'MX example.test'. */
  readonly questions: readonly string[]
  /** Replaces all records. */
  setZone(lines: readonly ZoneLine[]): void
  /** How questions about a name are answered, whatever the records: 'silent', 'SERVFAIL'; undefined: as usual. */
  setBehaviour(name: string, behaviour: 'silent' | 'SERVFAIL' | undefined): void
  /** As a resolver says that has validated them (AD): answers about names in this domain, of which all records are. */
  sign(domain: string): void
  /** Answers over UDP are cut, so that TCP is needed. */
  truncateUdp(truncate: boolean): void
  /** Its answers are no authority's (AA). */
  disown(isLame: boolean): void
  close(): Promise<void>
}

const ttl = 60
const authoritative = 0x0400
const truncated = 0x0200
const authenticData = 0x0020
const servfail = 2
const nxdomain = 3

export async function startDnsServer(
  lines: readonly ZoneLine[],
  { address = '127.0.0.1', port = 0 }: { readonly address?: string; readonly port?: number } = {},
): Promise<TestDnsServer> {
  let records = lines.map(parseLine)
  let truncating = false
  let lame = false
  const behaviours = new Map<string, 'silent' | 'SERVFAIL'>()
  const questions: string[] = []
  const signed: string[] = []
  const isSigned = (name: string): boolean =>
    signed.some(domain => name === domain || name.endsWith(`.${domain}`))
  const sockets = new Set<Socket>()

  const answer = (message: Buffer): Packet | undefined => {
    const query = decode(message)
    const question = query.questions?.[0]
    if (!question) return undefined
    const name = question.name.toLowerCase()
    questions.push(`${question.type} ${name}`)
    const behaviour = behaviours.get(name)
    if (behaviour === 'silent') return undefined
    const base: Packet = { type: 'response', id: query.id ?? 0, questions: [question] }
    if (behaviour === 'SERVFAIL') return { ...base, flags: servfail }
    const answers = find(records, name, question.type)
    const exists =
      answers.length > 0 || records.some(record => record.name === name || record.name.endsWith(`.${name}`))
    const isValidated = isSigned(name) && answers.every(record => isSigned(record.name))
    const flags =
      (lame ? 0 : authoritative) +
      (exists ? 0 : nxdomain) +
      (isValidated && query.flag_ad ? authenticData : 0)
    // RFC 2308 §3
    const authorities = answers.some(record => record.type === question.type)
      ? []
      : zoneOf(records, endOf(answers, name))
    return { ...base, flags, answers, authorities }
  }

  const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  udp.on('message', (message, peer) => {
    const response = answer(message)
    if (!response) return
    const sent = truncating
      ? { ...response, flags: (response.flags ?? 0) + truncated, answers: [] }
      : response
    udp.send(encode(sent), peer.port, peer.address)
  })

  const tcp = createServer(socket => {
    sockets.add(socket)
    let received = Buffer.alloc(0)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const response = answer(received.subarray(2))
      if (response) socket.end(streamEncode(response))
    })
  })
  // The system chooses a port that is free for TCP; somebody may have it for UDP.
  const bound = port === 0 ? await findFreePort(address) : port
  udp.bind(bound, address)
  tcp.listen(bound, address)
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')])

  return {
    address,
    port: bound,
    text: formatEndpoint(address, bound),
    questions,
    setZone(next) {
      records = next.map(parseLine)
    },
    setBehaviour(name, behaviour) {
      if (behaviour) behaviours.set(name.toLowerCase(), behaviour)
      else behaviours.delete(name.toLowerCase())
    },
    sign(domain) {
      signed.push(domain)
    },
    truncateUdp(truncate) {
      truncating = truncate
    },
    disown(isLame) {
      lame = isLame
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      tcp.close()
      udp.close()
      await once(tcp, 'close')
    },
  }
}

type ZoneRecord = Answer & { readonly name: string }

function parseLine(line: ZoneLine): ZoneRecord {
  const [owner = '', type, ...rest] = line.trim().split(/ +/)
  const name = owner.toLowerCase()
  switch (type) {
    case 'A':
    case 'AAAA':
      return { name, type, ttl, data: rest[0] ?? '' }
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return { name, type, ttl, data: rest[0] ?? '' }
    case 'MX':
      return { name, type, ttl, data: { preference: Number(rest[0]), exchange: rest[1] ?? '' } }
    case 'TLSA': {
      const [usage, selector, matchingType] = rest.map(Number)
      return {
        name,
        type,
        ttl,
        data: {
          usage: usage ?? 0,
          selector: selector ?? 0,
          matchingType: matchingType ?? 0,
          certificate: Buffer.from(rest[3] ?? '', 'hex'),
        },
      }
    }
    case 'SRV': {
      const [priority = 0, weight = 0, port = 0] = rest.map(Number)
      return { name, type, ttl, data: { priority, weight, port, target: rest[3] ?? '' } }
    }
    case 'SOA': {
      // 'example.test SOA ns.example.test 1': the primary and the serial.
      const times = { refresh: 3600, retry: 600, expire: 86_400, minimum: ttl }
      return {
        name,
        type,
        ttl,
        data: { mname: rest[0] ?? '', rname: `root.${name}`, serial: Number(rest[1]), ...times },
      }
    }
    case 'TXT':
      // RFC 1035 §3.3: a string has 255 octets at most; a longer text is several.
      return { name, type, ttl, data: rest.join(' ').match(/.{1,255}/gs) ?? [''] }
    default:
      throw new Error(`not a zone line: ${line}`)
  }
}

function find(records: readonly ZoneRecord[], name: string, type: string): ZoneRecord[] {
  const own = records.filter(record => record.name === name && record.type === type)
  if (own.length > 0) return own
  const alias = records.find(record => record.name === name && record.type === 'CNAME')
  if (alias?.type !== 'CNAME' || alias.data.toLowerCase() === name) return alias ? [alias] : []
  return [
    alias,
    ...find(
      records.filter(record => record !== alias),
      alias.data.toLowerCase(),
      type,
    ),
  ]
}

/** Where the aliases lead. */
function endOf(answers: readonly ZoneRecord[], name: string): string {
  const last = answers.at(-1)
  return last?.type === 'CNAME' ? last.data.toLowerCase() : name
}

/** The SOA of the zone in which a name is, where there is one. */
function zoneOf(records: readonly ZoneRecord[], name: string): ZoneRecord[] {
  const above = records.filter(
    record => record.type === 'SOA' && (record.name === name || name.endsWith(`.${record.name}`)),
  )
  return above.sort((a, b) => b.name.length - a.name.length).slice(0, 1)
}
