// What the command line and a running server say to each other over the control socket in the data folder.
// Whoever may open the socket (mode 0600) may do everything: it is the administrator's.
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export type ControlRequest =
  | { readonly id: number; readonly kind: 'run'; readonly operation: string; readonly input: unknown }
  | { readonly id: number; readonly kind: 'status' }
  /** Fetches the mail that other servers keep for this one. */
  | { readonly id: number; readonly kind: 'fetch' }
  /** What is shown in handshakes. */
  | { readonly id: number; readonly kind: 'certificates' }
  /** Opens a terminal (RFC 821 §3.4) for an address, for as long as the connection lasts. */
  | { readonly id: number; readonly kind: 'terminal'; readonly address: string }
  | { readonly id: number; readonly kind: 'shown' }

export type ControlResponse =
  | { readonly id: number; readonly kind: 'output'; readonly output: unknown }
  | { readonly id: number; readonly kind: 'error'; readonly code: string; readonly message: string }
  /** To an open terminal; the terminal answers 'shown' with the same id when it has shown the text. */
  | { readonly id: number; readonly kind: 'message'; readonly text: string }

export interface ServerStatus {
  readonly pid: number
  readonly startedAt: number
  readonly listeners: readonly { readonly role: string; readonly address: string; readonly port: number }[]
  readonly terminals: readonly string[]
}

// sun_path takes 108 bytes with its NUL; a longer path would be cut by the system.
const maxSocketPathBytes = 100

export function controlSocketPath(dataFolder: string): string {
  const path = join(resolve(dataFolder), 'control.sock')
  if (Buffer.byteLength(path) <= maxSocketPathBytes) return path
  const digest = createHash('sha256').update(resolve(dataFolder)).digest('hex').slice(0, 16)
  return join(tmpdir(), `postrider-${process.getuid?.() ?? 0}-${digest}`, 'control.sock')
}
