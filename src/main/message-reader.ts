// Reads what has come into mailboxes, once: its structure, so that no session has to (docs/adr/0031), and its words, so that searches
// find it (docs/adr/0035).
import { setImmediate as turn } from 'node:timers/promises'
import { collectTerms } from '../mail-access/read-words.ts'
import { restoreReadings } from '../mailbox/lost-readings.ts'
import { findWantedReadings, keepReadings } from '../mailbox/message-readings.ts'
import type { KeptWords } from '../mailbox/message-words.ts'
import { type KeptStructure, structureToKeep } from '../mailbox/structures.ts'
import { StructureReader } from '../message/structure/read-structure.ts'
import { TextReader } from '../message/structure/read-text.ts'
import type { MessageStructure } from '../message/structure/structure.ts'
import { firstQueueIdAt } from '../queue/queue-id.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { oneAtATime } from '../runtime/one-at-a-time.ts'
import { textOfHtml } from '../screening/html-text.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { StorageFault } from '../storage/storage-fault.ts'

export interface MessageReaderOptions {
  readonly storage: Pick<Storage, 'run' | 'onWake'>
  readonly mailData: Pick<MailDataStore, 'read'>
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly log: Log
}

/** Of one write, which others wait for. */
const messagesAtATime = 64
const wordCharactersAtATime = 200_000
/** What is told of so much can be ten times as large, and the messages of a write are in memory together. */
const headerBytesAtATime = 2 * 1024 * 1024
/** As long as servers of two versions are together. */
const lookBackMs = 7 * 24 * 3_600_000
/** So many new messages between two steps of words are a load, in which words have time. */
const loadMessages = 8
/** Of a load, what comes in meanwhile is read together: a write for every few messages is what others wait for. */
const togetherMs = 25
/** How long words rest after a step, by the time that it took: others come first, above all while mail comes in. */
const restShare = { calm: 1, load: 4 } as const

export interface MessageReader {
  /** Resolves when nothing is left to be read. Rejects with a StorageFault. */
  look(): Promise<void>
  start(): void
  stop(): Promise<void>
}

export function createMessageReader({ storage, mailData, clock, log }: MessageReaderOptions): MessageReader {
  const trouble = new LastingTrouble(log, {
    begins:
      'new messages in mailboxes are not looked into: mail programs are answered more slowly, searches above all',
    ends: 'new messages in mailboxes are looked into again',
  })
  const state = { isStopped: false, isWoken: false, hasLookedBack: false, newsEndRest: false }
  let looking = Promise.resolve()
  let endRest: (() => void) | undefined
  /** Until then words rest. */
  let wordsFrom = 0
  /** Read since the last step of words. */
  let newMessages = 0

  const read = async (
    ids: readonly number[],
    isFor: { structures: boolean; words: boolean },
  ): Promise<void> => {
    const structures: KeptStructure[] = []
    const words: KeptWords[] = []
    let [characters, headerBytes] = [0, 0]
    for (const mailDataId of ids) {
      const found = await readIfWhole(mailData, mailDataId, isFor)
      if (isFor.structures) structures.push(structureToKeep(mailDataId, found?.structure))
      if (isFor.words) words.push({ mailDataId, words: found?.words ?? '' })
      characters += found?.words?.length ?? 0
      headerBytes += found?.headerBytes ?? 0
      if (characters > wordCharactersAtATime || headerBytes > headerBytesAtATime || state.isStopped) break
      await turn()
    }
    await storage.run(keepReadings, { structures, words })
  }
  const readWords = async (ids: readonly number[], isNew: boolean): Promise<void> => {
    const begun = clock.now()
    await read(ids, { structures: isNew, words: true })
    const tookMs = clock.now() - begun
    wordsFrom = begun + tookMs + tookMs * (newMessages >= loadMessages ? restShare.load : restShare.calm)
    newMessages = 0
  }
  /** Which of what is wanted is next. What is new has one reading for both, unless there is much of it. */
  const step = async (): Promise<'done' | 'load' | 'rest' | 'nothing'> => {
    const { structures, words } = await storage.run(findWantedReadings, { limit: messagesAtATime })
    newMessages += structures.length
    const mayReadWords = clock.now() >= wordsFrom
    if (structures.length > 0) {
      if (mayReadWords && structures.length < loadMessages) await readWords(structures, true)
      else await read(structures, { structures: true, words: false })
      return newMessages >= loadMessages && structures.length < messagesAtATime ? 'load' : 'done'
    }
    if (words.length === 0) return 'nothing'
    if (!mayReadWords) return 'rest'
    await readWords(words, false)
    return 'done'
  }
  const rest = (ms: number, until: 'end' | 'news'): Promise<void> =>
    new Promise(resolve => {
      state.newsEndRest = until === 'news'
      const timer = clock.after(ms, () => endRest?.())
      endRest = () => {
        timer.cancel()
        endRest = undefined
        resolve()
      }
    })
  const readAll = async (): Promise<void> => {
    while (!state.isStopped) {
      const done = await step()
      if (done === 'nothing') return
      if (done === 'rest') await rest(wordsFrom - clock.now(), 'news')
      else if (done === 'load') await rest(togetherMs, 'end')
    }
  }
  /** What a server of an older version has filed, beside which this one was started (docs/adr/0010). */
  const lookBack = async (): Promise<void> => {
    if (state.hasLookedBack) return
    await restoreReadings(storage, 'words', { after: firstQueueIdAt(clock.now() - lookBackMs) })
    state.hasLookedBack = true
  }
  const guarded = async (): Promise<void> => {
    try {
      await lookBack()
      while (state.isWoken) {
        state.isWoken = false
        await readAll()
      }
      trouble.over()
    } catch (cause) {
      if (!state.isStopped) trouble.hit(cause)
    }
  }
  const begin = oneAtATime(() => {
    looking = guarded()
    return looking
  })
  const wake = (): void => {
    state.isWoken = true
    if (state.newsEndRest) endRest?.()
    begin()
  }
  return {
    async look() {
      for (;;) {
        wordsFrom = 0
        if ((await step()) === 'nothing') return
      }
    },
    start() {
      storage.onWake('mailbox', wake)
      wake()
    },
    async stop() {
      state.isStopped = true
      endRest?.()
      await looking
    },
  }
}

interface ReadMessage {
  readonly headerBytes: number
  readonly structure: MessageStructure | undefined
  readonly words: string | undefined
}

/** undefined: it is damaged, which verify says. */
async function readIfWhole(
  mailData: Pick<MailDataStore, 'read'>,
  mailDataId: number,
  isFor: { readonly structures: boolean; readonly words: boolean },
): Promise<ReadMessage | undefined> {
  const structure = isFor.structures ? new StructureReader() : undefined
  const text = isFor.words ? new TextReader(html => textOfHtml(html).text) : undefined
  try {
    for await (const piece of mailData.read(mailDataId)) {
      structure?.take(piece)
      text?.take(piece)
    }
  } catch (cause) {
    if (cause instanceof StorageFault && cause.code === 'STORAGE_DAMAGED') return undefined
    throw cause
  }
  return {
    structure: structure?.finish(),
    headerBytes: structure?.headerBytes ?? 0,
    words: text && (await collectTerms(text.finish())),
  }
}
