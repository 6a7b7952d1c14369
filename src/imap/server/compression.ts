// COMPRESS=DEFLATE (RFC 4978): both directions of a connection through raw DEFLATE.
//
// What comes out of a few octets may be a thousand times as much. So the next piece is inflated only when the last one has been
// looked at, and the limits of commands hold behind it as before it.
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib'
import type { Layer, LayerEvents } from '../../connection/layer.ts'

/** Of what is inflated: so much is made at a time. */
const pieceBytes = 16 * 1024

export class Compression implements Layer {
  readonly #inflate: InflateRaw
  readonly #deflate: DeflateRaw
  readonly #socket: Socket
  #isFull = false
  #isPaused = false

  constructor(socket: Socket, events: LayerEvents) {
    this.#socket = socket
    // Programs end the connection and not the stream in it: what they have sent by then is whole.
    this.#inflate = createInflateRaw({ chunkSize: pieceBytes, finishFlush: constants.Z_SYNC_FLUSH })
    // Small windows would save memory; texts of mail gain much from large ones.
    this.#deflate = createDeflateRaw({ level: 5 })
    this.#inflate.on('data', bytes => events.took(bytes))
    this.#inflate.on('end', () => events.ended())
    this.#inflate.on('error', cause => events.failed(cause))
    this.#deflate.on('error', cause => events.failed(cause))
    this.#deflate.pipe(socket)
  }

  /** Where what is to be compressed is written to. */
  get target(): Writable {
    return this.#deflate
  }

  take(bytes: Buffer): void {
    if (this.#inflate.destroyed || this.#inflate.writableEnded || this.#inflate.write(bytes)) return
    this.#isFull = true
    this.#socket.pause()
    this.#inflate.once('drain', () => {
      this.#isFull = false
      if (!this.#isPaused) this.#socket.resume()
    })
  }

  /** What was written goes out, as far as it is (RFC 4978 §4). */
  flush(): void {
    if (this.#deflate.destroyed || this.#deflate.writableEnded) return
    // There are clients that take octets which come together with the answer to COMPRESS for an attack.
    if (this.#deflate.bytesWritten === 0 && this.#deflate.writableLength === 0) return
    this.#deflate.flush(constants.Z_SYNC_FLUSH)
  }

  pause(): void {
    this.#isPaused = true
    this.#inflate.pause()
    this.#socket.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#inflate.resume()
    if (!this.#isFull) this.#socket.resume()
  }

  /** The client has sent everything that it will send. */
  endInput(): void {
    this.#inflate.end()
  }

  /** The end of what we say, then of the socket. */
  end(): void {
    this.#deflate.end()
  }

  destroy(): void {
    this.#inflate.destroy()
    this.#deflate.destroy()
  }
}
