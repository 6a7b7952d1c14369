// Randomness as a value, so that a test can repeat a run exactly.
import { randomBytes } from 'node:crypto'

export interface Random {
  bytes(count: number): Uint8Array
  /** A number in [0, 1). */
  fraction(): number
}

export const systemRandom: Random = {
  bytes: count => randomBytes(count),
  fraction: () => Math.random(),
}
