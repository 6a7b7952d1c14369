// Messages as FETCH tells them: texts of neighbours go out as one.
import { writeFetch } from '../responses/fetch.ts'
import { type Piece, PieceWriter } from '../responses/octets.ts'
import type { ResponseTerms } from '../responses/terms.ts'
import type { MessageBatch } from './mailbox-services.ts'

export interface TellingTerms {
  readonly responseTerms: ResponseTerms
  /** RFC 9586 §3.3 */
  readonly knowsUidsOnly: boolean
}

export function formatBatch(
  { responseTerms, knowsUidsOnly }: TellingTerms,
  batch: MessageBatch,
): readonly Piece[] {
  const writer = new PieceWriter()
  for (const { sequence, uid, items } of batch)
    if (knowsUidsOnly) writeFetch(writer, uid, items, responseTerms, 'UIDFETCH')
    else writeFetch(writer, sequence, items, responseTerms)
  return writer.pieces
}
