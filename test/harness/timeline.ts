// When something that is counted grew, looked at again and again: how long nothing happened.

export interface Timeline {
  /** The longest time within which it did not grow, in ms. */
  longestSilence(from: number, to: number): number
  /** From `at` to when it grew next; undefined: it has not yet. */
  nextAfter(at: number): number | undefined
  stop(): void
}

const lookEveryMs = 20

/** Times are those of `performance.now()`. */
export function startTimeline(count: () => number): Timeline {
  const grewAt: number[] = []
  let last = count()
  const timer = setInterval(() => {
    const now = count()
    if (now > last) grewAt.push(performance.now())
    last = now
  }, lookEveryMs)
  return {
    longestSilence(from, to) {
      const inside = grewAt.filter(at => at > from && at < to)
      return Math.max(...[...inside, to].map((at, index) => at - (inside[index - 1] ?? from)))
    },
    nextAfter(at) {
      const next = grewAt.find(grew => grew > at)
      return next === undefined ? undefined : next - at
    },
    stop: () => clearInterval(timer),
  }
}
