// The same work on several things in one transaction.

/** Starts `work` on each item, in their order, and resolves with what they come to. None may depend on what another does. */
export type ForAll = <Item, Output>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<Output>,
) => Promise<Output[]>

/**
 * All at once: their statements follow each other to the database without waiting for answers. Rejects when all have ended:
 * nothing goes on behind the back of whoever rolls back. It does so with what failed first; what fails in a transaction that
 * has failed says only that.
 */
export const sideBySide: ForAll = async (items, work) => {
  let failure: { readonly cause: unknown } | undefined
  const ended = await Promise.allSettled(
    Array.from(items, async item => {
      try {
        return await work(item)
      } catch (cause) {
        failure ??= { cause }
        throw cause
      }
    }),
  )
  if (failure) throw failure.cause
  return ended.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
}

/** For a database that is asked and answers in one step. It may end the transaction with a failure: nothing may follow that. */
export const oneByOne: ForAll = async (items, work) => {
  const outputs = []
  for (const item of items) outputs.push(await work(item))
  return outputs
}
