// What stands between a connection and its socket, both ways: compression.
import type { Writable } from 'node:stream'

export interface Layer {
  /** Where what goes out is written to. */
  readonly target: Writable
  /** What the socket brings. */
  take(bytes: Buffer): void
  /** What was written goes out, as far as it is. */
  flush(): void
  pause(): void
  resume(): void
  /** The client has sent everything that it will send. */
  endInput(): void
  /** The end of what we say, then of the socket. */
  end(): void
  destroy(): void
}

export interface LayerEvents {
  /** What the client meant by it. */
  took(bytes: Buffer): void
  /** The client's end of it is over. */
  ended(): void
  failed(cause: Error): void
}
