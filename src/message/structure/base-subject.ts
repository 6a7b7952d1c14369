// The subject without what answers and forwards put around it (RFC 5256 §2.1), by which messages are sorted and threaded.

export interface BaseSubject {
  readonly base: string
  /** It had a sign of an answer or a forward. */
  readonly isAnswer: boolean
}

/** '[list]' and the like; what is longer is text. */
const blob = /^\[[^[\]]{0,200}\]\s*/
const leader = /^(?:re|fwd?)\s*(?:\[[^[\]]{0,200}\]\s*)?:\s*/i
const trailer = /\s*\(fwd\)\s*$/i
const wrapper = /^\[fwd:(.*)\]$/is

/** Of a decoded subject. */
export function readBaseSubject(subject: string): BaseSubject {
  let text = subject.replaceAll(/\s+/g, ' ').trim()
  let isAnswer = false
  // Each turn takes something away, so it ends.
  for (;;) {
    const before = text
    while (trailer.test(text)) {
      text = text.replace(trailer, '')
      isAnswer = true
    }
    for (let changed = true; changed; ) {
      changed = false
      const led = withoutLeader(text)
      if (led !== undefined) {
        text = led
        isAnswer = true
        changed = true
      }
      const bare = text.replace(blob, '')
      if (bare !== '' && bare !== text) {
        text = bare
        changed = true
      }
    }
    const inner = wrapper.exec(text)?.[1]
    if (inner !== undefined) {
      text = inner.trim()
      isAnswer = true
    }
    if (text === before) return { base: text, isAnswer }
  }
}

/** 'Re:', also behind blobs: '[list] Re:'. */
function withoutLeader(text: string): string | undefined {
  let rest = text
  for (let found = blob.exec(rest); found; found = blob.exec(rest)) rest = rest.slice(found[0].length)
  const led = leader.exec(rest) ?? leader.exec(text)
  if (!led) return undefined
  return (leader.exec(rest) ? rest : text).slice(led[0].length)
}
