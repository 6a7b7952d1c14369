// Work on as many things as a mailbox has: other sessions have their turns in between.
import { setImmediate as turn } from 'node:timers/promises'

const thingsOfTurn = 5000

export async function eachInTurns<Thing>(
  things: readonly Thing[],
  work: (thing: Thing) => void,
): Promise<void> {
  for (const [at, thing] of things.entries()) {
    work(thing)
    if ((at + 1) % thingsOfTurn === 0) await turn()
  }
}

/** As `toSorted` sorts. */
export async function sortInTurns<Thing>(
  things: readonly Thing[],
  compare: (a: Thing, b: Thing) => number,
): Promise<Thing[]> {
  let runs: Thing[][] = []
  for (let first = 0; first < things.length; first += thingsOfTurn) {
    if (first > 0) await turn()
    runs.push(things.slice(first, first + thingsOfTurn).sort(compare))
  }
  while (runs.length > 1) {
    const merged: Thing[][] = []
    for (let at = 0; at < runs.length; at += 2)
      merged.push(await merge(runs[at] ?? [], runs[at + 1] ?? [], compare))
    runs = merged
  }
  return runs[0] ?? []
}

async function merge<Thing>(
  before: readonly Thing[],
  behind: readonly Thing[],
  compare: (a: Thing, b: Thing) => number,
): Promise<Thing[]> {
  const merged: Thing[] = []
  let at = 0
  for (const thing of before) {
    for (let next = behind[at]; next !== undefined && compare(next, thing) < 0; next = behind[at]) {
      merged.push(next)
      at++
      if (merged.length % thingsOfTurn === 0) await turn()
    }
    merged.push(thing)
    if (merged.length % thingsOfTurn === 0) await turn()
  }
  return merged.concat(behind.slice(at))
}
