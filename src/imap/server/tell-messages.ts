// Messages as FETCH tells them: texts of neighbours go out as one.
import { writeFetch } from '../responses/fetch.ts'
import { type Piece, PieceWriter } from '../responses/octets.ts'
import type { ResponseTerms } from '../responses/terms.ts'
import type { MessageBatch } from './mailbox-services.ts'

export function formatBatch(
  { responseTerms }: { readonly responseTerms: ResponseTerms },
  batch: MessageBatch,
): readonly Piece[] {
  const writer = new PieceWriter()
  for (const { sequence, items } of batch) writeFetch(writer, sequence, items, responseTerms)
  return writer.pieces
}
