// For programs that embed the server and want a message as a stream: memory does not follow its size.
import { Readable } from 'node:stream'
import type { Reply } from '../reply.ts'
import type { MailDataSink } from './services.ts'

/**
 * A sink that hands the message to `take` while it comes; the peer waits when `take` reads slowly. The reply of `take`
 * is the reply to the message. It may come before all is read: the rest is thrown away then. When the peer gives up, or
 * the message is refused, reading ends with an error.
 */
export function streamMailData(take: (mailData: AsyncIterable<Uint8Array>) => Promise<Reply>): MailDataSink {
  let wanted: () => void = () => {}
  const stream = new Readable({ read: () => wanted() })
  // Nobody may be reading when it ends with an error; `take` sees it if it is.
  stream.on('error', () => {})
  let isOver = false
  const reply = take(stream).finally(() => {
    isOver = true
    wanted()
  })
  // Its failure is that of `finish`; until then nobody waits for it.
  reply.catch(() => {})
  return {
    write(piece) {
      if (isOver || stream.push(Buffer.from(piece))) return undefined
      return new Promise(resolve => {
        wanted = resolve
      })
    },
    finish() {
      stream.push(null)
      return reply
    },
    abort() {
      stream.destroy(new Error('the message was given up'))
    },
  }
}
