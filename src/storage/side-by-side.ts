// Several things done in one transaction at once: their statements follow each other to the database without waiting for
// answers, where it is at the other end of a wire.

/**
 * Starts `work` on each item, in their order, and resolves with what they come to when all have ended; rejects then, if one
 * did: nothing of it goes on behind the back of whoever rolls back. None may depend on what another does.
 */
export async function sideBySide<Item, Output>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<Output>,
): Promise<Output[]> {
  const ended = await Promise.allSettled(Array.from(items, work))
  return ended.map(one => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}
