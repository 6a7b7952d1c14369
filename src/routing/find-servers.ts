// stub

import type { Diagnosis } from '../delivery/outcome.ts'
import type { Destination } from './destination.ts'
import type { RemoteServer } from './remote-server.ts'
export type ServerLookup =
  | { readonly kind: 'servers'; readonly servers: readonly RemoteServer[] }
  | { readonly kind: 'deferred' | 'failed'; readonly diagnosis: Diagnosis; readonly hosts: readonly string[] }
export type ServerFinder = (destination: Destination) => Promise<ServerLookup>
