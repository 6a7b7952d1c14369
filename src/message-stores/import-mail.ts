// Brings the mail of another message store into the mailboxes of an account: what has come before is passed over, and a message
// counts as brought when it is durable. Memory follows neither the size of a message nor their number.

import { LineEnds } from '../mail-access/line-ends.ts'
import { delimiter } from '../mailbox/mailbox-names.ts'
import type { Mailbox, OpenMailbox } from '../mailbox/mailbox-row.ts'
import {
  createMailbox,
  findMailbox,
  listMailboxes,
  subscribe,
  unsubscribe,
} from '../mailbox/name-operations.ts'
import type { Clock } from '../runtime/clock.ts'
import { UsageFault } from '../runtime/fault.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { type Choice, chooseMailboxes } from './choose-mailboxes.ts'
import {
  type ArrivingMail,
  findImported,
  findImportedFolder,
  importMessages,
  openImportedFolder,
} from './imported-mail.ts'
import {
  type MessageStore,
  type StoredFolder,
  type StoredMessage,
  UnreadableMessage,
} from './message-store.ts'
import { SameContent } from './same-content.ts'

export interface ImportParts {
  readonly storage: Pick<Storage, 'run'>
  readonly mailData: MailDataStore
  readonly clock: Clock
}

export interface ImportTerms {
  readonly accountId: number
  /** All of them go below this mailbox. */
  readonly below?: string | undefined
  /** Counts, and writes nothing. */
  readonly isDryRun: boolean
  readonly onProgress: (progress: ImportProgress) => void
  readonly isInterrupted: () => boolean
}

export interface ImportProgress {
  readonly folder: string
  /** Of all folders: brought, there already, or refused. */
  readonly done: number
  /** undefined: not all folders tell. */
  readonly of: number | undefined
  readonly bytes: number
}

export interface FolderReport {
  /** As the store names it. */
  readonly folder: string
  /** undefined: nothing of it can come, `problem` says why. */
  readonly mailbox: string | undefined
  /** In a dry run: would be. */
  readonly brought: number
  readonly alreadyThere: number
  readonly refused: number
  readonly problem?: string | undefined
}

export interface RefusedMessage {
  readonly folder: string
  readonly place: string
  readonly why: string
}

export interface ImportReport {
  readonly folders: readonly FolderReport[]
  /** The first ones: a store full of them must not fill memory. */
  readonly refused: readonly RefusedMessage[]
  readonly bytes: number
  readonly isInterrupted: boolean
}

/** Of one transaction: others who write wait for its end. */
const messagesOfBatch = 200
const bytesOfBatch = 2 * 1024 * 1024
const maxRefusedTold = 1000

export async function importMail(
  parts: ImportParts,
  store: MessageStore,
  folders: readonly StoredFolder[],
  terms: ImportTerms,
): Promise<ImportReport> {
  return await new Import(parts, store, terms).run(folders)
}

interface Counts {
  brought: number
  alreadyThere: number
  refused: number
}

class Import {
  readonly #parts: ImportParts
  readonly #store: MessageStore
  readonly #terms: ImportTerms
  readonly #refused: RefusedMessage[] = []
  #done = 0
  #bytes = 0
  #of: number | undefined

  constructor(parts: ImportParts, store: MessageStore, terms: ImportTerms) {
    this.#parts = parts
    this.#store = store
    this.#terms = terms
  }

  async run(folders: readonly StoredFolder[]): Promise<ImportReport> {
    const { accountId, below } = this.#terms
    const mailboxes = await this.#parts.storage.run(listMailboxes, { accountId })
    const choices = chooseMailboxes(folders, mailboxes, below?.split(delimiter))
    this.#of = folders.reduce<number | undefined>(
      (sum, { messages }) => (sum === undefined || messages === undefined ? undefined : sum + messages),
      0,
    )
    const reports: FolderReport[] = []
    for (const [at, folder] of folders.entries()) {
      const choice = choices[at]
      if (choice) reports.push(await this.#importFolder(folder, choice))
      if (this.#terms.isInterrupted()) break
    }
    if (!this.#terms.isDryRun) await this.#subscribe(folders, choices, mailboxes)
    const isInterrupted = this.#terms.isInterrupted()
    return { folders: reports, refused: this.#refused, bytes: this.#bytes, isInterrupted }
  }

  async #importFolder(folder: StoredFolder, choice: Choice): Promise<FolderReport> {
    const counts: Counts = { brought: 0, alreadyThere: 0, refused: 0 }
    if (choice.kind === 'no-name')
      return { folder: folder.name, mailbox: undefined, ...counts, problem: choice.why }
    const { storage } = this.#parts
    const { accountId, isDryRun } = this.#terms
    const named = { accountId, store: this.#store.name, name: folder.name, generation: folder.generation }
    const folderId = await storage.run(isDryRun ? findImportedFolder : openImportedFolder, named)
    const target = isDryRun ? undefined : await this.#openTarget(choice)
    let arriving: ArrivingFolder | undefined
    for await (const keys of folder.pages()) {
      const known =
        folderId === undefined ? new Set<string>() : await storage.run(findImported, { folderId, keys })
      this.#count(counts, 'alreadyThere', known.size, folder)
      const fresh = keys.filter(key => !known.has(key))
      if (fresh.length === 0) continue
      if (!target || folderId === undefined) {
        this.#count(counts, 'brought', fresh.length, folder)
        continue
      }
      arriving ??= new ArrivingFolder(this.#parts, {
        folderId,
        target: target.open,
        mailbox: choice.name,
        same: await this.#sameContent(target.mailbox, target.open),
        count: (what, bytes) => this.#count(counts, what, 1, folder, bytes),
      })
      await this.#take(arriving, folder, fresh, counts)
      if (this.#terms.isInterrupted()) break
    }
    await arriving?.flush()
    return { folder: folder.name, mailbox: choice.name, ...counts }
  }

  async #take(
    arriving: ArrivingFolder,
    folder: StoredFolder,
    keys: readonly string[],
    counts: Counts,
  ): Promise<void> {
    try {
      for await (const message of folder.read(keys)) {
        const why = await arriving.add(message)
        if (why !== undefined) {
          this.#count(counts, 'refused', 1, folder)
          if (this.#refused.length < maxRefusedTold)
            this.#refused.push({ folder: folder.name, place: message.place, why })
        }
        if (this.#terms.isInterrupted()) break
      }
    } catch (cause) {
      // What has been read whole is not read again, whatever became of the rest.
      await arriving.flush().catch(() => {}) // `cause` came first, and says more
      throw cause
    }
  }

  #count(counts: Counts, what: keyof Counts, messages: number, folder: StoredFolder, bytes = 0): void {
    counts[what] += messages
    this.#done += messages
    this.#bytes += bytes
    this.#terms.onProgress({ folder: folder.name, done: this.#done, of: this.#of, bytes: this.#bytes })
  }

  async #openTarget({ name, specialUse }: Choice & { kind: 'mailbox' }): Promise<Target> {
    const { storage, clock } = this.#parts
    const { accountId } = this.#terms
    const find = (): Promise<Mailbox | undefined> => storage.run(findMailbox, { accountId, name })
    let mailbox = await find()
    if (!mailbox) {
      const made = await storage.run(createMailbox, { accountId, name, specialUse, now: clock.now() })
      if (made.kind === 'too-many')
        throw new UsageFault(
          'IMPORT_TOO_MANY_MAILBOXES',
          'This account has as many mailboxes as it can have. Name the folders that are to come with --folder.',
        )
      if (made.kind === 'special-use-taken')
        await storage.run(createMailbox, { accountId, name, now: clock.now() })
      mailbox = made.kind === 'created' ? made.mailbox : await find()
    }
    if (!mailbox) throw mailboxGone(name)
    const open = { accountId, mailboxId: mailbox.id, uidValidity: mailbox.uidValidity }
    return { open, mailbox }
  }

  async #sameContent({ messages }: Mailbox, open: OpenMailbox): Promise<SameContent | undefined> {
    const { storage, mailData } = this.#parts
    return messages === 0 ? undefined : await SameContent.of(storage, mailData, open, messages)
  }

  /** A mailbox that was made just now is subscribed to where its folder was; the others stay so, or become it. */
  async #subscribe(
    folders: readonly StoredFolder[],
    choices: readonly Choice[],
    before: readonly Mailbox[],
  ): Promise<void> {
    const subscribed = await this.#store.subscriptions()
    if (!subscribed || this.#terms.isInterrupted()) return
    const { accountId } = this.#terms
    const keyOf = (levels: readonly string[]): string => levels.join('\0')
    const wanted = new Set(subscribed.map(keyOf))
    const old = new Set(before.map(({ name }) => name))
    for (const [at, { levels }] of folders.entries()) {
      const choice = choices[at]
      if (choice?.kind !== 'mailbox') continue
      const input = { accountId, name: choice.name }
      if (wanted.has(keyOf(levels))) await this.#parts.storage.run(subscribe, input)
      else if (!old.has(choice.name)) await this.#parts.storage.run(unsubscribe, input)
    }
  }
}

interface Target {
  readonly open: OpenMailbox
  readonly mailbox: Mailbox
}

interface Arriving {
  readonly folderId: number
  readonly target: OpenMailbox
  readonly mailbox: string
  readonly same: SameContent | undefined
  readonly count: (what: 'brought' | 'alreadyThere', bytes: number) => void
}

/** Messages on their way into one mailbox: one batch is written while the next is read. */
class ArrivingFolder {
  readonly #parts: ImportParts
  readonly #arriving: Arriving
  #batch: ArrivingMail[] = []
  #batchBytes = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(parts: ImportParts, arriving: Arriving) {
    this.#parts = parts
    this.#arriving = arriving
  }

  /** Why it cannot come; undefined: it is on its way. */
  async add(message: StoredMessage): Promise<string | undefined> {
    const { mailData: store, clock } = this.#parts
    const writer = store.create()
    const lines = new LineEnds()
    let isWhole = false
    try {
      for await (const piece of message.content()) await writer.write(lines.take(piece))
      isWhole = true
    } catch (cause) {
      if (cause instanceof UnreadableMessage) return cause.message
      throw cause
    } finally {
      if (!isWhole) await writer.abort()
    }
    if (writer.size === 0) {
      await writer.abort()
      return 'it is empty'
    }
    const mailData = await writer.finish()
    this.#batch.push({
      key: message.key,
      mailData,
      flags: message.flags,
      keywords: message.keywords,
      receivedAt: message.receivedAt ?? clock.now(),
      same: (await this.#arriving.same?.find(mailData)) ?? [],
    })
    if (mailData.location.kind === 'inline') this.#batchBytes += mailData.size
    if (this.#batch.length >= messagesOfBatch || this.#batchBytes >= bytesOfBatch) await this.#send()
    return undefined
  }

  /** Resolves when all that was added is durable. */
  async flush(): Promise<void> {
    await this.#send()
    await this.#writing
  }

  async #send(): Promise<void> {
    await this.#writing
    const batch = this.#batch
    this.#batch = []
    this.#batchBytes = 0
    if (batch.length === 0) return
    this.#writing = this.#write(batch)
    this.#writing.catch(() => {}) // whoever sends the next, or flushes, is told
  }

  async #write(messages: readonly ArrivingMail[]): Promise<void> {
    const { storage, mailData, clock } = this.#parts
    const { folderId, target, mailbox, count } = this.#arriving
    const input = { folderId, to: target, messages, now: clock.now() }
    const outcomes = await storage.run(importMessages, input)
    const isGone = outcomes === 'gone'
    const unused = messages.flatMap(({ mailData: { location } }, at) =>
      location.kind === 'file' && (isGone || outcomes[at] !== 'brought') ? [location.name] : [],
    )
    if (unused.length > 0) await mailData.discard(unused)
    if (isGone) throw mailboxGone(mailbox)
    for (const [at, { mailData: stored }] of messages.entries())
      if (outcomes[at] === 'brought') count('brought', stored.size)
      else count('alreadyThere', 0)
  }
}

function mailboxGone(name: string): UsageFault {
  return new UsageFault(
    'IMPORT_MAILBOX_GONE',
    `The mailbox ${name} was removed while mail came into it. Repeat the command: what has come is not brought twice.`,
  )
}
