// An SPF record, read as a whole before any of it is evaluated (RFC 7208 §4.5, §4.6, §12).
import { type Network, parseIpAddress } from '../../address/networks.ts'
import { type MacroString, parseMacroString } from './macro.ts'

export type Qualifier = '+' | '-' | '~' | '?'

interface DualPrefix {
  /** Absent: the domain that is checked. */
  readonly domain?: MacroString | undefined
  readonly prefix4: number
  readonly prefix6: number
}

export type Mechanism =
  | { readonly kind: 'all' }
  | { readonly kind: 'include' | 'exists'; readonly domain: MacroString }
  | ({ readonly kind: 'a' | 'mx' } & DualPrefix)
  | { readonly kind: 'ptr'; readonly domain?: MacroString | undefined }
  | { readonly kind: 'ip4' | 'ip6'; readonly network: Network }

export interface Directive {
  /** As written: '-all', for whoever asks why. */
  readonly text: string
  readonly qualifier: Qualifier
  readonly mechanism: Mechanism
}

export interface SpfRecord {
  readonly directives: readonly Directive[]
  readonly redirect?: MacroString | undefined
  readonly explanation?: MacroString | undefined
}

/** §4.5: the version is followed by a blank or by the end. */
export function isSpfRecord(text: string): boolean {
  return /^v=spf1(?: |$)/i.test(text)
}

/** A sentence says what is wrong: one mistake anywhere spoils all of it (§4.6). */
export function parseSpfRecord(text: string): SpfRecord | { readonly problem: string } {
  const directives: Directive[] = []
  let redirect: MacroString | undefined
  let explanation: MacroString | undefined
  for (const term of text.slice('v=spf1'.length).split(' ')) {
    if (term === '') continue
    const modifier = /^([a-z][a-z0-9\-_.]*)=(.*)$/is.exec(term)
    if (modifier) {
      const [, name = '', value = ''] = modifier
      const lower = name.toLowerCase()
      const isKnown = lower === 'redirect' || lower === 'exp'
      const parsed = isKnown ? parseDomainSpec(value) : parseMacroString(value, { explanation: true })
      // §6: what is not known is passed over, but has to be written right.
      if (!parsed || (!isKnown && value.includes(' ')))
        return { problem: `the modifier "${shorten(term)}" cannot be read` }
      if ((lower === 'redirect' && redirect) || (lower === 'exp' && explanation))
        return { problem: `it has "${lower}=" twice` }
      if (lower === 'redirect') redirect = parsed
      else if (lower === 'exp') explanation = parsed
      continue
    }
    const directive = parseDirective(term)
    if (!directive) return { problem: `it has a term that cannot be read: "${shorten(term)}"` }
    directives.push(directive)
  }
  return { directives, redirect, explanation }
}

function shorten(term: string): string {
  const printable = term.replaceAll(/[^ -~]/g, '?')
  return printable.length > 60 ? `${printable.slice(0, 60)}…` : printable
}

function parseDirective(text: string): Directive | undefined {
  const found = /^([+\-~?]?)([a-z0-9]+)(.*)$/is.exec(text)
  if (!found) return undefined
  const [, qualifier = '', name = '', rest = ''] = found
  const mechanism = parseMechanism(name.toLowerCase(), rest)
  return mechanism && { text, qualifier: (qualifier || '+') as Qualifier, mechanism }
}

function parseMechanism(name: string, rest: string): Mechanism | undefined {
  switch (name) {
    case 'all':
      return rest === '' ? { kind: 'all' } : undefined
    case 'include':
    case 'exists': {
      const domain = rest.startsWith(':') ? parseDomainSpec(rest.slice(1)) : undefined
      return domain && { kind: name, domain }
    }
    case 'a':
    case 'mx': {
      const target = parseDualPrefix(rest)
      return target && { kind: name, ...target }
    }
    case 'ptr': {
      if (rest === '') return { kind: 'ptr' }
      const domain = rest.startsWith(':') ? parseDomainSpec(rest.slice(1)) : undefined
      return domain && { kind: 'ptr', domain }
    }
    case 'ip4':
    case 'ip6': {
      const network = rest.startsWith(':') ? parseNetworkOf(name, rest.slice(1)) : undefined
      return network && { kind: name, network }
    }
    default:
      return undefined
  }
}

/** §5.3: [":" domain-spec] ["/" bits] ["//" bits] */
function parseDualPrefix(rest: string): DualPrefix | undefined {
  const found = /^(.*?)(?:\/([0-9]{1,3}))?(?:\/\/([0-9]{1,3}))?$/s.exec(rest)
  if (!found) return undefined
  const [, target = '', bits4 = '32', bits6 = '128'] = found
  const prefix4 = parseBits(bits4, 32)
  const prefix6 = parseBits(bits6, 128)
  if (prefix4 === undefined || prefix6 === undefined) return undefined
  if (target === '') return { prefix4, prefix6 }
  const domain = target.startsWith(':') ? parseDomainSpec(target.slice(1)) : undefined
  return domain && { domain, prefix4, prefix6 }
}

/** No leading zeros. */
function parseBits(text: string, most: number): number | undefined {
  return /^(?:0|[1-9][0-9]*)$/.test(text) && Number(text) <= most ? Number(text) : undefined
}

function parseNetworkOf(family: 'ip4' | 'ip6', text: string): Network | undefined {
  const [address = '', bits, ...more] = text.split('/')
  if (more.length > 0) return undefined
  const most = family === 'ip4' ? 32 : 128
  const prefix = bits === undefined ? most : parseBits(bits, most)
  const parsed = parseIpAddress(address)
  if (!parsed || prefix === undefined || parsed.kind() !== (family === 'ip4' ? 'ipv4' : 'ipv6'))
    return undefined
  return { address: parsed, prefixLength: prefix }
}

const topLabel = /^(?:[a-z0-9]*[a-z][a-z0-9]*|[a-z0-9]+-[a-z0-9-]*[a-z0-9])$/i

/** §7.1: ends with a macro, or with a dot and a top label. */
function parseDomainSpec(text: string): MacroString | undefined {
  const parts = parseMacroString(text)
  const last = parts?.at(-1)
  if (!parts || !last) return undefined
  if (last.kind === 'macro' || /%[%_-]$/.test(text)) return parts
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  const dot = name.lastIndexOf('.')
  return dot >= 0 && topLabel.test(name.slice(dot + 1)) ? parts : undefined
}
