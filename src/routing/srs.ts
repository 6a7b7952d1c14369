// The Sender Rewriting Scheme: a reverse-path of ours that leads back to the sender whose mail is forwarded, so that SPF
// (RFC 7208) passes at the receiver. Whoever has not got it from us cannot make one: it has a hash, and an age.
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { parseAddress } from '../address/parse-address.ts'

export interface SrsKey {
  readonly secret: Uint8Array
  /** ms since 1970. */
  readonly now: number
}

export type OpenedSrs =
  | { readonly kind: 'returns'; readonly to: Address }
  /** 'forged': no hash of ours. 'expired': older than reports come. */
  | { readonly kind: 'invalid'; readonly reason: 'forged' | 'expired' }

/** SRS0=hash=tt=domain=local, and SRS1=hash=forwarder==what the forwarder wrote behind its SRS0. */
const ownForm = /^SRS([01])=([A-Z2-7]{6})=(.+)$/is
const foreignSrs0 = /^SRS0([=+-].+)$/is
const foreignSrs1 = /^SRS1[=+-][^=]+=([^=]+)=([=+-].+)$/is

const dayMs = 86_400_000
/** Longer than any queue keeps a message, and a vacation answers. */
const maxAgeDays = 21
const dayCount = 1024
const hashLength = 6
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

export function isSrsAddress({ localPart }: Address): boolean {
  return ownForm.test(localPart)
}

/** undefined where there is no such address: it would be too long, or its domain is an IP address. */
export function rewriteSender(sender: Address, domain: string, key: SrsKey): Address | undefined {
  if (sender.domain.startsWith('[')) return undefined
  const srs1 = foreignSrs1.exec(sender.localPart)
  const srs0 = foreignSrs0.exec(sender.localPart)
  // Rewritten by others before: back to the first of them, or it would grow with each.
  if (srs1) return writeSrs1(srs1[1] ?? '', srs1[2] ?? '', domain, key)
  if (srs0) return writeSrs1(sender.domain, srs0[1] ?? '', domain, key)
  const day = formatDay(key.now)
  const rest = `${day}=${sender.domain}=${sender.localPart}`
  return asAddress(`SRS0=${hash(key, '0', rest)}=${rest}`, domain)
}

function writeSrs1(forwarder: string, theirs: string, domain: string, key: SrsKey): Address | undefined {
  const rest = `${forwarder}=${theirs}`
  return asAddress(`SRS1=${hash(key, '1', rest)}=${rest}`, domain)
}

/** Of an address of ours for which `isSrsAddress` holds. */
export function openSrs({ localPart }: Address, key: SrsKey): OpenedSrs {
  const [, version = '', given = '', rest = ''] = ownForm.exec(localPart) ?? []
  if (!sameText(given.toUpperCase(), hash(key, version, rest))) return { kind: 'invalid', reason: 'forged' }
  const [first = '', second = ''] = rest.split('=', 2)
  const behindFirst = rest.slice(first.length + 1)
  if (version === '1') return returnsTo(asAddress(`SRS0${behindFirst}`, first))
  if (ageInDays(first, key.now) > maxAgeDays) return { kind: 'invalid', reason: 'expired' }
  return returnsTo(asAddress(behindFirst.slice(second.length + 1), second))
}

function returnsTo(to: Address | undefined): OpenedSrs {
  return to ? { kind: 'returns', to } : { kind: 'invalid', reason: 'forged' }
}

/** Such as any parser of ours would give it. */
function asAddress(localPart: string, domain: string): Address | undefined {
  const address = domain.startsWith('[') ? undefined : parseAddress(formatAddress({ localPart, domain }))
  return address?.localPart === localPart.normalize('NFC') ? address : undefined
}

/** Of the text in lower case: some servers on the way think nothing of letter case. */
function hash({ secret }: SrsKey, version: string, rest: string): string {
  const digest = createHmac('sha256', secret)
    .update(`srs${version} ${rest.normalize('NFC').toLowerCase()}`)
    .digest()
  const bits = digest.readUInt32BE(0)
  let text = ''
  for (let index = 0; index < hashLength; index++) text += letter(Math.floor(bits / 4 / 32 ** index))
  return text
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}

function letter(value: number): string {
  return alphabet[value % alphabet.length] ?? ''
}

function formatDay(now: number): string {
  const day = Math.floor(now / dayMs) % dayCount
  return letter(Math.floor(day / 32)) + letter(day)
}

/** Beyond any age when it is no day. */
function ageInDays(text: string, now: number): number {
  const letters = text.toUpperCase()
  const high = alphabet.indexOf(letters.charAt(0))
  const low = alphabet.indexOf(letters.charAt(1))
  if (letters.length !== 2 || high < 0 || low < 0) return dayCount
  const today = Math.floor(now / dayMs) % dayCount
  return (today - (high * 32 + low) + dayCount) % dayCount
}
