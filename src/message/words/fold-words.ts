// Text as it is compared when somebody looks for words in it: without regard to case, to how a letter is composed, and to marks on
// Latin and Greek letters; ё is е, as people write it.

/** Letters that may carry a mark: Latin, Greek. й and ї are letters of their own, and stay. */
const mayCarryMark = /[\u00c0-\u024f\u0370-\u03ff\u1e00-\u1fff]/g
const beyondAscii = /[^\0-\x7f]/

export function foldWords(text: string): string {
  if (!beyondAscii.test(text)) return text.toLowerCase()
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('ё', 'е')
    .replaceAll('ß', 'ss')
    .replaceAll(mayCarryMark, letter => letter.normalize('NFD').charAt(0))
}
