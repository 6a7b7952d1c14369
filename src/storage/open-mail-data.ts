// Mail data beside the rows that name it: in files of the data folder, or in chunks where the rows are in PostgreSQL.
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { MailDataStore } from './mail-data.ts'
import { openMailDataFiles } from './mail-data-files.ts'
import { createMailDataStore } from './mail-data-store.ts'
import type { Storage } from './operation.ts'
import { openMailDataChunks } from './postgres/mail-data-chunks.ts'
import type { ServerAddress } from './postgres/server-address.ts'

export function openMailData(
  { dataFolder, database }: { readonly dataFolder: string; readonly database?: ServerAddress | undefined },
  storage: Pick<Storage, 'run'>,
  clock: Clock,
  random: Random,
): MailDataStore {
  const files = database ? openMailDataChunks(storage, clock, random) : openMailDataFiles(dataFolder, random)
  return createMailDataStore(files, storage)
}
