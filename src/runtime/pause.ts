// A wait of the machine, not of the mail: for an engine that gathers work before it syncs. No test has to move it, and
// unlike the timers of a Clock it keeps the process alive, because somebody waits for what comes after it.

/** Resolves after `ms` milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms)
  })
}
