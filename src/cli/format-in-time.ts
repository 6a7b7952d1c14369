// A message as a person reads it, unless that takes too long: a stranger wrote it, and some HTML takes a converter hours.
import { Worker } from 'node:worker_threads'
import type { Clock } from '../runtime/clock.ts'

// In dist/ the thread is a .js file, in src/ a .ts: whatever this file is.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
const threadFile = new URL(`./format-message-thread${extension}`, import.meta.url)

/** More than any message that is meant to be read takes. */
const deadlineMs = 10_000

/** undefined: only the bytes themselves can be shown, because its structure makes no sense or takes too long. */
export async function formatInTime(message: Uint8Array, clock: Clock): Promise<string | undefined> {
  const worker = new Worker(threadFile, { workerData: message })
  const tooLate = clock.after(deadlineMs, () => void worker.terminate())
  try {
    return await new Promise<string | undefined>(resolve => {
      worker.once('message', (text: string | undefined) => resolve(text))
      // Out of memory, most likely.
      worker.once('error', () => resolve(undefined))
      worker.once('exit', () => resolve(undefined))
    })
  } finally {
    tooLate.cancel()
    await worker.terminate()
  }
}
