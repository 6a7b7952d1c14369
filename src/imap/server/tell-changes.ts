// What has happened in a mailbox, as its session is told (RFC 9051 §7.5; RFC 7162 §3.2.10 with QRESYNC).
import { type FetchItem, formatFetch } from '../responses/fetch.ts'
import { formatCount, formatExpunged, formatVanished } from '../responses/mailbox-data.ts'
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
      return formatCount(change.count, 'EXISTS')
    case 'flags': {
      // RFC 9051 §6.4.9, RFC 7162 §3.2.4: behind UID commands and with QRESYNC the UID has to be there; it never does harm.
      const items: FetchItem[] = [
        { kind: 'UID', value: change.uid },
        { kind: 'FLAGS', flags: change.flags },
      ]
      // RFC 7162 §3.1: who knows mod-sequences is told them.
      if (enabled.has('CONDSTORE')) items.push({ kind: 'MODSEQ', value: change.modSeq })
      const pieces = formatFetch(change.sequence, items, responseTerms)
      return pieces.filter(piece => typeof piece === 'string').join('')
    }
    default:
      return change satisfies never
  }
}
