// The subject without what answers and forwards put around it (RFC 5256 §2.1), by which messages are sorted and threaded.

export interface BaseSubject {
  readonly base: string
  /** It had a sign of an answer or a forward. */
  readonly isAnswer: boolean
}

/** '[list]' and the like; what is longer is text. */
const blob = /^\[[^[\]]{0,200}\]\s*/
const leader = /^(?:re|fwd?)\s*(?:\[[^[\]]{0,200}\]\s*)?:\s*/i
const trailer = '(fwd)'
const wrapper = '[fwd:'

/**
 * Of a decoded subject. A stranger chose it, and it may fill a header section: nothing here looks at the whole of it again for each
 * thing that it takes away.
 */
export function readBaseSubject(subject: string): BaseSubject {
  let text = subject.replaceAll(/\s+/g, ' ').trim()
  let isAnswer = false
  // Each turn takes something away, so it ends.
  for (;;) {
    const before = text
    while (text.slice(-trailer.length).toLowerCase() === trailer) {
      text = text.slice(0, -trailer.length).trimEnd()
      isAnswer = true
    }
    for (;;) {
      const { bare, last } = withoutBlobs(text)
      const led = leader.exec(bare)
      if (!led) {
        text = bare === '' ? last : bare
        break
      }
      text = bare.slice(led[0].length)
      isAnswer = true
    }
    if (text.endsWith(']') && text.slice(0, wrapper.length).toLowerCase() === wrapper) {
      text = text.slice(wrapper.length, -1).trim()
      isAnswer = true
    }
    if (text === before) return { base: text, isAnswer }
  }
}

/** '[list] Re: …' as 'Re: …'. `last`: from the last of the blobs on, for where nothing else is left. */
function withoutBlobs(text: string): { readonly bare: string; readonly last: string } {
  let [bare, last] = [text, text]
  for (let found = blob.exec(bare); found; found = blob.exec(bare)) {
    last = bare
    bare = bare.slice(found[0].length)
  }
  return { bare, last }
}
