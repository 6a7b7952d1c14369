// Storage that tells when it cannot be asked, and when it is asked again.
import type { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Operation, Storage } from './operation.ts'
import { isPassing } from './storage-fault.ts'

/** It is over with the first answer; what others know by heart is none. */
export function watchStorage(storage: Storage, trouble: LastingTrouble): Storage {
  return {
    async run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
      try {
        const output = await storage.run(operation, input)
        trouble.over(operation.access)
        return output
      } catch (cause) {
        if (isPassing(cause)) trouble.hit(cause, operation.access)
        throw cause
      }
    },
    onWake: (topic, listener) => storage.onWake(topic, listener),
    close: () => storage.close(),
  }
}
