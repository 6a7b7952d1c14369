// Domains written with letters of other scripts that look like Latin ones (UTS 39 §4): 'exаmple.com' with a Cyrillic а. Only letters that
// nobody tells apart are here: an umlaut, or a 1 for an l, makes another name that may well be somebody's.
import { formatDomainForPeople, parseDomain } from './parse-domain.ts'

/** Pairs, in small letters, as domains have them. */
const pairs = [
  'аa сc ԁd еe һh іi јj ӏl оo рp ԛq ѕs ѵv ԝw хx уy', // Cyrillic
  'αa ιi κk νv οo ρp υu χx γy', // Greek
  'ցg հh յj ոn օo զq սu', // Armenian
  'ɑa ɡg ıi', // Latin
]
const latinOf = new Map(
  pairs.flatMap(line => line.split(' ').map(([letter = '', latin = '']) => [letter, latin] as const)),
)

/** As a reader takes it, canonical; undefined: as what it is. */
export function readAsLatin(domain: string): string | undefined {
  if (!domain.includes('xn--')) return undefined
  const shown = formatDomainForPeople(domain)
  const read = parseDomain(Array.from(shown, letter => latinOf.get(letter) ?? letter).join(''))
  return read === domain ? undefined : read
}
