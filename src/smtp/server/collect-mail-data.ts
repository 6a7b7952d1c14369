// For programs that embed the server and want a message as one piece.
import type { Reply } from '../reply.ts'
import type { MailDataSink } from './services.ts'

/**
 * A sink that keeps the whole message in memory (bounded by `limits.maxMessageBytes`) and hands it to `take`, whose
 * reply is the reply to the message: `replies.queued(id)` when it is safe, a 4xx or 5xx when not.
 */
export function collectMailData(take: (mailData: Uint8Array) => Reply | Promise<Reply>): MailDataSink {
  let pieces: Buffer[] = []
  return {
    write(piece) {
      pieces.push(Buffer.from(piece))
    },
    finish: async () => await take(Buffer.concat(pieces)),
    abort() {
      pieces = []
    },
  }
}
