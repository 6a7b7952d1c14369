// Work that is wanted again and again, and of which one at a time is enough.

/** Begins `work`, which never rejects, unless it is still under way from the last time. */
export function oneAtATime(work: () => Promise<void>): () => void {
  let isUnderWay = false
  return () => {
    if (isUnderWay) return
    isUnderWay = true
    void work().then(() => {
      isUnderWay = false
    })
  }
}
