// Passwords that a person can read out and type: four groups of four, no letters that look like others.
import type { Random } from '../runtime/random.ts'

// 32 characters, so that five bits choose one without a bias: 16 characters are 80 bits.
const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789'
const groups = 4
const groupLength = 4

/** 'kq7m-x3wp-9fht-n4rd' */
export function generatePassword(random: Random): string {
  const characters = [...random.bytes(groups * groupLength)].map(byte => alphabet[byte % alphabet.length])
  const parts: string[] = []
  for (let i = 0; i < groups; i++)
    parts.push(characters.slice(i * groupLength, (i + 1) * groupLength).join(''))
  return parts.join('-')
}
