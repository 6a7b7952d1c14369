// A message of an mbox file as it was before it was put there: without status fields, and without the > before 'From '.
import type { FileHandle } from 'node:fs/promises'
import { MboxHeader } from './header-fields.ts'
import { type MboxEntry, readRange } from './index-mbox.ts'
import { headBytes, Joined, type LinePiece, LinePieces } from './line-pieces.ts'

/** mboxrd; mboxo, which puts > only before 'From ' itself, reads the same but for what was '>From ' already. */
const quoted = /^>+From /

export async function* readContent(file: FileHandle, entry: MboxEntry): AsyncGenerator<Uint8Array> {
  const lines = new LinePieces(entry.start)
  const header = new MboxHeader()
  let ready: Buffer[] = []
  const joined = new Joined(bytes => void ready.push(bytes))
  const take = (pieces: Iterable<LinePiece>): void => {
    for (const piece of pieces) {
      const kind = header.take(piece)
      if (kind === 'status-field') continue
      joined.add(
        kind === 'body' && !entry.isCounted && isQuoted(piece) ? piece.bytes.subarray(1) : piece.bytes,
      )
    }
    joined.flush()
  }
  for await (const chunk of readRange(file, entry.start, entry.end)) {
    take(lines.take(chunk))
    yield* ready
    ready = []
  }
  take(lines.finish())
  yield* ready
}

function isQuoted({ bytes, beginsLine }: LinePiece): boolean {
  return beginsLine && bytes[0] === 0x3e && quoted.test(bytes.subarray(0, headBytes).toString('latin1'))
}
