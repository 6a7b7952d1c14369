// Messages of about 2 KB out of a small vocabulary, the same in every run; few of them have a word that is rare.
export const rareWord = 'zymurgy'
/** One of so many has the rare word. */
const rareEvery = 1000

const vocabulary =
  'about account after again agenda agreement answer archive attached available because before between budget business calendar change check client comment company complete confirm contact contract copy customer date deadline decision delivery department detail different discuss document draft during email estimate evening example expect feedback figure file final finish first follow forward friday general great group happy history house idea important include information invoice issue january keep kind know large last later letter list little local long look lunch mail make manager market meeting message minute monday money month morning need network next note number offer office open order other page paper part payment people period person phone place plan please point possible price problem process product project proposal provide purchase quarter question quick reason receive record regard remember reply report request response result review room sales schedule second send server service share short show sign simple site start status still story subject summer support system table task team tell test thank thing think thought time today together tomorrow total travel tuesday under until update user value version visit wait want week welcome window within without word work world write year yesterday'.split(
    ' ',
  )

const bodyBytes = 1600

export function composeMessage(number: number): Buffer {
  const random = createRandom(number)
  const word = (): string => vocabulary[Math.floor(random() * vocabulary.length)] ?? ''
  const words = (count: number): string => Array.from({ length: count }, word).join(' ')
  const lines: string[] = []
  for (let bytes = 0; bytes < bodyBytes; ) {
    const line = words(10)
    lines.push(line)
    bytes += line.length + 2
  }
  if (number % rareEvery === 0) lines.push(`And a word that is rare: ${rareWord}.`)
  const sender = `${word()}.${word()}@example.org`
  return Buffer.from(
    [
      `From: ${word()} ${word()} <${sender}>`,
      'To: Anna <user0@example.test>',
      `Subject: ${words(5)}`,
      `Date: Mon, 2 Nov 2026 10:${String(number % 60).padStart(2, '0')}:00 +0000`,
      `Message-ID: <${number}.bench@example.org>`,
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      '',
      ...lines,
      '',
    ].join('\r\n'),
  )
}

/** mulberry32 */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
