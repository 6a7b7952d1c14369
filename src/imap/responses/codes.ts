// Response codes (RFC 9051 §7.1): what programs read of an answer; the text beside them is for people.
import type { NumberRange } from '../grammar/sequence-set.ts'
import { urlMechanism } from '../grammar/url.ts'
import { formatRanges } from './number-set.ts'
import { formatAstring } from './strings.ts'

/** '[…]' without its brackets. */
export interface ResponseCode {
  readonly name: string
  readonly argument?: string | undefined
}

const plain = <Name extends string>(name: Name): { readonly name: Name } => ({ name })
const valued = (name: string, argument: string | number): ResponseCode => ({ name, argument: `${argument}` })

export const codes = {
  // RFC 9051 §7.1, most of them from RFC 5530
  alert: plain('ALERT'),
  alreadyExists: plain('ALREADYEXISTS'),
  authenticationFailed: plain('AUTHENTICATIONFAILED'),
  authorizationFailed: plain('AUTHORIZATIONFAILED'),
  badCharset: (known: readonly string[]) => valued('BADCHARSET', `(${known.join(' ')})`),
  cannot: plain('CANNOT'),
  capability: (names: readonly string[]) => valued('CAPABILITY', names.join(' ')),
  clientBug: plain('CLIENTBUG'),
  closed: plain('CLOSED'),
  contactAdmin: plain('CONTACTADMIN'),
  copyUid: (uidValidity: number, from: readonly NumberRange[], to: readonly NumberRange[]) =>
    valued('COPYUID', `${uidValidity} ${formatRanges(from)} ${formatRanges(to)}`),
  appendUid: (uidValidity: number, uids: readonly NumberRange[]) =>
    valued('APPENDUID', `${uidValidity} ${formatRanges(uids)}`),
  corruption: plain('CORRUPTION'),
  expungeIssued: plain('EXPUNGEISSUED'),
  hasChildren: plain('HASCHILDREN'),
  inUse: plain('INUSE'),
  limit: plain('LIMIT'),
  nonExistent: plain('NONEXISTENT'),
  noPermission: plain('NOPERM'),
  /** RFC 9208 §4.3 */
  overQuota: plain('OVERQUOTA'),
  parse: plain('PARSE'),
  permanentFlags: (flags: readonly string[]) => valued('PERMANENTFLAGS', `(${flags.join(' ')})`),
  privacyRequired: plain('PRIVACYREQUIRED'),
  readOnly: plain('READ-ONLY'),
  readWrite: plain('READ-WRITE'),
  serverBug: plain('SERVERBUG'),
  tryCreate: plain('TRYCREATE'),
  uidNext: (uid: number) => valued('UIDNEXT', uid),
  uidNotSticky: plain('UIDNOTSTICKY'),
  uidValidity: (value: number) => valued('UIDVALIDITY', value),
  unavailable: plain('UNAVAILABLE'),
  unknownCte: plain('UNKNOWN-CTE'),
  /** RFC 3501 §7.1 only. */
  unseen: (sequence: number) => valued('UNSEEN', sequence),
  // CONDSTORE and QRESYNC (RFC 7162)
  highestModSeq: (modSeq: number) => valued('HIGHESTMODSEQ', modSeq),
  noModSeq: plain('NOMODSEQ'),
  modified: (ranges: readonly NumberRange[]) => valued('MODIFIED', formatRanges(ranges)),
  // Extensions
  /** RFC 4469 §5.1: this URL cannot be fetched. */
  badUrl: (url: string) => valued('BADURL', formatAstring(url, { utf8: false })),
  /** RFC 4469, RFC 7888 §4: this message, or literal, is larger than is taken. */
  tooBig: plain('TOOBIG'),
  /** RFC 4978 §3 */
  compressionActive: plain('COMPRESSIONACTIVE'),
  /** RFC 5182 §2.1 */
  notSaved: plain('NOTSAVED'),
  /** RFC 5464 §4.2.1, §4.3 */
  metadataLongEntries: (octets: number) => valued('METADATA', `LONGENTRIES ${octets}`),
  metadataMaxSize: (octets: number) => valued('METADATA', `MAXSIZE ${octets}`),
  metadataTooMany: valued('METADATA', 'TOOMANY'),
  metadataNoPrivate: valued('METADATA', 'NOPRIVATE'),
  /** RFC 5465 §5.8, §5.9 */
  notificationOverflow: plain('NOTIFICATIONOVERFLOW'),
  badEvent: (known: readonly string[]) => valued('BADEVENT', `(${known.join(' ')})`),
  /** RFC 6154 §3 */
  useAttribute: plain('USEATTR'),
  /** RFC 4467 §8 */
  urlMechanism: (mechanisms: readonly string[]) => valued('URLMECH', [urlMechanism, ...mechanisms].join(' ')),
  /** RFC 8474 §4.1 */
  mailboxId: (id: string) => valued('MAILBOXID', `(${id})`),
  /** RFC 9586 §3 */
  uidRequired: plain('UIDREQUIRED'),
} as const

export function formatCode({ name, argument }: ResponseCode): string {
  return argument === undefined ? `[${name}]` : `[${name} ${argument}]`
}
