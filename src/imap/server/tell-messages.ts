// Messages as FETCH tells them: texts of neighbours go out as one.
import { formatFetch } from '../responses/fetch.ts'
import { joinPieces, type Piece } from '../responses/octets.ts'
import type { ResponseTerms } from '../responses/terms.ts'
import type { MessageBatch } from './mailbox-services.ts'

export function formatBatch(
  { responseTerms }: { readonly responseTerms: ResponseTerms },
  batch: MessageBatch,
): readonly Piece[] {
  return joinPieces(batch.flatMap(({ sequence, items }) => formatFetch(sequence, items, responseTerms)))
}
