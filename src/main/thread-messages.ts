// What the main thread and its worker threads say to each other.

import type { MessagePort } from 'node:worker_threads'
import type { ServedListener, ServedOptions } from '../config/listener-roles.ts'
import type { Settings } from '../config/settings.ts'
import type { TakeOver } from '../delivery/delivery-agent.ts'
import type { LoginTables } from '../policy/login-limiter.ts'
import type { StrangerTables } from '../policy/stranger-limits.ts'
import type { Fetched } from './mail-fetcher.ts'
import type { ConnectionCountTable } from './shared-connection-counts.ts'
import type { ShownCertificate } from './shown-certificate.ts'

export type ThreadRole = 'store' | 'front' | 'delivery' | 'certificates'

/** `workerData` of each thread. */
export type ThreadStart =
  | { readonly role: 'store'; readonly settings: Settings }
  | {
      readonly role: 'front'
      readonly settings: Settings
      readonly storagePort: MessagePort
      /** From 0. */
      readonly number: number
      /** Of the queue ids that it makes. */
      readonly idSpace: number
      readonly listeners: readonly ServedOptions[]
      readonly connectionCounts: ConnectionCountTable
      readonly loginTables: LoginTables
      readonly strangerTables: StrangerTables
      readonly openTerminals: readonly string[]
      /** Of TLS session tickets: the same for all fronts. */
      readonly ticketKey: Uint8Array
    }
  | {
      readonly role: 'delivery'
      readonly settings: Settings
      readonly storagePort: MessagePort
      readonly idSpace: number
      /** Names this run of the thread as the owner of its leases. */
      readonly owner: string
      readonly takesOver: TakeOver
      /** Where this server itself listens: never a mail host to relay to. */
      readonly listeners: readonly ServedListener[]
    }
  | {
      readonly role: 'certificates'
      readonly settings: Settings
      readonly storagePort: MessagePort
      /** Names this run of the thread as the owner of its claims. */
      readonly owner: string
    }

export type ToThread =
  | { readonly kind: 'connect-storage'; readonly port: MessagePort }
  | { readonly kind: 'run'; readonly id: number; readonly operation: string; readonly input: unknown }
  | { readonly kind: 'terminals'; readonly open: readonly string[] }
  | { readonly kind: 'shown'; readonly id: number; readonly shown: boolean }
  /** To the front that fetches mail; answered by 'fetched' with the same id. */
  | { readonly kind: 'fetch'; readonly id: number }
  /** To every front, for connections that come. */
  | { readonly kind: 'ticket-key'; readonly key: Uint8Array }
  /** To every front: the files may have changed. */
  | { readonly kind: 'reload-certificates' }
  /** To the first front; answered by 'certificates' with the same id. */
  | { readonly kind: 'list-certificates'; readonly id: number }
  /** Answered by the event loop of a thread that is ready. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'stop'; readonly graceMs: number }

export type FromThread =
  | { readonly kind: 'ready'; readonly listeners: readonly ServedListener[] }
  | { readonly kind: 'pong' }
  /** The thread could not start: shown to the administrator; the server ends. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'ran'; readonly id: number; readonly output: unknown }
  | { readonly kind: 'run-failed'; readonly id: number; readonly code: string; readonly message: string }
  | { readonly kind: 'fetched'; readonly id: number; readonly fetched: readonly Fetched[] }
  | { readonly kind: 'certificates'; readonly id: number; readonly inUse: readonly ShownCertificate[] }
  | { readonly kind: 'show'; readonly id: number; readonly key: string; readonly text: string }
