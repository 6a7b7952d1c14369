// Rights in a mailbox, a letter each (RFC 4314 §2.1), as a text without repetition in this order.

export const allRights = 'lrswipkxtea'

/** One of them. */
export type Right = 'l' | 'r' | 's' | 'w' | 'i' | 'p' | 'k' | 'x' | 't' | 'e' | 'a'

export type Rights = string

/** RFC 4314 §2.1.1: older letters, each of which stands for several. */
const older: Readonly<Record<string, Rights>> = { c: 'kx', d: 'te' }

/** Of these letters those that are rights. */
export function toRights(letters: string): Rights {
  const wanted = Array.from(letters)
    .map(letter => older[letter] ?? letter)
    .join('')
  return Array.from(allRights)
    .filter(right => wanted.includes(right))
    .join('')
}

/** Letters that are no rights. */
export function unknownRights(letters: string): string {
  return Array.from(letters)
    .filter(letter => !allRights.includes(letter) && !(letter in older))
    .join('')
}

/** With the older letters for whoever knows these only (§2.1.1). */
export function formatRights(rights: Rights): string {
  const known = Object.entries(older).filter(([, meant]) =>
    Array.from(meant).some(right => rights.includes(right)),
  )
  return rights + known.map(([letter]) => letter).join('')
}

export function addRights(rights: Rights, added: Rights): Rights {
  return toRights(rights + added)
}

export function removeRights(rights: Rights, removed: Rights): Rights {
  return Array.from(rights)
    .filter(right => !removed.includes(right))
    .join('')
}
