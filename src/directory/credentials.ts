// Passwords: hashed with Argon2id (RFC 9106), kept as PHC strings, compared in constant time.
import { argon2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Random } from '../runtime/random.ts'

interface Argon2Cost {
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

interface PasswordHash {
  readonly cost: Argon2Cost
  readonly salt: Buffer
  readonly tag: Buffer
}

/** OWASP Password Storage Cheat Sheet: m=19 MiB, t=2, p=1. */
const ownCost: Argon2Cost = { memory: 19456, passes: 2, parallelism: 1 }
const saltBytes = 16
const tagBytes = 32
/** More than anybody types; bounds what a stranger can make us hash. */
export const maxPasswordBytes = 1024
/** NIST SP 800-63B §5.1.1.1: what a person chooses has at least eight characters. */
const minPasswordCharacters = 8

/** Of a password that somebody chose; undefined: it will do. */
export function problemOfPassword(password: string): string | undefined {
  const characters = Array.from(password.normalize('NFC')).length
  if (characters < minPasswordCharacters)
    return `The password has ${characters} ${characters === 1 ? 'character' : 'characters'}, too few: choose one of at least ${minPasswordCharacters}.`
  const bytes = Buffer.byteLength(password)
  if (bytes > maxPasswordBytes)
    return `The password has ${bytes} bytes, too many: choose one of at most ${maxPasswordBytes}.`
  return undefined
}

const computeArgon2 = promisify(argon2)

function computeTag(password: string, salt: Buffer, cost: Argon2Cost, tagLength: number): Promise<Buffer> {
  // RFC 8265 §4.2: the same password typed on two keyboards may differ in its composition.
  const message = Buffer.from(password.normalize('NFC'))
  return computeArgon2('argon2id', { message, nonce: salt, tagLength, ...cost })
}

/** '$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>' */
export async function hashPassword(password: string, random: Random): Promise<string> {
  const salt = Buffer.from(random.bytes(saltBytes))
  return formatPasswordHash({ cost: ownCost, salt, tag: await computeTag(password, salt, ownCost, tagBytes) })
}

export async function verifyPassword(passwordHash: string, password: string): Promise<boolean> {
  const expected = parsePasswordHash(passwordHash)
  if (!expected) return false
  const tag = await computeTag(password, expected.salt, expected.cost, expected.tag.length)
  return timingSafeEqual(tag, expected.tag)
}

export function isPasswordHash(text: string): boolean {
  return parsePasswordHash(text) !== undefined
}

function formatPasswordHash({ cost, salt, tag }: PasswordHash): string {
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${formatBase64(salt)}$${formatBase64(tag)}`
}

// PHC strings have no padding.
function formatBase64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}

// The bounds keep a hash that an administrator pasted from costing a gigabyte at each log-in.
function parsePasswordHash(text: string): PasswordHash | undefined {
  const [empty, algorithm, version, parameters, saltText, tagText, ...rest] = text.split('$')
  if (empty !== '' || algorithm !== 'argon2id' || version !== 'v=19' || rest.length > 0) return undefined
  const cost = parseCost(parameters ?? '')
  const salt = parseBase64(saltText ?? '', 8, 64)
  const tag = parseBase64(tagText ?? '', 16, 64)
  return cost && salt && tag && { cost, salt, tag }
}

function parseCost(text: string): Argon2Cost | undefined {
  const [m, t, p, ...rest] = text.split(',')
  const memory = parseParameter(m, 'm', 1024 * 1024)
  const passes = parseParameter(t, 't', 64)
  const parallelism = parseParameter(p, 'p', 16)
  if (rest.length > 0 || memory === undefined || passes === undefined || parallelism === undefined)
    return undefined
  // RFC 9106 §3.1: eight blocks for each lane.
  return memory >= 8 * parallelism ? { memory, passes, parallelism } : undefined
}

function parseParameter(text: string | undefined, name: string, most: number): number | undefined {
  const digits = text?.startsWith(`${name}=`) ? text.slice(name.length + 1) : ''
  const number = /^[1-9][0-9]{0,8}$/.test(digits) ? Number(digits) : 0
  return number >= 1 && number <= most ? number : undefined
}

function parseBase64(text: string, least: number, most: number): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  const canonical = formatBase64(bytes) === text
  return canonical && bytes.length >= least && bytes.length <= most ? bytes : undefined
}

/** Verified against when there is no such account, so that a name that exists and one that does not cost the same. */
export const nobodysHash = formatPasswordHash({
  cost: ownCost,
  salt: Buffer.alloc(saltBytes),
  tag: Buffer.alloc(tagBytes),
})
