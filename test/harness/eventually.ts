// Waiting for what another process does, bounded in time: asks again until there is an answer.
import { setTimeout as sleep } from 'node:timers/promises'

export interface Patience {
  readonly forMs?: number
  readonly everyMs?: number
}

/** Resolves with the first answer that is not undefined; rejects, saying what was waited for, when none comes. */
export async function eventually<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined>,
  { forMs = 30_000, everyMs = 50 }: Patience = {},
): Promise<Answer> {
  const deadline = performance.now() + forMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(`waited ${forMs} ms in vain: ${what}`)
    await sleep(everyMs)
  }
}
