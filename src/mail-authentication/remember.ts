// The same records, keys and addresses come all day long: what was read of them is remembered.

const maxEntries = 1000
/** A stranger's text that is longer is not worth its room. */
const maxLength = 4096

/** `read` depends on its text alone, and what it gives is never changed. */
export function remember<Value>(read: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, Value>()
  return text => {
    const found = known.get(text)
    if (found !== undefined) return found
    const value = read(text)
    if (text.length > maxLength) return value
    if (known.size >= maxEntries) known.clear()
    known.set(text, value)
    return value
  }
}
