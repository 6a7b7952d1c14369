// A write of the directory: whoever remembers answers of it is told.
import { defineWrite, type Operation, type Tx } from '../storage/operation.ts'

export function defineDirectoryWrite<Input, Output>(
  name: string,
  run: (tx: Tx, input: Input) => Promise<Output>,
): Operation<Input, Output> {
  return defineWrite(name, run, { wakes: 'directory' })
}
