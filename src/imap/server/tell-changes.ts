// What has happened in a mailbox, as its session is told (RFC 9051 §7.5; RFC 7162 §3.2.10 with QRESYNC).

import { codes } from '../responses/codes.ts'
import { formatItem } from '../responses/fetch.ts'
import { formatCount, formatExpunged, formatFlags, formatVanished } from '../responses/mailbox-data.ts'
import { formatNote } from '../responses/status-response.ts'
import type { ResponseTerms } from '../responses/terms.ts'
import type { MailboxChange } from './mailbox-services.ts'

export interface ChangeTerms {
  readonly responseTerms: ResponseTerms
  /** In upper case. */
  readonly enabled: ReadonlySet<string>
}

export function formatChanges(changes: readonly MailboxChange[], terms: ChangeTerms): string {
  return changes.map(change => formatChange(change, terms)).join('')
}

function formatChange(change: MailboxChange, { responseTerms, enabled }: ChangeTerms): string {
  switch (change.kind) {
    case 'expunged':
      return enabled.has('QRESYNC') ? formatVanished(change.uids, 'now') : formatExpunged(change.sequences)
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
      return enabled.has('CONDSTORE')
        ? `* ${change.sequence} FETCH (${formatItem({ kind: 'UID', value: change.uid }, responseTerms)} ${formatItem({ kind: 'MODSEQ', value: change.modSeq }, responseTerms)})\r\n`
        : ''
    case 'flags': {
      // RFC 9051 §6.4.9, RFC 7162 §3.2.4: behind UID commands and with QRESYNC the UID has to be there; it never does harm.
      const words = [
        formatItem({ kind: 'UID', value: change.uid }, responseTerms),
        formatItem({ kind: 'FLAGS', flags: change.flags }, responseTerms),
      ]
      // RFC 7162 §3.1: who knows mod-sequences is told them.
      if (enabled.has('CONDSTORE'))
        words.push(formatItem({ kind: 'MODSEQ', value: change.modSeq }, responseTerms))
      return `* ${change.sequence} FETCH (${words.join(' ')})\r\n`
    }
    default:
      return change satisfies never
  }
}
