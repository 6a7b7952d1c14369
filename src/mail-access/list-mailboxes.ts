// Which mailboxes a LIST names, and what it says of each (RFC 9051 §6.3.9, RFC 5258).
import { setImmediate as turn } from 'node:timers/promises'
import type { ListCommand } from '../imap/grammar/commands/list.ts'
import type { ListedMailbox } from '../imap/responses/mailbox-data.ts'
import { delimiter } from '../mailbox/mailbox-names.ts'
import type { Mailbox, SpecialUse } from '../mailbox/mailbox-row.ts'
import type { Rights } from '../sharing/rights.ts'

/** A mailbox as an account may see it. */
export interface ListableMailbox {
  readonly mailbox: Mailbox
  /** Of its own, or with the prefix of other users. */
  readonly name: string
  readonly use: SpecialUse | undefined
  readonly rights: Rights
}

export interface MailboxNames {
  readonly mailboxes: readonly Pick<ListableMailbox, 'name' | 'use'>[]
  readonly subscriptions: readonly string[]
}

/** By name. */
export async function listNames(
  query: Omit<ListCommand, 'verb'>,
  known: MailboxNames,
): Promise<ListedMailbox[]> {
  const tree = new NameTree(known)
  const named = await findNamed(query, tree.names)
  const isNamed = (name: string): boolean => named.has(name)
  const selection = new Set(query.selection)
  const listed: ListedMailbox[] = []
  for (const name of tree.names) {
    if (!isNamed(name)) continue
    const isSubscribed = tree.isSubscribed(name)
    const isSelected =
      (!selection.has('SUBSCRIBED') || isSubscribed) &&
      (!selection.has('SPECIAL-USE') || tree.useOf(name) !== undefined)
    // RFC 5258 §3.5: for the sake of those that are not told themselves.
    const childInfo =
      selection.has('RECURSIVEMATCH') &&
      selection.has('SUBSCRIBED') &&
      tree.subscribedBelow(name).some(below => !isNamed(below))
        ? ['SUBSCRIBED']
        : undefined
    if (!isSelected && !childInfo) continue
    // What is no mailbox is told for the sake of what is below, or because it is subscribed to (RFC 5258 §3.4).
    if (!tree.isMailbox(name) && !tree.hasBelow(name) && !selection.has('SUBSCRIBED')) continue
    listed.push({ name, attributes: attributesOf(name, tree, query, isSubscribed), childInfo })
  }
  return listed
}

function attributesOf(
  name: string,
  tree: NameTree,
  { returns, selection }: Omit<ListCommand, 'verb'>,
  isSubscribed: boolean,
): readonly string[] {
  const use = tree.useOf(name)
  // RFC 5258 §3: the one says the other to whoever knows it.
  const missing = selection.length > 0 || returns ? ['\\NonExistent'] : ['\\NonExistent', '\\Noselect']
  return [
    ...(tree.isMailbox(name) ? [] : missing),
    tree.hasBelow(name) ? '\\HasChildren' : '\\HasNoChildren',
    ...(isSubscribed && (returns?.subscribed === true || selection.includes('SUBSCRIBED'))
      ? ['\\Subscribed']
      : []),
    ...(use === undefined ? [] : [`\\${use}`]),
  ]
}

/** So much is compared, characters of patterns with characters of names, until other sessions have their turn. */
const comparisonsOfTurn = 1_000_000

async function findNamed(
  { reference, patterns: written }: Pick<ListCommand, 'reference' | 'patterns'>,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const patterns = written.map(pattern => ({
    length: reference.length + pattern.length,
    matches: compilePattern(reference + pattern),
  }))
  const named = new Set<string>()
  let compared = 0
  for (const { length, matches } of patterns)
    for (const name of names) {
      if (!named.has(name) && matches(name)) named.add(name)
      compared += length * name.length
      if (compared < comparisonsOfTurn) continue
      compared = 0
      await turn()
    }
  return named
}

/** Names, with those levels above them that are no mailboxes. */
class NameTree {
  readonly names: readonly string[]
  readonly #mailboxes: ReadonlyMap<string, MailboxNames['mailboxes'][number]>
  readonly #subscriptions: ReadonlySet<string>
  readonly #above = new Set<string>()
  readonly #belowSubscribed = new Map<string, string[]>()

  constructor({ mailboxes, subscriptions }: MailboxNames) {
    this.#mailboxes = new Map(mailboxes.map(mailbox => [mailbox.name, mailbox]))
    this.#subscriptions = new Set(subscriptions)
    for (const { name } of mailboxes) for (const level of levelsAbove(name)) this.#above.add(level)
    for (const name of subscriptions)
      for (const level of levelsAbove(name)) {
        const below = this.#belowSubscribed.get(level)
        if (below) below.push(name)
        else this.#belowSubscribed.set(level, [name])
      }
    const names = new Set([
      'INBOX',
      ...this.#mailboxes.keys(),
      ...this.#above,
      ...this.#subscriptions,
      ...this.#belowSubscribed.keys(),
    ])
    this.names = [...names].sort()
  }

  /** INBOX is always there: it is made with the first message at the latest. */
  isMailbox(name: string): boolean {
    return name === 'INBOX' || this.#mailboxes.has(name)
  }

  isSubscribed(name: string): boolean {
    return this.#subscriptions.has(name)
  }

  hasBelow(name: string): boolean {
    return this.#above.has(name)
  }

  subscribedBelow(name: string): readonly string[] {
    return this.#belowSubscribed.get(name) ?? []
  }

  useOf(name: string): string | undefined {
    return this.#mailboxes.get(name)?.use
  }
}

export function levelsAbove(name: string): string[] {
  const levels = name.split(delimiter)
  return levels.slice(1).map((_, depth) => levels.slice(0, depth + 1).join(delimiter))
}

/**
 * `*` stands for anything, `%` for anything within a level. In time that grows with the product of both lengths, and not with
 * the number of ways to match: the places of the pattern that may be reached are kept.
 */
export function compilePattern(pattern: string): (name: string) => boolean {
  // Neighbouring stars are one.
  const parts = Array.from(pattern.replaceAll(/[*%]*\*[*%]*/g, '*').replaceAll(/%+/g, '%'))
  const literals = parts.filter(part => part !== '*' && part !== '%').length
  return name => {
    if (literals > name.length) return false
    let places = new Uint8Array(parts.length + 1)
    let next = new Uint8Array(parts.length + 1)
    places[0] = 1
    passStars(parts, places)
    for (const character of name) {
      next.fill(0)
      let isReached = false
      for (let place = 0; place < parts.length; place++) {
        if (places[place] === 0) continue
        const part = parts[place]
        if (part === character) next[place + 1] = 1
        else if (part === '*' || (part === '%' && character !== delimiter)) next[place] = 1
        else continue
        isReached = true
      }
      if (!isReached) return false
      passStars(parts, next)
      ;[places, next] = [next, places]
    }
    return places[parts.length] === 1
  }
}

/** A star may stand for nothing. */
function passStars(parts: readonly string[], places: Uint8Array): void {
  for (let place = 0; place < parts.length; place++)
    if (places[place] === 1 && (parts[place] === '*' || parts[place] === '%')) places[place + 1] = 1
}
