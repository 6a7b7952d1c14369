// Copies mail data that is too large to stand in its row, under the name that it has.
import type { MailDataFiles, NewMailDataFile } from '../mail-data.ts'
import { StorageFault } from '../storage-fault.ts'

/**
 * Resolves when the copy is durable. What cannot be read is left out, with what stands behind it; of a file that is not
 * there nothing is made: who compares with the checksum finds it.
 */
export async function copyFile(
  from: Pick<MailDataFiles, 'read'>,
  to: MailDataFiles,
  name: string,
): Promise<void> {
  let file: NewMailDataFile | undefined
  try {
    for await (const bytes of untilDamage(from.read(name))) {
      file ??= await createAnew(to, name)
      await file.write(bytes)
    }
    await file?.finish()
  } catch (cause) {
    await file?.abort()
    throw cause
  }
}

/** An earlier try may have been cut off before the row. */
async function createAnew(files: MailDataFiles, name: string): Promise<NewMailDataFile> {
  await files.remove([name])
  return await files.create(name)
}

async function* untilDamage(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* chunks
  } catch (cause) {
    if (!isDamage(cause)) throw cause
  }
}

/** It is not there, or the disk does not give it back. */
export function isDamage(cause: unknown): boolean {
  if (cause instanceof StorageFault) return cause.code === 'STORAGE_DAMAGED'
  return cause instanceof Error && 'code' in cause && cause.code === 'EIO'
}
