// The house of the IMAP transcripts: who lives there, and what is in the mailboxes. Its services answer at once or later; the
// dialogue must be the same.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ReplacedMessage } from '../../src/imap/grammar/commands/append.ts'
import type { FetchAttribute } from '../../src/imap/grammar/commands/fetch.ts'
import { resolveRanges, type SequenceSet } from '../../src/imap/grammar/sequence-set.ts'
import { codes } from '../../src/imap/responses/codes.ts'
import type { FetchItem } from '../../src/imap/responses/fetch.ts'
import { toRanges } from '../../src/imap/responses/number-set.ts'
import type {
  AccountNews,
  AppendTarget,
  FetchedMessage,
  MailboxChange,
  Refusal,
  SelectedMailbox,
  SelectTerms,
  SessionMailboxes,
} from '../../src/imap/server/mailbox-services.ts'
import type { SessionServices } from '../../src/imap/server/services.ts'
import type { MaybePromise } from '../../src/runtime/maybe-promise.ts'
import type { RefusedLogIn } from '../../src/sasl/log-in-services.ts'
import { deriveScramCredential } from '../../src/sasl/scram-keys.ts'
import type { Tempo } from '../transcripts/transcript.ts'

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

const missing: Refusal = { refused: 'There is no such mailbox', code: codes.nonExistent }
const quotaRoot = {
  name: '',
  resources: [
    { name: 'STORAGE', used: 10, limit: 512 },
    { name: 'MESSAGE', used: 3, limit: 100 },
  ],
}
const password = 'secret'
const account = { id: 1, address: 'anna@example.test' }

const urlStructure = {
  kind: 'leaf',
  type: 'text',
  subtype: 'plain',
  parameters: [],
  encoding: '7bit',
  header: { start: 0, end: 0 },
  body: { start: 0, end: 5 },
  lines: 1,
} as const

function numbersOf(set: SequenceSet, largest: number): readonly number[] {
  if (set.kind === 'saved') return []
  return resolveRanges(set.ranges, largest).flatMap(({ first, last }) =>
    Array.from({ length: Math.max(0, Math.min(last, largest) - first + 1) }, (_, index) => first + index),
  )
}

export interface HouseOptions {
  readonly tempo?: Tempo
  /** Of each message in INBOX, which has three. */
  readonly message?: () => AsyncIterable<Uint8Array>
  readonly messageSize?: number
  readonly messages?: number
  /** Waited for before changes are taken. */
  readonly whenTaking?: () => Promise<void>
  /** What a watch has to tell, in place of what it has usually. */
  readonly watched?: () => readonly AccountNews[]
  readonly appendWrite?: (octets: Uint8Array) => MaybePromise<void>
}

export function createHouse({
  tempo = 'at-once',
  message,
  messageSize = 5,
  messages = 3,
  whenTaking,
  watched,
  appendWrite,
}: HouseOptions = {}): House {
  const accepted: string[] = []
  const refused: RefusedLogIn[] = []
  const selected = new Set<(change: MailboxChange) => void>()
  let exists = messages
  let open = 0
  const at = <T>(answer: () => T): MaybePromise<T> =>
    tempo === 'at-once' ? answer() : nextTurn().then(answer)

  const append = (mailbox: string, replaces: ReplacedMessage | undefined): AppendTarget | Refusal => {
    if (mailbox === 'fault') throw new Error('a fault that the transcript wants')
    if (mailbox !== 'INBOX' && mailbox !== 'Входящие')
      return { refused: 'There is no such mailbox', code: codes.tryCreate }
    open++
    const lines: string[] = []
    let parts: string[] = []
    let about = ''
    let isText = false
    return {
      begin: ({ flags, internalDate, utf8 }, size) =>
        at(() => {
          if (flags.includes('$Refused')) return { refused: 'The mailbox is full', code: codes.overQuota }
          const date = internalDate === undefined ? '' : ` date=${new Date(internalDate).toISOString()}`
          about = `${mailbox} flags=${flags.join('+')}${date}${utf8 ? ' utf8' : ''} announced=${size}`
          isText = utf8
          parts = []
          return undefined
        }),
      expect(form) {
        if (form === 'literal8' && !isText) parts.push('~')
      },
      appendUrl: (url, maxBytes) =>
        at(() => {
          if (!url.startsWith('/INBOX')) return { refused: 'There is no such part', code: codes.badUrl(url) }
          const part = `<${url}>`
          if (part.length > maxBytes) return { refused: 'The message would be too large', code: codes.tooBig }
          parts.push(part)
          return { size: part.length }
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
          if (replaces && replaces.number !== '*')
            for (const hear of selected) {
              hear({ kind: 'exists', count: exists + 1 })
              hear({
                kind: 'expunged',
                sequences: [replaces.number],
                uids: toRanges([replaces.number]),
              })
            }
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

  const select = (name: string, { access, quickResync }: SelectTerms): SelectedMailbox | Refusal => {
    if (name !== 'INBOX') return { refused: 'There is no such mailbox', code: codes.nonExistent }
    open++
    let waiting: MailboxChange[] = []
    let wake = (): void => {}
    const hear = (change: MailboxChange): void => {
      waiting.push(change)
      wake()
    }
    selected.add(hear)
    const lose = (uids: readonly number[]): void => {
      if (uids.length === 0) return
      // Each counts after those before it have gone.
      const sequences = uids.map((uid, index) => uid - index)
      hear({ kind: 'expunged', sequences, uids: toRanges(uids) })
    }
    return {
      facts: {
        access,
        exists,
        recent: 0,
        uidValidity: 7,
        uidNext: exists + 1,
        highestModSeq: 12,
        firstUnseen: 2,
        flags: ['\\Seen', '\\Deleted'],
        permanentFlags: ['\\Seen', '\\*'],
        mailboxId: 'F1',
      },
      highestModSeq: 12,
      fetch: ({ set, attributes }) => fetch(set, exists, attributes),
      resync: quickResync && {
        vanished: [{ first: 41, last: 43 }],
        async *changed() {
          yield [{ sequence: 1, uid: 1, items: [{ kind: 'FLAGS', flags: ['\\Seen'] }] }]
        },
      },
      vanishedSince: () => at(() => [{ first: 8, last: 9 }]),
      store: ({ set, flags, silent, unchangedSince }) =>
        at(() => {
          if (flags.includes('$Refused')) return { refused: 'No more keywords', code: codes.limit }
          for (const sequence of numbersOf(set, exists))
            if (!silent) hear({ kind: 'flags', sequence, uid: sequence, flags, modSeq: 13 })
          return { modified: unchangedSince === undefined ? [] : [{ first: 2, last: 3 }] }
        }),
      search: ({ key, saves }) =>
        at(() =>
          key.kind === 'text'
            ? { refused: 'No text is searched here' }
            : {
                numbers: key.kind === 'flag' ? [] : saves === undefined ? [1, 2, 3, 5] : [2],
                modSeqs: [12],
              },
        ),
      sort: () => at(() => ({ numbers: [3, 1, 2], modSeqs: [12, 11, 10] })),
      thread: () => at(() => [{ number: 1, answers: [{ number: 2, answers: [] }] }]),
      copy: ({ verb, set, mailbox }) =>
        at(() => {
          if (mailbox !== 'Trash') return { refused: 'There is no such mailbox', code: codes.tryCreate }
          const from = numbersOf(set, exists)
          if (verb === 'MOVE') lose(from)
          return { uidValidity: 9, from: toRanges(from), to: toRanges(from.map(uid => uid + 70)) }
        }),
      expunge: set =>
        at(() => {
          lose(set ? numbersOf(set, exists) : [2])
          return undefined
        }),
      takeChanges(scope) {
        const take = (): readonly MailboxChange[] => {
          const taken = waiting.filter(({ kind }) => scope === 'all' || kind !== 'expunged')
          waiting = waiting.filter(change => !taken.includes(change))
          return taken
        }
        return whenTaking ? whenTaking().then(take) : at(take)
      },
      onChange(listener) {
        wake = listener
      },
      release() {
        selected.delete(hear)
        open--
      },
    }
  }

  async function* fetch(
    set: SequenceSet,
    count: number,
    attributes: readonly FetchAttribute[],
  ): AsyncGenerator<readonly FetchedMessage[]> {
    // Nobody can decode anything here.
    const undecodable = attributes.flatMap((attribute): readonly FetchItem[] =>
      attribute.kind === 'BINARY[]' ? [{ ...attribute, octets: null, isUndecodable: true }] : [],
    )
    const ranges = set.kind === 'ranges' ? resolveRanges(set.ranges, count) : []
    open++
    try {
      for (const { first, last } of ranges)
        for (let sequence = first; sequence <= Math.min(last, count); sequence++) {
          await at(() => {})
          const items: readonly FetchItem[] = [
            { kind: 'UID', value: sequence },
            ...undecodable,
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

  const mailboxes = (): SessionMailboxes => {
    open++
    return {
      namespaces: { personal: [''], otherUsers: [], shared: [] },
      async *list({ returns, patterns, selection }) {
        await at(() => {})
        const subscribed = selection.includes('SUBSCRIBED') ? ['\\Subscribed'] : []
        const status = returns?.status && new Map(returns.status.map(item => [item, 3] as const))
        const rights = returns?.myRights === true ? 'lrs' : undefined
        yield [{ mailbox: { name: 'INBOX', attributes: ['\\HasNoChildren', ...subscribed] }, status, rights }]
        if (patterns.includes('*'))
          yield [{ mailbox: { name: 'Входящие', attributes: ['\\Noselect'] }, status: undefined }]
      },
      status: (mailbox, items) =>
        at(() => (mailbox === 'INBOX' ? new Map(items.map(item => [item, 3] as const)) : missing)),
      create: ({ mailbox, specialUse }) =>
        at(() => {
          if (mailbox === 'INBOX') return { refused: 'It is there already', code: codes.alreadyExists }
          if (specialUse.includes('\\New')) return { refused: 'No such use', code: codes.useAttribute }
          return { mailboxId: 'F2' }
        }),
      quotaRoots: mailbox => at(() => (mailbox === 'Nowhere' ? [] : [quotaRoot])),
      quotaRoot: name => at(() => (name === '' ? quotaRoot : missing)),
      delete: mailbox => at(() => (mailbox === 'Trash' ? undefined : missing)),
      rename: (mailbox, newName) =>
        at(() => (mailbox === 'Trash' && newName === 'Bin' ? undefined : missing)),
      setSubscribed: (mailbox, subscription) =>
        at(() => (mailbox === 'Trash' && subscription === 'subscribed' ? undefined : missing)),
      select: (name, terms) => at(() => select(name, terms)),
      append: (mailbox, replaces) => at(() => append(mailbox, replaces)),
      acl: {
        list: mailbox =>
          at(() =>
            mailbox === 'INBOX'
              ? new Map([
                  ['anna@example.test', 'lrswipkxteacd'],
                  ['-anyone', 'w'],
                ])
              : missing,
          ),
        change: ({ identifier, action, rights }) =>
          at(() =>
            identifier === 'boris'
              ? undefined
              : { refused: `No ${action} of ${rights} for ${identifier}`, code: codes.cannot },
          ),
        remove: (_mailbox, identifier) => at(() => (identifier === 'boris' ? undefined : missing)),
        grantable: mailbox =>
          at(() => (mailbox === 'INBOX' ? { required: 'l', optional: ['r', 's'] } : missing)),
        mine: mailbox => at(() => (mailbox === 'INBOX' ? 'lrs' : missing)),
      },
      metadata: {
        get: ({ entries, maxSize }) =>
          at(() => ({
            async *entries() {
              await at(() => {})
              yield new Map(
                entries.map((name, index) => [
                  name,
                  index === 0 ? Buffer.from(`of ${name}`) : index === 1 ? Buffer.from('a\r\nb') : null,
                ]),
              )
            },
            longest: maxSize === undefined ? undefined : 2199,
          })),
        set: ({ mailbox, entries }) =>
          at(() => {
            if (mailbox === '') return { refused: 'Not yours', code: codes.noPermission }
            const value = entries.get('/private/comment')
            return value && value.length > 5
              ? { refused: 'This is too long', code: codes.metadataMaxSize(5) }
              : undefined
          }),
      },
      watch: ({ groups, status }) =>
        at(() => {
          if (groups.some(({ filter }) => filter.kind === 'subscribed'))
            return { refused: 'That is too much', code: codes.notificationOverflow }
          open++
          let news: readonly AccountNews[] = [
            { kind: 'listed', mailbox: { name: 'Новое', attributes: ['\\Subscribed'], oldName: 'Старое' } },
            { kind: 'metadata', mailbox: 'INBOX', names: ['/shared/comment'] },
          ]
          return {
            initial: () =>
              status ? [{ kind: 'status', mailbox: 'Trash', values: new Map([['MESSAGES', 2]]) }] : [],
            take: () =>
              at(() => {
                const taken = watched?.() ?? news
                news = [{ kind: 'overflow' }]
                return taken
              }),
            close() {
              open--
            },
          }
        }),
      authorizeUrl: url =>
        at(() =>
          url.includes('/INBOX') ? { url: `${url}:INTERNAL:01ab` } : { refused: 'There is no such mailbox' },
        ),
      resetUrlKeys: mailbox => at(() => (mailbox === undefined || mailbox === 'INBOX' ? undefined : missing)),
      fetchUrl: (url, { content, structure }) =>
        at(() =>
          url.includes('/INBOX')
            ? {
                structure: structure ? urlStructure : undefined,
                content: content && { form: content, octets: { size: 5, content: Buffer.from('hello') } },
              }
            : undefined,
        ),
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
