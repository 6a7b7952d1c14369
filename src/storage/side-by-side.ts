// The same work on several things in one transaction.

/** Starts `work` on each item, in their order, and resolves with what they come to. None may depend on what another does. */
export type ForAll = <Item, Output>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<Output>,
) => Promise<Output[]>

/**
 * All at once: their statements follow each other to the database without waiting for answers. Rejects when all have ended:
 * nothing goes on behind the back of whoever rolls back.
 */
export const sideBySide: ForAll = async (items, work) => {
  const ended = await Promise.allSettled(Array.from(items, work))
  return ended.map(one => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}

/** For a database that is asked and answers in one step. It may end the transaction with a failure: nothing may follow that. */
export const oneByOne: ForAll = async (items, work) => {
  const outputs = []
  for (const item of items) outputs.push(await work(item))
  return outputs
}
