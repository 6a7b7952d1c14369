// Work on many things, a few at a time: what waits for a disk or a network waits together.

/** Rejects with the first failure, when nothing is under way any more. */
export async function severalAtATime<Item>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items.values()
  let failure: { readonly cause: unknown } | undefined
  const workThrough = async (): Promise<void> => {
    for (const item of waiting) {
      try {
        await work(item)
      } catch (cause) {
        failure ??= { cause }
      }
      if (failure) return
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, workThrough))
  if (failure) throw failure.cause
}
