// What has happened in a mailbox, as its session is told (RFC 9051 §7.5; RFC 7162 §3.2.10 with QRESYNC).
import { formatMetadataChange } from '../responses/account-data.ts'
import { codes } from '../responses/codes.ts'
import { formatItem } from '../responses/fetch.ts'
import {
  formatCount,
  formatExpunged,
  formatFlags,
  formatListed,
  formatMailboxStatus,
  formatVanished,
} from '../responses/mailbox-data.ts'
import { formatNote } from '../responses/status-response.ts'
import type { ResponseTerms } from '../responses/terms.ts'
import type { AccountNews, MailboxChange } from './mailbox-services.ts'

export interface ChangeTerms {
  readonly responseTerms: ResponseTerms
  readonly knowsUidsOnly: boolean
  /** In upper case. */
  readonly enabled: ReadonlySet<string>
}

export function formatChanges(changes: readonly MailboxChange[], terms: ChangeTerms): string {
  return changes.map(change => formatChange(change, terms)).join('')
}

function formatChange(change: MailboxChange, terms: ChangeTerms): string {
  const { responseTerms, knowsUidsOnly, enabled } = terms
  switch (change.kind) {
    case 'expunged':
      // RFC 9586 §3: with UIDONLY in any case.
      return enabled.has('QRESYNC') || knowsUidsOnly
        ? formatVanished(change.uids, 'now')
        : formatExpunged(change.sequences)
    case 'exists':
      return (
        formatCount(change.count, 'EXISTS') +
        (change.recent === undefined ? '' : formatCount(change.recent, 'RECENT'))
      )
    case 'known-flags':
      return (
        formatFlags(change.flags) + formatNote(codes.permanentFlags(change.permanent), 'Flags that are kept')
      )
    // RFC 7162 §3.1.3: told even then.
    case 'mod-seq':
      return enabled.has('CONDSTORE') ? formatFetched(change, [], terms) : ''
    case 'flags':
      return formatFetched(change, [formatItem({ kind: 'FLAGS', flags: change.flags }, responseTerms)], terms)
    default:
      return change satisfies never
  }
}

function formatFetched(
  { sequence, uid, modSeq }: Extract<MailboxChange, { readonly modSeq: number }>,
  items: readonly string[],
  { responseTerms, knowsUidsOnly, enabled }: ChangeTerms,
): string {
  // RFC 9051 §6.4.9, RFC 7162 §3.2.4: behind UID commands and with QRESYNC the UID has to be there; it never does harm.
  const words = knowsUidsOnly ? [] : [formatItem({ kind: 'UID', value: uid }, responseTerms)]
  words.push(...items)
  // RFC 7162 §3.1: who knows mod-sequences is told them.
  if (enabled.has('CONDSTORE')) words.push(formatItem({ kind: 'MODSEQ', value: modSeq }, responseTerms))
  return `* ${knowsUidsOnly ? `${uid} UIDFETCH` : `${sequence} FETCH`} (${words.join(' ')})\r\n`
}

/** What happens in other mailboxes, and to their names (RFC 5465 §5). */
export function formatNews(news: readonly AccountNews[], { responseTerms: terms }: ChangeTerms): string {
  return news
    .map(one => {
      switch (one.kind) {
        case 'status':
          return formatMailboxStatus(one.mailbox, one.values, terms)
        case 'listed':
          return formatListed(one.mailbox, terms)
        case 'metadata':
          return formatMetadataChange(one.mailbox, one.names, terms)
        case 'overflow':
          return formatNote(codes.notificationOverflow, 'Too much happens to be told')
        default:
          return one satisfies never
      }
    })
    .join('')
}
