// A stub resolver (RFC 1034 §5.3.1): asks recursive servers in turn, follows aliases, remembers answers for their TTL.
import { getServers } from 'node:dns'
import type { DecodedPacket, Answer as RecordAnswer } from 'dns-packet'
import { isLoopback } from '../address/networks.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { type Random, systemRandom } from '../runtime/random.ts'
import type { Answer, DnsServer, DnssecTrust, MailExchange, TlsaRecord } from './answer.ts'
import { DnsCache } from './dns-cache.ts'
import { askServer, formatServer, type RecordType } from './exchange.ts'

export interface Resolver {
  mx(domain: string): Promise<Answer<MailExchange>>
  /** IPv4 addresses. */
  a(host: string): Promise<Answer<string>>
  /** IPv6 addresses. */
  aaaa(host: string): Promise<Answer<string>>
  /** Each record with its strings joined (RFC 7208 §3.3). */
  txt(domain: string): Promise<Answer<string>>
  /** '_25._tcp.mx.example.test' (RFC 6698 §3). */
  tlsa(name: string): Promise<Answer<TlsaRecord>>
  /** The names of an address; asked for with `reverseName`. */
  ptr(name: string): Promise<Answer<string>>
  /** The alias itself, which is not followed. */
  cname(name: string): Promise<Answer<string>>
}

export interface OwnedResolver extends Resolver {
  /** Questions that are under way fail, and so do those that come. */
  close(): void
}

export interface ResolverOptions {
  /** Default: those of the system. */
  readonly servers?: readonly DnsServer[]
  readonly clock?: Clock
  readonly random?: Random
  /** For one question to one server. */
  readonly timeoutMs?: number
  /** Default 'loopback'. */
  readonly dnssec?: DnssecTrust
}

/** Each server is asked this often before giving up. */
const rounds = 2
const defaultTimeoutMs = 3000
const maxAliases = 8
const maxTtlMs = 3_600_000
/** For what does not exist, when the server does not say (RFC 2308 §5). */
const defaultNegativeTtlMs = 60_000

const noError = 'NOERROR'
const nameError = 'NXDOMAIN'

export function createResolver(options: ResolverOptions = {}): OwnedResolver {
  const resolver = new StubResolver(options)
  return {
    mx: domain => resolver.ask(domain, 'MX', readMx),
    a: host => resolver.ask(host, 'A', readAddress),
    aaaa: host => resolver.ask(host, 'AAAA', readAddress),
    txt: domain => resolver.ask(domain, 'TXT', readTxt),
    tlsa: name => resolver.ask(name, 'TLSA', readTlsa),
    ptr: name => resolver.ask(name, 'PTR', readPtr),
    cname: name => resolver.ask(name, 'CNAME', readAlias),
    close: () => resolver.close(),
  }
}

class StubResolver {
  readonly #servers: readonly DnsServer[]
  readonly #clock: Clock
  readonly #random: Random
  readonly #timeoutMs: number
  readonly #dnssec: DnssecTrust
  readonly #cache: DnsCache
  readonly #asked = new Map<string, Promise<Answer<unknown>>>()
  readonly #closing = new AbortController()

  constructor(options: ResolverOptions) {
    this.#servers = options.servers ?? systemServers()
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs
    this.#dnssec = options.dnssec ?? 'loopback'
    this.#cache = new DnsCache(this.#clock)
  }

  ask<Data>(name: string, type: RecordType, read: ReadRecord<Data>): Promise<Answer<Data>> {
    const key = `${type} ${name.toLowerCase()}`
    const known = this.#cache.find(key) as Answer<Data> | undefined
    if (known) return Promise.resolve(known)
    // Many messages ask for the same domain at the same moment: one question serves them.
    const underway = this.#asked.get(key) as Promise<Answer<Data>> | undefined
    if (underway) return underway
    const asking = this.#askAndKeep(key, name.toLowerCase(), type, read).finally(() => {
      this.#asked.delete(key)
    })
    this.#asked.set(key, asking)
    return asking
  }

  close(): void {
    this.#closing.abort()
  }

  async #askAndKeep<Data>(
    key: string,
    name: string,
    type: RecordType,
    read: ReadRecord<Data>,
  ): Promise<Answer<Data>> {
    const asked = await this.#askServers(name, type)
    if ('kind' in asked) return asked
    const { response, isTrusted } = asked
    const answer = readAnswer(response, name, type, read, isTrusted && response.flag_ad)
    if (answer.kind === 'found') this.#cache.keep(key, answer, answer.ttlMs)
    else if (answer.kind !== 'temporary-failure') this.#cache.keep(key, answer, negativeTtlMs(response))
    return answer
  }

  async #askServers(name: string, type: RecordType): Promise<Response | Answer<never>> {
    const failures: string[] = []
    for (let round = 0; round < rounds; round++) {
      for (const server of this.#servers) {
        try {
          const response = await askServer(server, name, type, {
            clock: this.#clock,
            random: this.#random,
            timeoutMs: this.#timeoutMs,
            signal: this.#closing.signal,
          })
          const { rcode } = response as { rcode?: string }
          if (rcode === noError && isReferral(response))
            failures.push(
              `${formatServer(server)} only names other servers that may know: it is no resolver, or does not serve this machine`,
            )
          else if (rcode === noError || rcode === nameError)
            return { response, isTrusted: isTrusted(server, this.#dnssec) }
          else failures.push(`${formatServer(server)} answered ${rcode ?? 'nothing'}`)
        } catch (cause) {
          failures.push(cause instanceof Error ? cause.message : String(cause))
        }
      }
    }
    const detail = failures.length > 0 ? [...new Set(failures)].join('; ') : 'there is no DNS server to ask'
    return {
      kind: 'temporary-failure',
      detail: `the ${type} records of ${name} could not be looked up: ${detail}`,
    }
  }
}

/** RFC 2308 §2.1: it looks like the answer that there is nothing of this type, but for the SOA record. */
function isReferral({ answers = [], authorities = [], flag_aa: isAuthoritative }: DecodedPacket): boolean {
  return (
    !isAuthoritative &&
    answers.length === 0 &&
    authorities.some(({ type }) => type === 'NS') &&
    !authorities.some(({ type }) => type === 'SOA')
  )
}

interface Response {
  readonly response: DecodedPacket
  /** What it says of DNSSEC counts. */
  readonly isTrusted: boolean
}

/** On a loopback address, and passes on what anybody says from outside: the forwarder in containers of Docker. */
const dockersForwarder = '127.0.0.11'

function isTrusted({ address }: DnsServer, trust: DnssecTrust): boolean {
  return trust === 'always' || (trust === 'loopback' && isLoopback(address) && address !== dockersForwarder)
}

type ReadRecord<Data> = (record: RecordAnswer) => Data | undefined

function readAnswer<Data>(
  response: DecodedPacket,
  name: string,
  type: RecordType,
  read: ReadRecord<Data>,
  isAuthentic: boolean,
): Answer<Data> {
  const answers = response.answers ?? []
  const owner = type === 'CNAME' ? name : followAliases(answers, name)
  if (owner === undefined)
    return { kind: 'temporary-failure', detail: `the aliases (CNAME) of ${name} lead in a circle` }
  const records: Data[] = []
  let ttlMs = maxTtlMs
  for (const record of answers) {
    const isMeant = record.type === type && record.name.toLowerCase() === owner
    const data = isMeant ? read(record) : undefined
    if (data !== undefined) records.push(data)
    // An answer holds for as long as all of it does, the aliases too.
    if (data !== undefined || record.type === 'CNAME')
      ttlMs = Math.min(ttlMs, ('ttl' in record ? (record.ttl ?? 0) : 0) * 1000)
  }
  const validated = isAuthentic ? ({ isAuthentic } as const) : {}
  if (records.length > 0)
    return { kind: 'found', records, ttlMs, ...(owner === name ? {} : { leadsTo: owner }), ...validated }
  return (response as { rcode?: string }).rcode === nameError
    ? { kind: 'no-such-domain', ...validated }
    : { kind: 'no-data', ...validated }
}

/** The name at the end of the CNAMEs in the answer; undefined when they go on for too long. */
function followAliases(answers: readonly RecordAnswer[], name: string): string | undefined {
  let owner = name
  for (let hops = 0; hops <= maxAliases; hops++) {
    const alias = answers.find(record => record.type === 'CNAME' && record.name.toLowerCase() === owner)
    if (alias?.type !== 'CNAME') return owner
    owner = alias.data.toLowerCase()
  }
  return undefined
}

function negativeTtlMs(response: DecodedPacket): number {
  const soa = response.authorities?.find(record => record.type === 'SOA')
  if (soa?.type !== 'SOA') return defaultNegativeTtlMs
  // RFC 2308 §5: the smaller of the record's TTL and its minimum field.
  return Math.min((soa.ttl ?? 0) * 1000, (soa.data.minimum ?? 0) * 1000, maxTtlMs)
}

function readMx(record: RecordAnswer): MailExchange | undefined {
  if (record.type !== 'MX') return undefined
  const exchange = record.data.exchange.toLowerCase()
  return { preference: record.data.preference ?? 0, exchange: exchange === '.' ? '' : exchange }
}

function readAddress(record: RecordAnswer): string | undefined {
  return record.type === 'A' || record.type === 'AAAA' ? record.data : undefined
}

function readTxt(record: RecordAnswer): string | undefined {
  if (record.type !== 'TXT') return undefined
  const strings = Array.isArray(record.data) ? record.data : [record.data]
  return strings.map(part => part.toString()).join('')
}

function readTlsa(record: RecordAnswer): TlsaRecord | undefined {
  if (record.type !== 'TLSA') return undefined
  const { usage, selector, matchingType, certificate } = record.data
  return { usage, selector, matchingType, data: certificate }
}

function readAlias(record: RecordAnswer): string | undefined {
  return record.type === 'CNAME' ? record.data.toLowerCase() : undefined
}

function readPtr(record: RecordAnswer): string | undefined {
  return record.type === 'PTR' ? record.data.toLowerCase() : undefined
}

/** Those that the system asks. */
export function systemServers(): readonly DnsServer[] {
  return getServers().map(text => {
    const bracketed = /^\[(.+)\]:(\d+)$/.exec(text)
    if (bracketed) return { address: bracketed[1] ?? '', port: Number(bracketed[2]) }
    const colons = text.split(':')
    if (colons.length === 2) return { address: colons[0] ?? '', port: Number(colons[1]) }
    return { address: text, port: 53 }
  })
}
