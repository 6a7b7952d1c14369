// A write of the directory: whoever remembers answers of it is told.
import { defineWrite, type Operation, type Tx } from '../storage/operation.ts'

export function defineDirectoryWrite<Input, Output>(
  name: string,
  run: (tx: Tx, input: Input) => Promise<Output>,
): Operation<Input, Output> {
  return defineWrite(
    name,
    async (tx, input: Input) => {
      // What is checked before a change (an address is free, a domain is empty) has to hold until it is made.
      await tx.lockAll('directory')
      return await run(tx, input)
    },
    { wakes: 'directory' },
  )
}
