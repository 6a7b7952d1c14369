// A fast hash of a text, the same on every machine. Keyed with a secret `key` nobody else can choose texts that collide.

/** 0 … 2^32 - 1: FNV-1a from `key`, with the last step of MurmurHash3, so that every bit counts in the lowest ones. */
export function hashText(text: string, key: number): number {
  let value = hashState(text, key)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}

/** Where the hash of a text stands at its end, to go on with: `hashText(b, hashState(a, key))` is that of a and b together. */
export function hashState(text: string, key: number): number {
  let value = key
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value
}
