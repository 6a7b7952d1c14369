// The languages of answers (RFC 6856 §3), and which of them a client means.

export type Language = 'en' | 'ru'

/** With its name in itself. */
export const languages: readonly { readonly tag: Language; readonly name: string }[] = [
  { tag: 'en', name: 'English' },
  { tag: 'ru', name: 'Русский' },
]

/** Lookup as in RFC 4647 §3.4: 'ru-RU' means 'ru', where there is nothing nearer. undefined: none of them. */
export function findLanguage(range: string): Language | undefined {
  for (let tag = range.toLowerCase(); tag !== ''; tag = withoutLastSubtag(tag)) {
    const found = languages.find(language => language.tag === tag)
    if (found) return found.tag
  }
  return undefined
}

function withoutLastSubtag(tag: string): string {
  return tag.slice(0, Math.max(tag.lastIndexOf('-'), 0))
}
