// The parameters of MAIL and RCPT as words, as they stand behind the path (RFC 1870, 2852, 3461, 4865, 4954, 6152, 6531, 6533,
// 6710, 8689).
import { formatAddress } from '../address/format-address.ts'
import { encodeUtf8Address } from '../address/utf8-address.ts'
import { isAscii } from '../runtime/text.ts'
import type { DeliverByRequest, NotifyCondition } from './parameters.ts'
import type { ForwardPathParameters, ReversePathParameters } from './server/services.ts'
import { encodeXtext } from './xtext.ts'

const maxByTime = 999_999_999

/** 'SIZE=1000', 'BODY=8BITMIME': what a peer has said, in one spelling. */
export function formatReversePathParameters(parameters: ReversePathParameters): string[] {
  const { declaredSize, body, smtpUtf8, requireTls, ret, envelopeId } = parameters
  const { submitter, priority, deliverBy, releaseAt } = parameters
  return [
    ...(declaredSize === undefined ? [] : [`SIZE=${declaredSize}`]),
    ...(body === '7BIT' ? [] : [`BODY=${body}`]),
    ...(smtpUtf8 ? ['SMTPUTF8'] : []),
    ...(requireTls ? ['REQUIRETLS'] : []),
    ...(ret === undefined ? [] : [`RET=${ret}`]),
    ...(envelopeId === undefined ? [] : [`ENVID=${encodeXtext(envelopeId)}`]),
    ...(submitter === undefined
      ? []
      : [`AUTH=${submitter === null ? '<>' : encodeXtext(formatAddress(submitter))}`]),
    ...(priority === undefined ? [] : [`MT-PRIORITY=${priority}`]),
    ...(deliverBy ? [`BY=${formatDeliverBy(deliverBy)}`] : []),
    // HOLDFOR is a time too, once it has been said.
    ...(releaseAt === undefined ? [] : [`HOLDUNTIL=${new Date(releaseAt).toISOString()}`]),
  ]
}

/** 'NOTIFY=NEVER', 'ORCPT=rfc822;anna@example.test' */
export function formatForwardPathParameters({ notify, originalRecipient }: ForwardPathParameters): string[] {
  return [
    ...(notify ? [`NOTIFY=${formatNotify(notify)}`] : []),
    ...(originalRecipient === undefined ? [] : [`ORCPT=${formatOriginalRecipient(originalRecipient)}`]),
  ]
}

function formatNotify(notify: readonly NotifyCondition[]): string {
  return notify.length === 0 ? 'NEVER' : notify.join(',')
}

/** RFC 2852 §4: at most nine digits. */
export function formatDeliverBy({ seconds, mode, trace }: DeliverByRequest): string {
  const time = Math.max(-maxByTime, Math.min(maxByTime, Math.trunc(seconds)))
  return `${time};${mode === 'return' ? 'R' : 'N'}${trace ? 'T' : ''}`
}

/** RFC 3461 §4.2; xtext is for ASCII, and an address beyond it has a form and a type of its own (RFC 6533 §3). */
function formatOriginalRecipient(originalRecipient: string): string {
  const semicolon = originalRecipient.indexOf(';')
  const type = originalRecipient.slice(0, semicolon)
  const address = originalRecipient.slice(semicolon + 1)
  return type === 'utf-8' || !isAscii(address)
    ? `utf-8;${encodeUtf8Address(address)}`
    : `${type};${encodeXtext(address)}`
}
