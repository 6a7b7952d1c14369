// How many connections each address has.

/** Servers that are given the same counts count together. */
export interface ConnectionCounts {
  /** Returns how many the address has now, this one included. */
  add(address: string): number
  remove(address: string): void
}

export function createConnectionCounts(): ConnectionCounts {
  const counts = new Map<string, number>()
  return {
    add(address) {
      const count = (counts.get(address) ?? 0) + 1
      counts.set(address, count)
      return count
    },
    remove(address) {
      const count = counts.get(address) ?? 0
      if (count > 1) counts.set(address, count - 1)
      else counts.delete(address)
    },
  }
}
