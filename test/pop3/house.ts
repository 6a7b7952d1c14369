// The house of the POP3 transcripts: who lives there, and what is in the maildrops. Its services answer at once or later; the
// dialogue must be the same.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Maildrop, MessageContent, Unreadable } from '../../src/pop3/server/maildrop-services.ts'
import type { SessionServices } from '../../src/pop3/server/services.ts'
import type { MaybePromise } from '../../src/runtime/maybe-promise.ts'
import type { AuthenticatedAccount, RefusedLogIn } from '../../src/sasl/log-in-services.ts'
import { deriveScramCredential } from '../../src/sasl/scram-keys.ts'
import type { Tempo } from '../transcripts/transcript.ts'

export interface House {
  readonly services: SessionServices
  /** What updates have done: 'deleted 1 3, seen 2'. */
  readonly updates: readonly string[]
  readonly refused: readonly RefusedLogIn[]
  /** Maildrops and messages that are open: has to be 0 in the end. */
  readonly open: () => number
}

export interface HouseOptions {
  readonly tempo?: Tempo
  /** Of anna's; default: those of the transcripts. */
  readonly messages?: readonly HouseMessage[]
  /** Waited for before a maildrop is opened. */
  readonly whenOpening?: () => Promise<void>
  /** Waited for before it is updated. */
  readonly whenUpdating?: () => Promise<void>
}

export interface HouseMessage {
  readonly size: number
  /** A string is read in two pieces; or it says why it cannot be read ('has-left'). */
  readonly text: string | (() => AsyncIterable<Uint8Array>)
}

const password = 'secret word'
const hello = 'Subject: hello\r\n\r\nHello\r\n.\r\n..two\r\nlast line\r\n'
const endless = 'Subject: no line end\r\n\r\nno line end'

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('Subject: broken\r\n')
  throw new Error('a fault that the transcript wants')
}

async function* inUtf8(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('Subject: привет\r\n\r\n')
}

const usual: readonly HouseMessage[] = [
  { size: hello.length, text: hello },
  { size: endless.length, text: endless },
  { size: 30, text: 'needs-utf8' },
  { size: 40, text: 'has-left' },
  { size: 50, text: broken },
]

/** Who they are, and what comes of it when they log in. */
const accounts: ReadonlyMap<string, AuthenticatedAccount> = new Map(
  ['anna', 'boris', 'clara', 'dora', 'emma', 'ivan'].map((name, index) => [
    `${name}@example.test`,
    { id: index + 1, address: `${name}@example.test`, ...(name === 'ivan' ? { language: 'ru' } : {}) },
  ]),
)

export function createHouse(options: HouseOptions = {}): House {
  const { tempo = 'at-once', messages = usual, whenOpening, whenUpdating } = options
  const updates: string[] = []
  const refused: RefusedLogIn[] = []
  let open = 0
  const at = <T>(answer: () => T): MaybePromise<T> =>
    tempo === 'at-once' ? answer() : nextTurn().then(answer)

  const read = (message: HouseMessage): MessageContent | Unreadable => {
    const { size, text } = message
    if (text === 'has-left' || text === 'needs-utf8') return text
    const pieces = typeof text === 'string' ? inTwo(text) : text()
    const octets = pieces[Symbol.asyncIterator]()
    let isOpen = true
    const close = (): void => {
      if (isOpen) open--
      isOpen = false
    }
    open++
    return {
      size,
      octets: {
        [Symbol.asyncIterator]: () => ({
          async next() {
            await at(() => {})
            return await octets.next()
          },
          async return() {
            close()
            await octets.return?.()
            return { done: true, value: undefined }
          },
        }),
      },
    }
  }

  const maildropOf = ({ address }: AuthenticatedAccount): Maildrop => {
    open++
    const own = address === 'anna@example.test' ? messages : usual
    const there = own.flatMap((message, index) =>
      message.text === 'has-left' ? [] : [{ message: index + 1, size: message.size }],
    )
    const find = (message: number) => there.find(one => one.message === message)
    let isOpen = true
    const close = (): void => {
      if (isOpen) open--
      isOpen = false
    }
    return {
      count: own.length,
      octets: own.reduce((sum, { size }) => sum + size, 0),
      sizeOf: message => at(() => find(message)?.size),
      uniqueIdOf: message => at(() => find(message) && `7.${message}`),
      async *sizes() {
        await at(() => {})
        yield there.slice(0, 2)
        yield there.slice(2)
      },
      async *uniqueIds() {
        await at(() => {})
        yield there.map(({ message }) => ({ message, uniqueId: `7.${message}` }))
      },
      open: (number, form) =>
        at(() => {
          const message = own[number - 1]
          if (!message) throw new Error(`no session asks for message ${number}`)
          if (message.text !== 'needs-utf8') return read(message)
          return form === 'ascii' ? message.text : read({ ...message, text: inUtf8 })
        }),
      async update({ deleted, retrieved }) {
        await whenUpdating?.()
        await at(() => {})
        close()
        if (address === 'dora@example.test') throw new Error('a fault that the transcript wants')
        if (address === 'emma@example.test') return 'lock-lost'
        updates.push(`deleted ${[...deleted].join(' ')}, seen ${[...retrieved].join(' ')}`)
        return 'updated'
      },
      close,
    }
  }

  const services: SessionServices = {
    connect: () => at(() => undefined),
    async authenticate(_client, name, given) {
      await at(() => {})
      if (name === 'fault') throw new Error('a fault that the transcript wants')
      if (name === 'away') return { refused: 'directory-down' }
      return given === password ? accounts.get(name) : undefined
    },
    async openScram() {
      const credential = await deriveScramCredential('SHA-256', password, {
        salt: Buffer.from('salt'),
        iterations: 4096,
      })
      return {
        ...credential,
        keys: [credential],
        settle: async keys => keys && accounts.get('anna@example.test'),
      }
    },
    async openMaildrop(_client, account) {
      await whenOpening?.()
      await at(() => {})
      if (account.address === 'clara@example.test') throw new Error('a fault that the transcript wants')
      return account.address === 'boris@example.test' ? 'in-use' : maildropOf(account)
    },
    loginRefused(_client, refusal) {
      refused.push(refusal)
    },
  }
  return { services, updates, refused, open: () => open }
}

async function* inTwo(text: string): AsyncGenerator<Uint8Array> {
  const octets = Buffer.from(text)
  const half = octets.length >>> 1
  yield octets.subarray(0, half)
  yield octets.subarray(half)
}
