// The replies of a connection on their way out: those to a group of commands go out together (RFC 2920 §3.2), and none pile up
// for a peer that does not read.
import type { Socket } from 'node:net'
import { tellWhenDrained } from '../../connection/owned-socket.ts'
import { formatReply, type Reply } from '../reply.ts'

/** So many characters go out together; more are not kept for a peer that does not read. */
const maxOutputLength = 16 * 1024

export class ReplyOutput {
  /** Another one after STARTTLS; its owner is told when it is drained. */
  socket: Socket
  /** What has not been written. */
  #text = ''
  #isBlocked = false

  constructor(socket: Socket) {
    this.socket = socket
  }

  /** The peer does not read what was written. */
  get isBlocked(): boolean {
    return this.#isBlocked
  }

  get isEmpty(): boolean {
    return this.#text === ''
  }

  add(reply: Reply): void {
    this.#text += formatReply(reply)
    if (this.#text.length > maxOutputLength && !this.#isBlocked) this.flush()
  }

  flush(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    if (this.socket.write(text)) return
    this.#isBlocked = true
    tellWhenDrained(this.socket)
  }

  /** What was written has gone out. */
  drained(): void {
    this.#isBlocked = false
  }
}
