// Where a storage is: what everything is moved from, and to.
import type { DataFolderLock } from '../data-folder.ts'
import type { ServerAddress } from '../postgres/server-address.ts'

export type Place =
  | {
      readonly kind: 'folder'
      readonly folder: string
      /** Rejects when somebody else has the folder. */
      readonly lock: (folder: string) => Promise<DataFolderLock>
    }
  | { readonly kind: 'database'; readonly address: ServerAddress }

/** For people, and to tell one from another. */
export function nameOf(place: Place): string {
  return place.kind === 'folder' ? place.folder : `the database at ${place.address.name}`
}
