// The house of the IMAP transcripts: who lives there, and what is in the mailboxes. Its services answer at once or later; the
// dialogue must be the same.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { resolveRanges, type SequenceSet } from '../../src/imap/grammar/sequence-set.ts'
import { codes } from '../../src/imap/responses/codes.ts'
import type { FetchItem } from '../../src/imap/responses/fetch.ts'
import type {
  AccountMailboxes,
  AppendTarget,
  FetchedMessage,
  MailboxChange,
  Refusal,
  SelectedMailbox,
} from '../../src/imap/server/mailbox-services.ts'
import type { RefusedLogIn, SessionServices } from '../../src/imap/server/services.ts'
import type { MaybePromise } from '../../src/runtime/maybe-promise.ts'
import { deriveScramCredential } from '../../src/sasl/scram-keys.ts'

/** Whether the services answer in the same turn or in a later one. */
export type Tempo = 'at-once' | 'later'

export interface House {
  readonly services: SessionServices
  /** Messages that were appended, one line each. */
  readonly accepted: readonly string[]
  readonly refused: readonly RefusedLogIn[]
  /** Targets, mailboxes and accounts that are open, or were closed twice: has to be 0 in the end. */
  readonly open: () => number
  /** A message has come for everybody who has selected INBOX. */
  deliver(): void
}

const password = 'secret'
const account = { id: 1, address: 'anna@example.test' }

export interface HouseOptions {
  readonly tempo?: Tempo
  /** Of each message in INBOX, which has three. */
  readonly message?: () => AsyncIterable<Uint8Array>
  readonly messageSize?: number
  readonly messages?: number
  readonly appendWrite?: (octets: Uint8Array) => MaybePromise<void>
}

export function createHouse({
  tempo = 'at-once',
  message,
  messageSize = 5,
  messages = 3,
  appendWrite,
}: HouseOptions = {}): House {
  const accepted: string[] = []
  const refused: RefusedLogIn[] = []
  const selected = new Set<(change: MailboxChange) => void>()
  let exists = messages
  let open = 0
  const at = <T>(answer: () => T): MaybePromise<T> =>
    tempo === 'at-once' ? answer() : nextTurn().then(answer)

  const append = (mailbox: string): AppendTarget | Refusal => {
    if (mailbox === 'fault') throw new Error('a fault that the transcript wants')
    if (mailbox !== 'INBOX' && mailbox !== 'Входящие')
      return { refused: 'There is no such mailbox', code: codes.tryCreate }
    open++
    const lines: string[] = []
    let parts: string[] = []
    let about = ''
    return {
      begin: ({ flags, internalDate, utf8 }, size) =>
        at(() => {
          if (flags.includes('$Refused')) return { refused: 'The mailbox is full', code: codes.overQuota }
          const date = internalDate === undefined ? '' : ` date=${new Date(internalDate).toISOString()}`
          about = `${mailbox} flags=${flags.join('+')}${date}${utf8 ? ' utf8' : ''} announced=${size}`
          parts = []
          return undefined
        }),
      appendUrl: url =>
        at(() => {
          if (!url.startsWith('/INBOX')) return { refused: 'There is no such part', code: codes.badUrl(url) }
          parts.push(`<${url}>`)
          return undefined
        }),
      write: octets =>
        appendWrite
          ? appendWrite(octets)
          : at(() => {
              // BEL
              if (octets.includes(7)) throw new Error('a fault that the transcript wants')
              parts.push(Buffer.from(octets).toString('latin1'))
            }),
      end: () =>
        at(() => {
          lines.push(`${about} ${JSON.stringify(Buffer.from(parts.join(''), 'latin1').toString())}`)
          return undefined
        }),
      commit: () =>
        at(() => {
          open--
          accepted.push(...lines)
          return {
            uidValidity: 7,
            uids: [{ first: accepted.length - lines.length + 1, last: accepted.length }],
          }
        }),
      abort() {
        open--
      },
    }
  }

  const select = (name: string, access: 'read-write' | 'read-only'): SelectedMailbox | Refusal => {
    if (name !== 'INBOX') return { refused: 'There is no such mailbox', code: codes.nonExistent }
    open++
    let waiting: MailboxChange[] = []
    let wake = (): void => {}
    const hear = (change: MailboxChange): void => {
      waiting.push(change)
      wake()
    }
    selected.add(hear)
    return {
      facts: {
        access,
        exists,
        uidValidity: 7,
        uidNext: exists + 1,
        highestModSeq: 12,
        firstUnseen: 2,
        flags: ['\\Seen', '\\Deleted'],
        permanentFlags: ['\\Seen', '\\*'],
        mailboxId: 'F1',
      },
      fetch: request => fetch(request.set, exists),
      store: () => ({ refused: 'not in this house' }),
      search: () => ({ refused: 'not in this house' }),
      sort: () => ({ refused: 'not in this house' }),
      thread: () => ({ refused: 'not in this house' }),
      copy: () => ({ refused: 'not in this house' }),
      expunge: () => at(() => undefined),
      save() {},
      takeChanges: scope =>
        at(() => {
          const taken = waiting.filter(({ kind }) => scope === 'all' || kind !== 'expunged')
          waiting = waiting.filter(change => !taken.includes(change))
          return taken
        }),
      onChange(listener) {
        wake = listener
      },
      release() {
        selected.delete(hear)
        open--
      },
    }
  }

  async function* fetch(set: SequenceSet, count: number): AsyncGenerator<readonly FetchedMessage[]> {
    const ranges = set.kind === 'ranges' ? resolveRanges(set.ranges, count) : []
    open++
    try {
      for (const { first, last } of ranges)
        for (let sequence = first; sequence <= Math.min(last, count); sequence++) {
          await at(() => {})
          const items: readonly FetchItem[] = [
            { kind: 'UID', value: sequence },
            {
              kind: 'BODY[]',
              section: { part: [], text: { kind: 'all' } },
              partial: undefined,
              octets: {
                size: messageSize,
                content: message ? message() : Buffer.from('a'.repeat(messageSize)),
              },
            },
          ]
          yield [{ sequence, uid: sequence, items }]
        }
    } finally {
      open--
    }
  }

  const mailboxes = (): AccountMailboxes => {
    open++
    return {
      namespaces: { personal: [''], otherUsers: [], shared: [] },
      async *list() {},
      status: () => ({ refused: 'not in this house' }),
      create: () => ({ refused: 'not in this house' }),
      delete: () => ({ refused: 'not in this house' }),
      rename: () => ({ refused: 'not in this house' }),
      setSubscribed: () => ({ refused: 'not in this house' }),
      select: (name, { access }) => at(() => select(name, access)),
      append: mailbox => at(() => append(mailbox)),
      close() {
        open--
      },
    }
  }

  const services: SessionServices = {
    connect: () => at(() => undefined),
    async authenticate(_client, name, given) {
      await at(() => {})
      if (name === 'fault') throw new Error('a fault that the transcript wants')
      return name === account.address && given === password ? account : undefined
    },
    async openScram() {
      const credential = await deriveScramCredential('SHA-256', password, {
        salt: Buffer.from('salt'),
        iterations: 4096,
      })
      return { ...credential, keys: [credential], settle: async keys => keys && account }
    },
    openMailboxes: () => at(mailboxes),
    loginRefused(_client, refusal) {
      refused.push(refusal)
    },
  }
  return {
    services,
    accepted,
    refused,
    open: () => open,
    deliver() {
      exists++
      for (const hear of selected) hear({ kind: 'exists', count: exists })
    },
  }
}
