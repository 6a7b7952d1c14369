// Replies that are known word for word, as the big receivers, filters and programs give them: what each means, and what an
// administrator does about it. They come before what can be concluded from codes and general words (classify-reply.ts).
import type { NextStep, ReportCause } from '../../bounce/report.ts'
import type { Reply } from '../../smtp/reply.ts'
import type { DeliveryStage } from '../outcome.ts'
import { americanReplies } from './known-replies/america.ts'
import { appleReplies } from './known-replies/apple.ts'
import { asianReplies } from './known-replies/asia.ts'
import { europeanReplies } from './known-replies/europe.ts'
import { filterReplies } from './known-replies/filters.ts'
import { googleReplies } from './known-replies/google.ts'
import { hostingReplies } from './known-replies/hosting.ts'
import { microsoftReplies } from './known-replies/microsoft.ts'
import { programReplies } from './known-replies/programs.ts'
import { russianReplies } from './known-replies/russia.ts'
import { yahooReplies } from './known-replies/yahoo.ts'
import type { ProviderKey } from './provider-key.ts'
import { findProvider } from './providers.ts'
import type { DeliveryClass } from './reply-class.ts'

export interface KnownReply {
  /** Whose words these are; absent for those of a program that anybody may run. */
  readonly provider?: ProviderKey
  /** The words are too common to tell who speaks: only from a host of the provider. */
  readonly fromItsHosts?: true
  /** The first digit of the code. */
  readonly code?: 4 | 5
  /**
   * Words as they stand in the reply, in lower case and parted by single blanks, without punctuation and addresses; links
   * and codes are taken apart ('5 7 26'). ' … ' stands for anything between; a * at the end of a part for any end of its
   * last word.
   */
  readonly words: string
  /** Not where one of these stands as well: that is another matter. */
  readonly except?: readonly string[]
  readonly class: DeliveryClass
  readonly cause: ReportCause
  readonly step: NextStep
  /** Where the step is done, if that is not the provider's postmaster page. */
  readonly page?: string
  /** The reply as it was met, and where that can be read. */
  readonly seen: readonly Sighting[]
}

export interface Sighting {
  readonly reply: string
  readonly source: string
}

/** In the order in which they are looked through: the first that fits. */
export const knownReplies: readonly KnownReply[] = [
  ...googleReplies,
  ...microsoftReplies,
  ...yahooReplies,
  ...appleReplies,
  ...russianReplies,
  ...europeanReplies,
  ...americanReplies,
  ...asianReplies,
  ...hostingReplies,
  ...filterReplies,
  ...programReplies,
]

interface Pattern {
  readonly known: KnownReply
  /** To be found one behind the other. */
  readonly parts: readonly string[]
  readonly except: readonly string[]
}

const patterns: readonly Pattern[] = knownReplies.map(known => ({
  known,
  parts: known.words.split(' … ').map(toSought),
  except: known.except?.map(toSought) ?? [],
}))

function toSought(words: string): string {
  return words.endsWith('*') ? ` ${words.slice(0, -1)}` : ` ${words} `
}

const patternsByClass: Readonly<Record<4 | 5, readonly Pattern[]>> = {
  4: patterns.filter(({ known }) => known.code !== 5),
  5: patterns.filter(({ known }) => known.code !== 4),
}

/** `host`: the name of the mail host that said it, as DNS has it. */
export function findKnownReply(
  host: string | undefined,
  reply: Reply,
  stage: DeliveryStage,
): KnownReply | undefined {
  // In a reply to AUTH it is us who are unknown.
  if (stage === 'auth') return undefined
  const provider = host === undefined ? undefined : findProvider(host)?.key
  const text = wordsOf(reply)
  return patternsByClass[reply.code >= 500 ? 5 : 4].find(
    ({ known, parts, except }) =>
      (known.fromItsHosts !== true || known.provider === provider) &&
      hasInOrder(text, parts) &&
      !except.some(words => text.includes(words)),
  )?.known
}

/** One pass over the text, whatever the parts are. */
function hasInOrder(text: string, parts: readonly string[]): boolean {
  let from = 0
  for (const part of parts) {
    const at = text.indexOf(part, from)
    if (at < 0) return false
    // The blank behind a part may be the one before the next.
    from = at + Math.max(part.length - 1, 1)
  }
  return true
}

const maxTextLength = 1000

/** Lower-case words, a blank on both sides of each; enhanced code, links and names of hosts too, but no addresses. */
function wordsOf({ enhanced, lines }: Reply): string {
  const text = lines.join(' ').slice(0, maxTextLength)
  const tokens = text
    .toLowerCase()
    .split(' ')
    .filter(token => !token.includes('@') || token.includes('://'))
  return ` ${[enhanced ?? '', ...tokens]
    .join(' ')
    .replaceAll(/['’]/g, '')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()} `
}
