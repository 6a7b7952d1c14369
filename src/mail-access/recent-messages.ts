// Of which messages this session is told that they are new (\Recent, RFC 3501 §2.3.2). IMAP4rev2 has done away with it.
import type { MessageNumbers } from '../mailbox/message-numbers.ts'
import type { UidRange } from '../mailbox/uid-ranges.ts'
import { flagNames } from './flag-names.ts'

interface Flagged {
  readonly uid: number
  readonly flags: number
  readonly keywords: readonly string[]
}

export class RecentMessages {
  readonly #ranges: { first: number; last: number }[] = []

  /** Behind those that it has. */
  add(range: UidRange | undefined): void {
    const open = this.#ranges.at(-1)
    if (!range) return
    if (open && range.first <= open.last + 1) open.last = Math.max(open.last, range.last)
    else this.#ranges.push({ ...range })
  }

  has(uid: number): boolean {
    return this.#ranges.some(({ first, last }) => uid >= first && uid <= last)
  }

  countIn(numbers: MessageNumbers): number {
    return this.#ranges.reduce((count, range) => count + numbers.countIn(range), 0)
  }

  flagNames({ uid, flags, keywords }: Flagged): readonly string[] {
    const names = flagNames(flags, keywords)
    return this.has(uid) ? [...names, '\\Recent'] : names
  }
}
