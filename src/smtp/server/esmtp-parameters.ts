// The parameters of MAIL and RCPT (RFC 5321 §4.1.2, RFC 1870, 3030, 3461, 4954, 6152, 6531, 8689).
import type { Address } from '../../address/address.ts'
import { parseAddress } from '../../address/parse-address.ts'
import { decodeUtf8Address, encodeUtf8Address } from '../../address/utf8-address.ts'
import { hasControls, isAscii } from '../../runtime/text.ts'
import type { NotifyCondition } from '../parameters.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import { decodeXtext } from '../xtext.ts'
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

export function parseReversePathParameters(rest: string): ReversePathParameters | Reply {
  if (rest === '') return plain
  const parameters = parseParameters(rest)
  if (isReply(parameters)) return parameters
  let parsed: ReversePathParameters = plain
  for (const [name, value] of parameters) {
    const next = addReversePathParameter(parsed, name, value)
    if (isReply(next)) return next
    parsed = next
  }
  return parsed
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
