// What one DNS server says at this moment, with its flags and signatures and nothing remembered: for who checks the DNS itself.
import type { Answer as DnsRecord } from 'dns-packet'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { DnsServer } from './answer.ts'
import { askServer, type QuestionManner, type RecordType } from './exchange.ts'

export type { DnsRecord }

export type InspectedAnswer =
  | {
      readonly kind: 'answer'
      /** 'NOERROR', 'NXDOMAIN', 'REFUSED', 'SERVFAIL' … */
      readonly rcode: string
      /** The server has the zone itself (AA). */
      readonly isAuthoritative: boolean
      /** Says that it has validated the answer (AD). Whose word on that counts is the caller's to know. */
      readonly isAuthentic: boolean
      readonly records: readonly DnsRecord[]
      /** In the authority section: of what does not exist, the SOA of its zone. */
      readonly authorities: readonly DnsRecord[]
    }
  | { readonly kind: 'silent'; readonly detail: string }
  /** From this machine no way leads there; nothing is said of the server. */
  | { readonly kind: 'unreachable'; readonly detail: string }

export interface Inspector {
  /** What the server itself knows. Never rejects. */
  askAuthority(server: DnsServer, name: string, type: RecordType): Promise<InspectedAnswer>
  /** The resolver: the first of several that answers. 'unchecked': and what does not pass its checks of DNSSEC too. */
  askResolver(name: string, type: RecordType, manner?: 'unchecked'): Promise<InspectedAnswer>
}

export interface InspectorOptions {
  /** The resolvers. */
  readonly servers: readonly DnsServer[]
  readonly clock: Clock
  readonly random: Random
  readonly timeoutMs?: number
}

const defaultTimeoutMs = 3000
/** A datagram may get lost. */
const rounds = 2
const noWay = ['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EACCES', 'EPERM']

export function createInspector({
  servers,
  clock,
  random,
  timeoutMs = defaultTimeoutMs,
}: InspectorOptions): Inspector {
  const ask = async (
    server: DnsServer,
    name: string,
    type: RecordType,
    manner: QuestionManner | undefined,
  ): Promise<InspectedAnswer> => {
    let detail = ''
    for (let round = 0; round < rounds; round++) {
      try {
        const signal = new AbortController().signal
        const response = await askServer(server, name, type, { clock, random, timeoutMs, signal, manner })
        return {
          kind: 'answer',
          rcode: (response as { rcode?: string }).rcode ?? '',
          isAuthoritative: response.flag_aa,
          isAuthentic: response.flag_ad,
          records: response.answers ?? [],
          authorities: response.authorities ?? [],
        }
      } catch (cause) {
        detail = cause instanceof Error ? cause.message : String(cause)
        if (isWithoutWay(cause)) return { kind: 'unreachable', detail }
      }
    }
    return { kind: 'silent', detail }
  }
  return {
    askAuthority: (server, name, type) => ask(server, name, type, 'authority'),
    async askResolver(name, type, manner) {
      let last: InspectedAnswer = { kind: 'unreachable', detail: 'there is no DNS server to ask' }
      for (const server of servers) {
        last = await ask(server, name, type, manner)
        if (last.kind === 'answer') return last
      }
      return last
    },
  }
}

function isWithoutWay(cause: unknown): boolean {
  const inner = cause instanceof Error ? cause.cause : undefined
  return inner instanceof Error && 'code' in inner && noWay.includes(String(inner.code))
}

/** The data of a record as one text that is the same for the same data; undefined: of a type that nobody here compares. */
export function formatRecordData(record: DnsRecord): string | undefined {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.data
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return record.data.toLowerCase()
    case 'MX':
      return `${record.data.preference ?? 0} ${record.data.exchange.toLowerCase()}`
    case 'TXT': {
      const strings = Array.isArray(record.data) ? record.data : [record.data]
      return strings.map(part => part.toString()).join('')
    }
    case 'TLSA': {
      const { usage, selector, matchingType, certificate } = record.data
      return `${usage} ${selector} ${matchingType} ${certificate.toString('hex')}`
    }
    case 'SRV': {
      const { priority = 0, weight = 0, port, target } = record.data
      return `${priority} ${weight} ${port} ${target.toLowerCase()}`
    }
    default:
      return undefined
  }
}
