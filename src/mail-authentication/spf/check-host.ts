// SPF: may this client use this domain? (RFC 7208 §4, check_host())
import { isIPv4 } from 'node:net'
import type ipaddr from 'ipaddr.js'
import { parseIpAddress, unmapped } from '../../address/networks.ts'
import type { Answer } from '../../dns/answer.ts'
import { reverseName } from '../../dns/reverse-name.ts'
import { isAscii } from '../../runtime/text.ts'
import type { AuthenticationDns } from '../bounded-dns.ts'
import { isWithin } from '../domain-names.ts'
import { remember } from '../remember.ts'
import { expandMacros, type MacroLetter, type MacroString, parseMacroString, usesMacro } from './macro.ts'
import {
  type Directive,
  isSpfRecord,
  type Mechanism,
  parseSpfRecord,
  type Qualifier,
  type SpfRecord,
} from './parse-record.ts'

export type SpfResult = 'none' | 'neutral' | 'pass' | 'fail' | 'softfail' | 'temperror' | 'permerror'

export interface SpfQuestion {
  readonly clientAddress: string
  /** As the client said. */
  readonly heloName: string
  /** §2.2: HELO, or MAIL FROM, which is postmaster at the HELO name when the reverse-path is null (§2.4). */
  readonly identity: 'helo' | 'mailfrom'
  readonly localPart: string
  readonly domain: string
  /** For %{r}. */
  readonly hostname: string
  /** ms since 1970, for %{t}. */
  readonly at: number
}

export interface SpfEvidence {
  readonly identity: 'helo' | 'mailfrom'
  readonly domain: string
  readonly result: SpfResult
  /** Of the domain, as it was found. */
  readonly record?: string | undefined
  /** The term that decided, and of whose record, where it is another's. */
  readonly term?: string | undefined
  readonly termOf?: string | undefined
  /** Why there is an error. */
  readonly problem?: string | undefined
  /** What the domain says about a fail (§6.2): its own words, ASCII. */
  readonly explanation?: string | undefined
  /** Terms that asked the DNS. */
  readonly lookups: number
}

/** §4.6.4 */
const maxLookups = 10
const maxVoidLookups = 2
const maxExchanges = 10
const maxNames = 10

/** Nothing that is published can make it throw. */
export async function checkHost(dns: AuthenticationDns, question: SpfQuestion): Promise<SpfEvidence> {
  const check = new Check(dns, question)
  const { identity, domain } = question
  const found = await check.run()
  return { identity, domain, ...found, lookups: check.lookups }
}

type Found = Omit<SpfEvidence, 'identity' | 'domain' | 'lookups'>

/** Ends all of it, from however deep. */
class Verdict extends Error {
  readonly result: 'temperror' | 'permerror'

  constructor(result: 'temperror' | 'permerror', problem: string) {
    super(problem)
    this.result = result
  }
}

const results: Readonly<Record<Qualifier, SpfResult>> = {
  '+': 'pass',
  '-': 'fail',
  '~': 'softfail',
  '?': 'neutral',
}

const readRecord = remember(parseSpfRecord)

class Check {
  readonly #dns: AuthenticationDns
  readonly #question: SpfQuestion
  readonly #client: ipaddr.IPv4 | ipaddr.IPv6 | undefined
  readonly #localPart: string
  #record: string | undefined
  #voids = 0
  lookups = 0
  /** The names that the client's address has, and that lead back to it. */
  #names: Promise<readonly string[]> | undefined

  constructor(dns: AuthenticationDns, question: SpfQuestion) {
    this.#dns = dns
    this.#question = question
    this.#client = readClient(question.clientAddress).address
    // §4.3
    this.#localPart = question.localPart === '' ? 'postmaster' : question.localPart
  }

  async run(): Promise<Found> {
    const { domain } = this.#question
    // §4.3: not a name that could have a record.
    if (!this.#client || !isFullName(domain)) return { result: 'none' }
    try {
      const found = await this.#evaluate(domain, true)
      return { ...found, record: this.#record }
    } catch (cause) {
      if (!(cause instanceof Verdict)) throw cause
      return { result: cause.result, problem: cause.message, record: this.#record }
    }
  }

  /** `isOuter`: not of an include, whose explanation nobody gives (§5.2). */
  async #evaluate(domain: string, isOuter: boolean): Promise<Found> {
    const text = await this.#findRecord(domain)
    if (text === undefined) return { result: 'none' }
    if (domain === this.#question.domain) this.#record ??= text
    const record = readRecord(text)
    if ('problem' in record)
      throw new Verdict('permerror', `the SPF record of ${domain} is not valid: ${record.problem}`)
    for (const directive of record.directives) {
      const matches = this.#matches(directive.mechanism, domain)
      // Most terms of a large record are networks, for which nobody has to wait.
      if (!(typeof matches === 'boolean' ? matches : await matches)) continue
      return await this.#decide(directive, record, domain, isOuter)
    }
    if (!record.redirect) return { result: 'neutral' }
    return await this.#redirect(record.redirect, domain, isOuter)
  }

  async #decide(directive: Directive, record: SpfRecord, domain: string, isOuter: boolean): Promise<Found> {
    const result = results[directive.qualifier]
    const explanation =
      result === 'fail' && isOuter && record.explanation
        ? await this.#explain(record.explanation, domain)
        : undefined
    return {
      result,
      term: printableTerm(directive.text),
      ...(domain === this.#question.domain ? {} : { termOf: domain }),
      ...(explanation === undefined ? {} : { explanation }),
    }
  }

  /** §6.1 */
  async #redirect(to: MacroString, domain: string, isOuter: boolean): Promise<Found> {
    this.#count()
    const target = await this.#target(to, domain)
    const found = await this.#evaluate(target, isOuter)
    if (found.result === 'none')
      throw new Verdict('permerror', `the SPF record of ${domain} redirects to ${target}, which has none`)
    return found
  }

  /** §4.4, §4.5 */
  async #findRecord(domain: string): Promise<string | undefined> {
    const answer = await this.#dns.txt(domain)
    if (answer.kind === 'temporary-failure')
      throw new Verdict('temperror', `the SPF record of ${domain} could not be looked up: ${answer.detail}`)
    const records = answer.kind === 'found' ? answer.records.filter(isSpfRecord) : []
    if (records.length > 1)
      throw new Verdict('permerror', `${domain} has ${records.length} SPF records, and may have one`)
    return records[0]
  }

  #matches(mechanism: Mechanism, domain: string): boolean | Promise<boolean> {
    switch (mechanism.kind) {
      case 'all':
        return true
      case 'ip4':
      case 'ip6':
        return this.#isIn(mechanism.network.address, mechanism.network.prefixLength)
      case 'include':
        return this.#includes(mechanism.domain, domain)
      case 'a':
        return this.#matchesAddress(mechanism, domain)
      case 'mx':
        return this.#matchesMx(mechanism, domain)
      case 'ptr':
        return this.#matchesName(mechanism.domain, domain)
      case 'exists':
        return this.#matchesAny(mechanism.domain, domain)
      default:
        return mechanism satisfies never
    }
  }

  /** §5.2 */
  async #includes(of: MacroString, domain: string): Promise<boolean> {
    this.#count()
    const target = await this.#target(of, domain)
    const { result } = await this.#evaluate(target, false)
    if (result === 'none')
      throw new Verdict('permerror', `the SPF record of ${domain} includes ${target}, which has none`)
    return result === 'pass'
  }

  /** §5.3 */
  async #matchesAddress(
    { domain: of, prefix4, prefix6 }: Extract<Mechanism, { kind: 'a' | 'mx' }>,
    domain: string,
  ): Promise<boolean> {
    this.#count()
    return await this.#hasAddress(await this.#target(of, domain), prefix4, prefix6)
  }

  /** §5.5 */
  async #matchesName(of: MacroString | undefined, domain: string): Promise<boolean> {
    this.#count()
    const target = (await this.#target(of, domain)).toLowerCase()
    return (await this.#validatedNames()).some(name => isWithin(name, target))
  }

  /** §5.7: always A records, whatever the client has. */
  async #matchesAny(of: MacroString, domain: string): Promise<boolean> {
    this.#count()
    const answer = this.#noteVoid(await this.#dns.a(await this.#target(of, domain)))
    if (answer.kind === 'temporary-failure') throw new Verdict('temperror', answer.detail)
    return answer.kind === 'found'
  }

  /** §5.4 */
  async #matchesMx(
    { domain: of, prefix4, prefix6 }: Extract<Mechanism, { kind: 'a' | 'mx' }>,
    domain: string,
  ): Promise<boolean> {
    this.#count()
    const target = await this.#target(of, domain)
    const answer = this.#noteVoid(await this.#dns.mx(target))
    if (answer.kind === 'temporary-failure') throw new Verdict('temperror', answer.detail)
    if (answer.kind !== 'found') return false
    if (answer.records.length > maxExchanges)
      throw new Verdict('permerror', `${target} has more than ${maxExchanges} mail hosts, too many for SPF`)
    for (const { exchange } of answer.records) {
      if (await this.#hasAddress(exchange, prefix4, prefix6)) return true
    }
    return false
  }

  async #hasAddress(host: string, prefix4: number, prefix6: number): Promise<boolean> {
    const isV4 = this.#client?.kind() === 'ipv4'
    const answer = this.#noteVoid(await this.#askAddresses(host))
    if (answer.kind === 'temporary-failure') throw new Verdict('temperror', answer.detail)
    if (answer.kind !== 'found') return false
    return answer.records.some(text => {
      const address = parseIpAddress(text)
      return address !== undefined && this.#isIn(address, isV4 ? prefix4 : prefix6)
    })
  }

  #askAddresses(host: string): Promise<Answer<string>> {
    return this.#client?.kind() === 'ipv4' ? this.#dns.a(host) : this.#dns.aaaa(host)
  }

  #isIn(network: ipaddr.IPv4 | ipaddr.IPv6, prefixLength: number): boolean {
    const client = this.#client
    return client !== undefined && client.kind() === network.kind() && client.match(network, prefixLength)
  }

  #count(): void {
    if (++this.lookups > maxLookups)
      throw new Verdict(
        'permerror',
        `the SPF record needs more than ${maxLookups} DNS lookups, which is the most`,
      )
  }

  #noteVoid<Data>(answer: Answer<Data>): Answer<Data> {
    if (answer.kind === 'no-data' || answer.kind === 'no-such-domain') {
      if (++this.#voids > maxVoidLookups)
        throw new Verdict(
          'permerror',
          `more than ${maxVoidLookups} DNS lookups of the SPF record come to nothing, which is the most`,
        )
    }
    return answer
  }

  /** §4.8: what a term is about; §7.3: of a name that is too long, the labels on the left go. */
  #target(spec: MacroString | undefined, domain: string): string | Promise<string> {
    if (!spec) return domain
    const expanded = this.#expand(spec, domain)
    return typeof expanded === 'string' ? shortenName(expanded) : expanded.then(shortenName)
  }

  /** Only the name of the client has to be waited for. */
  #expand(text: MacroString, domain: string): string | Promise<string> {
    const expand = (name: string): string =>
      expandMacros(text, letter => (letter === 'p' ? name : this.#valueOf(letter, domain)))
    return usesMacro(text, 'p') ? this.#validatedNameFor(domain).then(expand) : expand('')
  }

  #valueOf(letter: Exclude<MacroLetter, 'p'>, domain: string): string {
    const { domain: senderDomain, heloName, hostname, at } = this.#question
    const client = this.#client
    switch (letter) {
      case 's':
        return `${this.#localPart}@${senderDomain}`
      case 'l':
        return this.#localPart
      case 'o':
        return senderDomain
      case 'd':
        return domain
      case 'i':
        return client?.kind() === 'ipv4' ? formatClient(client) : dottedNibbles(client)
      case 'v':
        return client?.kind() === 'ipv4' ? 'in-addr' : 'ip6'
      case 'h':
        return heloName
      case 'c':
        return formatClient(client)
      case 'r':
        return hostname
      case 't':
        return String(Math.floor(at / 1000))
      default:
        return letter satisfies never
    }
  }

  /** §7.3, %{p} */
  async #validatedNameFor(domain: string): Promise<string> {
    const names = await this.#validatedNames()
    const lower = domain.toLowerCase()
    return (
      names.find(name => name === lower) ?? names.find(name => isWithin(name, lower)) ?? names[0] ?? 'unknown'
    )
  }

  async #validatedNames(): Promise<readonly string[]> {
    this.#names ??= this.#lookUpNames()
    return await this.#names
  }

  /** §5.5: an error here is no error, the term only does not match. */
  async #lookUpNames(): Promise<readonly string[]> {
    const name = reverseName(formatClient(this.#client))
    const answer = name === undefined ? undefined : await this.#dns.ptr(name)
    if (answer?.kind !== 'found') return []
    const validated: string[] = []
    for (const host of answer.records.slice(0, maxNames)) {
      const addresses = await this.#askAddresses(host)
      if (addresses.kind !== 'found') continue
      const bits = this.#client?.kind() === 'ipv4' ? 32 : 128
      if (addresses.records.some(text => this.#isIn(parseIpAddress(text) ?? unspecified, bits)))
        validated.push(host)
    }
    return validated
  }

  /** §6.2: whatever goes wrong, there is only no explanation. */
  async #explain(spec: MacroString, domain: string): Promise<string | undefined> {
    const answer = await this.#dns.txt(await this.#target(spec, domain))
    const [text] = answer.kind === 'found' && answer.records.length === 1 ? answer.records : []
    if (text === undefined || !isAscii(text)) return undefined
    const parsed = parseMacroString(text, { explanation: true })
    if (!parsed) return undefined
    const expanded = await this.#expand(parsed, domain)
    return expanded.replaceAll(/[^ -~]/g, '?').slice(0, maxExplanation)
  }
}

const maxNameLength = 253
const maxExplanation = 300

function shortenName(expanded: string): string {
  let name = expanded.endsWith('.') ? expanded.slice(0, -1) : expanded
  while (name.length > maxNameLength && name.includes('.')) name = name.slice(name.indexOf('.') + 1)
  return name
}

const unspecified = parseIpAddress('::') as ipaddr.IPv6

function isFullName(domain: string): boolean {
  const name = domain.endsWith('.') ? domain.slice(0, -1) : domain
  const labels = name.split('.')
  return (
    !domain.startsWith('[') &&
    !isIPv4(domain) &&
    name.length <= maxNameLength &&
    labels.length > 1 &&
    labels.every(label => label.length > 0 && label.length <= 63)
  )
}

/** §5: an IPv4 client that is written as IPv6 is an IPv4 client. */
function parseClient(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const parsed = parseIpAddress(text)
  return parsed && unmapped(parsed)
}

const readClient = remember(text => ({ address: parseClient(text) }))

function formatClient(client: ipaddr.IPv4 | ipaddr.IPv6 | undefined): string {
  return client?.kind() === 'ipv6' ? (client as ipaddr.IPv6).toRFC5952String() : (client?.toString() ?? '')
}

/** §7.3: '2.0.0.1.0.D.B.8…'; in capitals, as in the public test suite. */
function dottedNibbles(address: ipaddr.IPv4 | ipaddr.IPv6 | undefined): string {
  return (address?.toByteArray() ?? [])
    .flatMap(byte => [Math.floor(byte / 16), byte % 16])
    .map(nibble => nibble.toString(16).toUpperCase())
    .join('.')
}

function printableTerm(text: string): string {
  return text.replaceAll(/[^!-~]/g, '?').slice(0, 200)
}
