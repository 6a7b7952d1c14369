// The parameters of MAIL and RCPT (RFC 5321 §4.1.2, RFC 1870, 2852, 3030, 3461, 4865, 4954, 6152, 6531, 6710, 8689).
import type { Address } from '../../address/address.ts'
import { parseAddress } from '../../address/parse-address.ts'
import { decodeUtf8Address, encodeUtf8Address } from '../../address/utf8-address.ts'
import { hasControls, isAscii } from '../../runtime/text.ts'
import type { DeliverByRequest, NotifyCondition } from '../parameters.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import { decodeXtext } from '../xtext.ts'
import type { TransferExtensions } from './options.ts'
import type { ForwardPathParameters, ReversePathParameters } from './services.ts'

const keyword = /^[A-Za-z0-9][A-Za-z0-9-]*$/

/** Keyword in upper case → value, '' without one. */
type Parameters = ReadonlyMap<string, string>

function isReply(value: object): value is Reply {
  return 'code' in value
}

/** `rest` is what follows the path: ' SIZE=1 BODY=8BITMIME'. */
function parseParameters(rest: string): Parameters | Reply {
  const parameters = new Map<string, string>()
  for (const part of rest.split(' ')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).toUpperCase()
    const value = equals < 0 ? '' : part.slice(equals + 1)
    if (!keyword.test(name) || (equals >= 0 && value === '')) {
      return replies.badParameter('notOne', part)
    }
    // A second value for the same thing is a mistake, or a trick: parsers differ in which one they believe.
    if (parameters.has(name)) return replies.badParameter('twice', name)
    parameters.set(name, value)
  }
  return parameters
}

const plain: ReversePathParameters = { body: '7BIT', smtpUtf8: false }

export interface ReversePathTerms {
  /** What this client is offered; the parameters of the rest are not known. */
  readonly extensions: TransferExtensions
  readonly now: () => number
}

export function parseReversePathParameters(
  rest: string,
  terms: ReversePathTerms,
): ReversePathParameters | Reply {
  if (rest === '') return plain
  const parameters = parseParameters(rest)
  if (isReply(parameters)) return parameters
  let parsed: ReversePathParameters = plain
  for (const [name, value] of parameters) {
    const next =
      addTransferParameter(parsed, name, value, terms) ?? addReversePathParameter(parsed, name, value)
    if (isReply(next)) return next
    parsed = next
  }
  const { deliverBy, releaseAt } = parsed
  // It would be late before it may begin.
  if (deliverBy && releaseAt !== undefined && releaseAt >= terms.now() + deliverBy.seconds * 1000)
    return replies.badParameter('holdBeyondBy')
  return parsed
}

/** undefined: it is none of these, or its extension is not offered. */
function addTransferParameter(
  parsed: ReversePathParameters,
  name: string,
  value: string,
  { extensions, now }: ReversePathTerms,
): ReversePathParameters | Reply | undefined {
  if (name === 'MT-PRIORITY' && extensions.maxPriority !== undefined) {
    // RFC 6710 §3
    return /^(?:0|-?[1-9])$/.test(value)
      ? { ...parsed, priority: Number(value) }
      : replies.badParameter('priority')
  }
  if (name === 'BY' && extensions.deliverBy) {
    const deliverBy = parseDeliverBy(value)
    if (!deliverBy) return replies.badParameter('by')
    // RFC 2852 §4: what has to be returned at once cannot be meant.
    if (deliverBy.mode === 'return' && deliverBy.seconds <= 0) return replies.badParameter('byReturn')
    return { ...parsed, deliverBy }
  }
  const isHold = name === 'HOLDFOR' || name === 'HOLDUNTIL'
  if (!isHold || extensions.maxHoldSeconds === 0) return undefined
  // RFC 4865: one of them.
  if (parsed.releaseAt !== undefined) return replies.badParameter('holdTwice')
  const releaseAt = name === 'HOLDFOR' ? parseHoldFor(value, now()) : parseHoldUntil(value)
  if (releaseAt === undefined) return replies.badParameter(name === 'HOLDFOR' ? 'holdFor' : 'holdUntil')
  return releaseAt > now() + extensions.maxHoldSeconds * 1000
    ? replies.badParameter('holdTooLong', String(extensions.maxHoldSeconds))
    : { ...parsed, releaseAt }
}

/** RFC 2852 §4: by-time, by-mode and by-trace. */
function parseDeliverBy(value: string): DeliverByRequest | undefined {
  const parsed = /^([+-]?[0-9]{1,9});([NR])(T?)$/i.exec(value)
  if (!parsed) return undefined
  return {
    // -0 is no number to go on with.
    seconds: Number(parsed[1]) || 0,
    mode: parsed[2]?.toUpperCase() === 'R' ? 'return' : 'notify',
    trace: parsed[3] !== '',
  }
}

/** RFC 4865: one to nine digits, the first of which is no 0. */
function parseHoldFor(value: string, now: number): number | undefined {
  return /^[1-9][0-9]{0,8}$/.test(value) ? now + Number(value) * 1000 : undefined
}

const dateTime =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})$/i

/** RFC 3339 §5.6. A time that has passed is no reason to refuse: nothing is to be waited for. */
function parseHoldUntil(value: string): number | undefined {
  const parts = dateTime.exec(value)
  if (!parts) return undefined
  const [year = 0, month = 0, day = 0] = parts.slice(1).map(Number)
  // The 30th of February would be the 2nd of March.
  if (day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined
  const at = Date.parse(value.toUpperCase())
  return Number.isNaN(at) ? undefined : at
}

function addReversePathParameter(
  parsed: ReversePathParameters,
  name: string,
  value: string,
): ReversePathParameters | Reply {
  switch (name) {
    case 'SIZE': {
      if (!/^[0-9]{1,20}$/.test(value)) return replies.badParameter('size')
      return { ...parsed, declaredSize: Number(value) }
    }
    case 'BODY': {
      const body = value.toUpperCase()
      if (body !== '7BIT' && body !== '8BITMIME' && body !== 'BINARYMIME') {
        return replies.badParameter('body')
      }
      return { ...parsed, body }
    }
    case 'SMTPUTF8':
      return value === '' ? { ...parsed, smtpUtf8: true } : replies.badParameter('smtpUtf8')
    case 'REQUIRETLS':
      return value === '' ? { ...parsed, requireTls: true } : replies.badParameter('requireTls')
    case 'RET': {
      const ret = value.toUpperCase()
      return ret === 'FULL' || ret === 'HDRS' ? { ...parsed, ret } : replies.badParameter('ret')
    }
    case 'ENVID': {
      const envelopeId = value.length <= 100 ? decodeXtext(value) : undefined
      if (!envelopeId || !/^[ -~]+$/.test(envelopeId)) {
        return replies.badParameter('envid')
      }
      return { ...parsed, envelopeId }
    }
    case 'AUTH': {
      const submitter = parseSubmitter(value)
      return submitter === undefined ? replies.badParameter('auth') : { ...parsed, submitter }
    }
    default:
      return replies.unknownParameter(name)
  }
}

function parseSubmitter(value: string): Address | null | undefined {
  if (value === '<>') return null
  const text = decodeXtext(value)
  return text === undefined ? undefined : parseAddress(text)
}

const none: ForwardPathParameters = {}

export function parseForwardPathParameters(rest: string, smtpUtf8: boolean): ForwardPathParameters | Reply {
  if (rest === '') return none
  const parameters = parseParameters(rest)
  if (isReply(parameters)) return parameters
  let parsed: ForwardPathParameters = none
  for (const [name, value] of parameters) {
    if (name === 'NOTIFY') {
      const notify = parseNotify(value)
      if (!notify) return replies.badParameter('notify')
      parsed = { ...parsed, notify }
    } else if (name === 'ORCPT') {
      const originalRecipient = parseOriginalRecipient(value, smtpUtf8)
      if (originalRecipient === undefined) {
        return replies.badParameter('orcpt')
      }
      parsed = { ...parsed, originalRecipient }
    } else return replies.unknownParameter(name)
  }
  return parsed
}

function parseNotify(value: string): readonly NotifyCondition[] | undefined {
  const words = value.toUpperCase().split(',')
  if (words.length === 1 && words[0] === 'NEVER') return []
  const conditions = new Set<NotifyCondition>()
  for (const word of words) {
    if (word !== 'SUCCESS' && word !== 'FAILURE' && word !== 'DELAY') return undefined
    conditions.add(word)
  }
  return [...conditions]
}

const addressType = /^[A-Za-z0-9-]{1,32}$/
/** RFC 3461 §4.2 */
const maxOriginalRecipient = 500

function parseOriginalRecipient(value: string, smtpUtf8: boolean): string | undefined {
  const semicolon = value.indexOf(';')
  const type = value.slice(0, semicolon).toLowerCase()
  if (semicolon < 0 || value.length > maxOriginalRecipient || !addressType.test(type)) return undefined
  const decoded = decodeXtext(value.slice(semicolon + 1))
  const address = type === 'utf-8' && decoded !== undefined ? decodeUtf8Address(decoded) : decoded
  if (!address || hasControls(address)) return undefined
  // RFC 6533 §3: UTF-8 as it stands only in a transaction with SMTPUTF8.
  if (!smtpUtf8 && !isAscii(value)) return undefined
  // The next server may get it in ASCII, where it is longer.
  if (!isAscii(address) && encodeUtf8Address(address).length > maxOriginalRecipient) return undefined
  return `${type};${address}`
}
