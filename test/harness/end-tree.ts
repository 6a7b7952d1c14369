// Ends a process that the test started, with all that descend from it.
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning, listTree } from './process-tree.ts'

/** Asks the root first, and kills what still runs after `graceMs`. Resolves when all of them are gone. */
export async function endTree(root: number, graceMs = 2000): Promise<void> {
  const tree = listTree(root)
  signal(root, 'SIGTERM')
  for (let waited = 0; waited < graceMs && tree.some(isRunning); waited += 10) await sleep(10)
  for (const pid of tree.filter(isRunning)) signal(pid, 'SIGKILL')
  while (tree.some(isRunning)) await sleep(5)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // ESRCH: it is gone already.
  }
}
