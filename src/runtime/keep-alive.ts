// Timers of a Clock do not keep the process alive; whoever waits for something to happen says so here.

/** The process goes on until the result is called. */
export function keepAlive(): () => void {
  const timer = setInterval(() => {}, 60_000)
  return () => clearInterval(timer)
}
