// How many connections each host has.

/** Servers that are given the same counts count together. A host is the network that `hostNetworkOf` gives. */
export interface ConnectionCounts {
  /** Returns how many the host has now, this one included. */
  add(host: string): number
  remove(host: string): void
}

export function createConnectionCounts(): ConnectionCounts {
  const counts = new Map<string, number>()
  return {
    add(host) {
      const count = (counts.get(host) ?? 0) + 1
      counts.set(host, count)
      return count
    },
    remove(host) {
      const count = counts.get(host) ?? 0
      if (count > 1) counts.set(host, count - 1)
      else counts.delete(host)
    },
  }
}
