// What became of the messages of a ledger: counted by their tokens where they have arrived, and compared with what was sent.
import { type Ledger, type Promised, type SentMessage, textOf, tokenField } from './ledger-load.ts'

export interface Reckoning {
  /** Messages answered with 250. */
  readonly promised: number
  /** Of these, those that are nowhere: must be none. */
  readonly lost: readonly Promised[]
  /** Answered with 250, and somewhere otherwise than it was sent: must be none. */
  readonly damaged: readonly Promised[]
  /** Answered with 250, and in a mailbox of ours more than once: must be none. */
  readonly doubledHere: readonly Promised[]
  /** Delivered to the remote server more than once. */
  readonly doubledRemotely: readonly Promised[]
  /** Of one message at the remote server. */
  readonly mostCopies: number
  /** Cut off before the answer, and there all the same: the sender would send these again. */
  readonly unansweredKept: number
  readonly unanswered: number
}

/** What has arrived in one place, by its tokens. */
class Arrivals {
  readonly #sent: ReadonlyMap<string, SentMessage>
  readonly #counts = new Map<string, number>()
  readonly damaged = new Set<string>()

  constructor({ promised, unanswered }: Ledger) {
    this.#sent = new Map([...promised, ...unanswered].map(message => [message.token, message]))
  }

  /** Before what was sent there are trace fields. */
  add(arrived: string): void {
    const token = tokenOf(arrived)
    this.#counts.set(token, (this.#counts.get(token) ?? 0) + 1)
    const sent = this.#sent.get(token)
    if (!sent || !arrived.endsWith(textOf(sent))) this.damaged.add(token)
  }

  count(token: string): number {
    return this.#counts.get(token) ?? 0
  }
}

/** Which of the messages of a ledger this is. */
export function tokenOf(message: string): string {
  const start = message.indexOf(tokenField) + tokenField.length
  return message.slice(start, message.indexOf('\r\n', start))
}

/** What a sink took, as it was sent: without the dots that double those at the start of a line (RFC 5321 §4.5.2). */
function unstuff(stuffed: string): string {
  return `${stuffed.replaceAll('\r\n..', '\r\n.')}\r\n`
}

function compareWithLedger(
  ledger: Ledger,
  {
    here,
    remotely,
    isRemote,
  }: {
    readonly here: Arrivals
    readonly remotely: Arrivals
    readonly isRemote: (message: SentMessage) => boolean
  },
): Reckoning {
  const placeOf = (message: SentMessage): Arrivals => (isRemote(message) ? remotely : here)
  const countOf = (message: SentMessage): number => placeOf(message).count(message.token)
  const doubled = ledger.promised.filter(message => countOf(message) > 1)
  return {
    promised: ledger.promised.length,
    lost: ledger.promised.filter(message => countOf(message) === 0),
    damaged: ledger.promised.filter(message => placeOf(message).damaged.has(message.token)),
    doubledHere: doubled.filter(message => !isRemote(message)),
    doubledRemotely: doubled.filter(isRemote),
    mostCopies: Math.max(0, ...ledger.promised.map(countOf)),
    unanswered: ledger.unanswered.length,
    unansweredKept: ledger.unanswered.filter(message => countOf(message) > 0).length,
  }
}

/** Of all that has arrived: what is in mailboxes here, and what a sink took for everybody else. */
export async function reckonArrivals(
  ledger: Ledger,
  { here, taken, localReceivers }: Arrived,
): Promise<Reckoning> {
  const remotely = new Arrivals(ledger)
  for (const stuffed of taken) remotely.add(unstuff(stuffed))
  const inMailboxes = new Arrivals(ledger)
  for await (const text of here) inMailboxes.add(text)
  const isRemote = ({ recipient }: SentMessage): boolean => !localReceivers.includes(recipient)
  return compareWithLedger(ledger, { here: inMailboxes, remotely, isRemote })
}

export interface Arrived {
  readonly here: AsyncIterable<string>
  readonly taken: readonly string[]
  readonly localReceivers: readonly string[]
}

/** What a test fails for, in words. */
export function describeLosses({ promised, lost, damaged, doubledHere }: Reckoning): string[] {
  return [
    ...(promised === 0 ? ['nothing was answered 250'] : []),
    ...(lost.length > 0 ? ['mail was lost'] : []),
    ...(damaged.length > 0 ? ['mail was altered'] : []),
    ...(doubledHere.length > 0 ? ['mail is twice in a mailbox here'] : []),
  ]
}

/** For a person, a line for each count. */
export function formatReckoning(reckoning: Reckoning): string {
  const { promised, lost, damaged, doubledHere, doubledRemotely, mostCopies, unanswered, unansweredKept } =
    reckoning
  return `answered 250                                   ${promised}
  of these lost                                ${lost.length}
  of these otherwise than they were sent       ${damaged.length}
  of these more than once in a mailbox here    ${doubledHere.length}
  of these more than once at the remote server ${doubledRemotely.length}
  most copies of one message there             ${mostCopies}
cut off before the answer                      ${unanswered}
  of these kept                                ${unansweredKept}
`
}

/** What must not be, each message by its id; '' when there is nothing. */
export function formatLosses({ lost, damaged }: Reckoning): string {
  return [
    ...lost.map(({ token, queueId }) => `lost: ${queueId} (${token})\n`),
    ...damaged.map(({ token, queueId }) => `damaged: ${queueId} (${token})\n`),
  ].join('')
}
