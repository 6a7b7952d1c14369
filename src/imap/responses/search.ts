// SEARCH, ESEARCH and SORT (RFC 9051 §7.3.4; RFC 3501 §7.2.5; RFC 5256 §4).
import { formatPage, type Page } from '../grammar/page.ts'
import type { NamedBy } from '../grammar/sequence-set.ts'
import { formatNumberSet } from './number-set.ts'
import { quote } from './strings.ts'

/** `modSeq`: the highest of them, where the client asked by it (RFC 7162 §3.1.5). */
export function formatSearched(verb: 'SEARCH' | 'SORT', numbers: readonly number[], modSeq?: number): string {
  const found = numbers.length > 0 ? ` ${numbers.join(' ')}` : ''
  return `* ${verb}${found}${modSeq === undefined || numbers.length === 0 ? '' : ` (MODSEQ ${modSeq})`}\r\n`
}

export interface SearchResult {
  /** Of the command that it answers. */
  readonly tag: string
  readonly by: NamedBy
  readonly min?: number | undefined
  readonly max?: number | undefined
  readonly count?: number | undefined
  /** Ascending for SEARCH; in their order for SORT (RFC 5267 §3.1). */
  readonly all?: readonly number[] | undefined
  readonly page?: { readonly page: Page; readonly numbers: readonly number[] } | undefined
  readonly modSeq?: number | undefined
}

export function formatExtendedSearch(result: SearchResult): string {
  const words = [`* ESEARCH (TAG ${quote(result.tag)})`]
  if (result.by === 'uid') words.push('UID')
  if (result.min !== undefined) words.push(`MIN ${result.min}`)
  if (result.max !== undefined) words.push(`MAX ${result.max}`)
  // §7.3.4: nothing found is nothing said.
  if (result.all && result.all.length > 0) words.push(`ALL ${formatNumberSet(result.all)}`)
  if (result.count !== undefined) words.push(`COUNT ${result.count}`)
  if (result.page) {
    const { page, numbers } = result.page
    words.push(`PARTIAL (${formatPage(page)} ${numbers.length > 0 ? formatNumberSet(numbers) : 'NIL'})`)
  }
  if (result.modSeq !== undefined) words.push(`MODSEQ ${result.modSeq}`)
  return `${words.join(' ')}\r\n`
}
