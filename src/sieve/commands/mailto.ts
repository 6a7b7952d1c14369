// The method mailto of notifications (RFC 5436), and its URI (RFC 6068).
import type { Address } from '../../address/address.ts'
import { sameAddress } from '../../address/address-key.ts'
import { readAddressList } from '../message/one-address.ts'

export interface Mailto {
  readonly to: readonly Address[]
  readonly cc: readonly Address[]
  readonly bcc: readonly Address[]
  readonly subject: string | undefined
  readonly body: string | undefined
  readonly fields: readonly { readonly name: string; readonly value: string }[]
}

const maxUriLength = 4000
const maxAddresses = 8
const maxFields = 20
/** RFC 3986 §2: what may stand in a URI. */
const uriText = /^(?:[A-Za-z0-9\-._~:/?#@!$'()*+,;=&"[\]]|%[0-9A-Fa-f]{2})*$/
/** RFC 5436 §2.7: what the server says itself, and what would let a script lie about where the message has been. */
const ignored = [
  'from',
  'sender',
  'date',
  'message-id',
  'received',
  'return-path',
  'auto-submitted',
  'references',
  'in-reply-to',
  'resent-from',
  'resent-sender',
  'resent-date',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'dkim-signature',
  'authentication-results',
  'delivered-to',
]
const fieldName = /^[!-9;-~]{1,80}$/

export function isMailto(uri: string): boolean {
  return /^mailto:/i.test(uri)
}

/** Or what is wrong with it. */
export function parseMailto(uri: string): Mailto | string {
  if (uri.length > maxUriLength) return `The URI has more than ${maxUriLength} characters.`
  const rest = uri.slice('mailto:'.length)
  if (!uriText.test(rest)) return 'It has characters that a URI must write as %20 and the like.'
  const [path, query] = splitOnce(rest, '?')
  if (query?.includes('#') || path.includes('#')) return 'A mailto URI has no #.'
  const found = { to: [] as Address[], cc: [] as Address[], bcc: [] as Address[] }
  const fields: { name: string; value: string }[] = []
  let subject: string | undefined
  let body: string | undefined
  const wrong = addAddresses(found.to, path)
  if (wrong !== undefined) return wrong
  for (const part of query === undefined ? [] : query.split('&')) {
    const [encodedName, encodedValue] = splitOnce(part, '=')
    const name = decode(encodedName)?.toLowerCase()
    const value = encodedValue === undefined ? undefined : decode(encodedValue)
    if (name === undefined || value === undefined || !fieldName.test(name))
      return `${JSON.stringify(part.slice(0, 60))} in it is no field: write subject=Hello.`
    if (name === 'to' || name === 'cc' || name === 'bcc') {
      const mistake = addAddresses(found[name], encodedValue ?? '')
      if (mistake !== undefined) return mistake
    } else if (name === 'body') body ??= value
    else if (/[\0-\x1f\x7f]/.test(value)) return `The field ${name} in it has a line end.`
    else if (name === 'subject') subject ??= value
    else if (!ignored.includes(name) && !fields.some(field => field.name.toLowerCase() === name)) {
      if (fields.length >= maxFields) return `It has more than ${maxFields} fields.`
      fields.push({ name: capitalized(name), value })
    }
  }
  const count = found.to.length + found.cc.length + found.bcc.length
  if (count === 0) return 'It names nobody: write mailto:anna@example.org.'
  if (count > maxAddresses) return `It names more than ${maxAddresses} addresses.`
  return { ...found, subject, body, fields }
}

function addAddresses(list: Address[], encoded: string): string | undefined {
  if (encoded === '') return undefined
  // RFC 6068 §2 parts them with commas; RFC 2368 §2, which RFC 5436 still names, with %2C.
  const text = decode(encoded)
  const addresses = text === undefined ? undefined : readAddressList(text)
  if (!addresses) return `${JSON.stringify(encoded.slice(0, 60))} in it is no address.`
  for (const address of addresses) if (!list.some(each => sameAddress(each, address))) list.push(address)
  return undefined
}

function splitOnce(text: string, sign: string): [string, string | undefined] {
  const at = text.indexOf(sign)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + sign.length)]
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    // Octets that are no UTF-8.
    return undefined
  }
}

function capitalized(name: string): string {
  return name
    .split('-')
    .map(word => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('-')
}
