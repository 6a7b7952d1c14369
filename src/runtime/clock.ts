// Time as a value: whoever waits or stamps takes a Clock, so that a test can move it.

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number
  /** Calls back once, not before `ms` milliseconds have passed. Does not keep the process alive. */
  after(ms: number, callback: () => void): Timer
  /** Calls back every `ms` milliseconds until cancelled. Does not keep the process alive. */
  every(ms: number, callback: () => void): Timer
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref()
    return { cancel: () => clearTimeout(timer) }
  },
  every(ms, callback) {
    const timer = setInterval(callback, ms).unref()
    return { cancel: () => clearInterval(timer) }
  },
}

const steadyOrigin = Date.now() - performance.now()

/** As the system's when the process began, and from then on steady: nobody sets it. */
export const steadyClock: Clock = {
  ...systemClock,
  now: () => Math.round(steadyOrigin + performance.now()),
}
