// What somebody who reads mail leaves behind: that it is seen, is not new any more, has been looked into.
import { isPassing } from '../storage/storage-fault.ts'

/** Where it cannot be kept now, what was asked for is told all the same: on a full disk, mail is read to find what may go. */
export async function whereKept<Value>(keep: () => Promise<Value>, otherwise: Value): Promise<Value> {
  try {
    return await keep()
  } catch (cause) {
    if (isPassing(cause)) return otherwise
    throw cause
  }
}
