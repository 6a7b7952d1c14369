// The DNS as a test has it: records by name, and names that do not answer.
import type { Answer, MailExchange } from '../../src/dns/answer.ts'
import type { AuthenticationDns } from '../../src/mail-authentication/bounded-dns.ts'

export interface ZoneRecords {
  readonly txt?: readonly string[]
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[]
  readonly mx?: readonly MailExchange[]
  readonly ptr?: readonly string[]
  readonly cname?: readonly string[]
  /** Of these types there is no answer. */
  readonly failing?: readonly (keyof AuthenticationDns)[] | 'all'
}

export interface TestZone extends AuthenticationDns {
  /** 'txt example.test' */
  readonly questions: string[]
}

export function createZone(records: Readonly<Record<string, ZoneRecords>>): TestZone {
  const byName = new Map(Object.entries(records).map(([name, found]) => [name.toLowerCase(), found]))
  const questions: string[] = []
  const ask = (type: keyof AuthenticationDns) => async (name: string) => {
    questions.push(`${type} ${name.toLowerCase()}`)
    return find(type, name.toLowerCase(), 0) as never
  }
  const find = (type: keyof AuthenticationDns, name: string, hops: number): Answer<unknown> => {
    const found = byName.get(name)
    if (!found) return { kind: 'no-such-domain' }
    if (found.failing === 'all' || found.failing?.includes(type))
      return { kind: 'temporary-failure', detail: `the DNS of ${name} does not answer` }
    const alias = type === 'cname' ? undefined : found.cname?.[0]
    if (alias !== undefined && hops < 8) return find(type, alias.toLowerCase(), hops + 1)
    const values = found[type]
    return values && values.length > 0
      ? { kind: 'found', records: values, ttlMs: 60_000 }
      : { kind: 'no-data' }
  }
  return {
    questions,
    txt: ask('txt'),
    a: ask('a'),
    aaaa: ask('aaaa'),
    mx: ask('mx'),
    ptr: ask('ptr'),
    cname: ask('cname'),
  }
}
