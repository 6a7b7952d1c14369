// What "postrider trace" is asked about: one word that says itself what it is.
import { isIP } from 'node:net'
import { formatAddress } from '../address/format-address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { parseDomain } from '../address/parse-domain.ts'
import { parseQueueId, type QueueId } from '../queue/queue-id.ts'
import { type TrailKey, trailKeys } from '../trail/keys.ts'

export type TraceSubject =
  | { readonly kind: 'queue-id'; readonly queueId: QueueId }
  /** A message with any of these keys is meant. `what`: for people; `address`: where it is one. */
  | {
      readonly kind: 'keys'
      readonly what: string
      readonly anyOf: readonly TrailKey[]
      readonly address?: string
    }

export const notASubject =
  'It has to be a queue id, a Message-ID in angle brackets, an address, a domain or host name, an IP address, or a reply code. ' +
  'A queue id has 11 digits and letters, none of them a U, and looks like 1CCD5D74AAE. Other text is found with --search.'

export const subjectForms =
  'It can be a queue id or the number of a refusal (1CCD5D74AAE), a Message-ID (<…@…>), an address, a domain or host name, an IP address, or a reply code (550, 5.1.1).'

/** undefined: it is none of these. */
export function parseTraceSubject(text: string): TraceSubject | undefined {
  const queueId = parseQueueId(text)
  if (queueId !== undefined) return { kind: 'queue-id', queueId }
  const [, messageId] = /^<([^<>]+)>$/.exec(text) ?? []
  if (messageId !== undefined) return keys(`the Message-ID ${text}`, trailKeys.messageId(messageId))
  const reply = replyKey(text)
  if (reply !== undefined) return keys(`the reply ${text}`, reply)
  if (text.includes('@')) return addressKeys(text)
  // A word without a dot is more likely a queue id with a mistake in it than the name of a host.
  const host = /[.:]|^localhost$/i.test(text) ? hostKey(text) : undefined
  return host === undefined
    ? undefined
    : keys(isIP(text) === 0 ? `the host or domain ${text}` : `the address ${text}`, host)
}

function keys(what: string, ...anyOf: readonly TrailKey[]): TraceSubject {
  return { kind: 'keys', what, anyOf }
}

/** A Message-ID without its brackets looks like an address. */
function addressKeys(text: string): TraceSubject {
  const address = parseAddress(text)
  const canonical = address ? formatAddress(address) : text
  const anyOf = [
    trailKeys.recipient(canonical),
    trailKeys.sender(canonical),
    trailKeys.login(canonical),
    trailKeys.account(canonical),
    trailKeys.messageId(text),
  ]
  return { kind: 'keys', what: `the address ${text}`, anyOf, address: canonical }
}

const code = '[2-5][0-9]{2}'
const enhancedCode = '[245][.][0-9]{1,3}[.][0-9]{1,3}'
const replyForms = new RegExp(`^(?:(${code})(?: (${enhancedCode}))?|(${enhancedCode}))$`)

/** '550', '5.1.1'; of '550 5.1.1', as servers say it, what tells more. */
export function replyKey(text: string): TrailKey | undefined {
  const [, plain, beside, alone] = replyForms.exec(text) ?? []
  const key = alone ?? beside ?? plain
  return key === undefined ? undefined : trailKeys.reply(key)
}

/** A domain, a host name or an IP address, with or without brackets; with a port, as the trail shows it: '192.0.2.1:25'. */
export function hostKey(text: string): TrailKey | undefined {
  const host = text.replace(/^([^:]+|\[.*\]):[0-9]{1,5}$/, '$1')
  const plain = host.replace(/^\[(?:ipv6:)?(.*)\]$/i, '$1')
  if (isIP(plain) !== 0) return trailKeys.ip(plain)
  const domain = parseDomain(host)
  return domain === undefined ? undefined : trailKeys.name(domain)
}
