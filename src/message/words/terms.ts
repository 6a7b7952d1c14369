// The terms under which a message stands in the index of words (docs/adr/0035): a place, what it is, and the text.
//   b=word  in the body      b~stem  a word with this stem      f=anna@example.com  an address of the author      n=list-id  a field

/** b body, h header section, and of it s Subject, f From, t To, c Cc; n names of fields. */
export type TermPlace = 'b' | 'h' | 's' | 'f' | 't' | 'c' | 'n'

/** Of names and addresses only what is written counts. */
const placesWithStems: ReadonlySet<TermPlace> = new Set(['b', 'h', 's'])

export function hasStems(place: TermPlace): boolean {
  return placesWithStems.has(place)
}

export const exactTerm = (place: TermPlace, text: string): string => `${place}=${text}`
export const stemTerm = (place: TermPlace, stem: string): string => `${place}~${stem}`

const ownPlaces: ReadonlyMap<string, TermPlace> = new Map([
  ['subject', 's'],
  ['from', 'f'],
  ['to', 't'],
  ['cc', 'c'],
])

/** undefined: its words stand among those of the header section only. */
export function placeOfField(name: string): TermPlace | undefined {
  return ownPlaces.get(name)
}

/** Written by machines for machines: only their names are in the index. */
const machineFields: ReadonlySet<string> = new Set([
  'authentication-results', 'autocrypt', 'content-disposition', 'content-id', 'content-language', 'content-length',
  'content-transfer-encoding', 'content-type', 'date', 'delivered-to', 'dkim-signature', 'domainkey-signature', 'face',
  'mime-version', 'received', 'received-spf', 'return-path', 'x-face', 'x-received', 'x-spam-report', 'x-spam-status',
]) // biome-ignore format: a list of names
const machinePrefixes = [
  'arc-',
  'x-google-',
  'x-ms-',
  'x-microsoft-',
  'x-forefront-',
  'x-exchange-',
  'x-gm-',
  'x-sg-',
  'x-mailgun-',
]

export function isMachineField(name: string): boolean {
  return machineFields.has(name) || machinePrefixes.some(prefix => name.startsWith(prefix))
}

/** What a term can hold: no more than both engines take as they are. */
const fieldName = /^[a-z0-9][a-z0-9._+-]{0,63}$/

export function isTermName(name: string): boolean {
  return fieldName.test(name)
}
