// Messages on their way into a mailbox, as a client appends them (RFC 9051 §6.3.12), in parts of other messages where it wants
// (CATENATE, RFC 4469), and with any octets (BINARY, RFC 3516 §4.4).
import type { AppendedMessage } from '../imap/grammar/commands/append.ts'
import type { NumberRange } from '../imap/grammar/sequence-set.ts'
import { codes } from '../imap/responses/codes.ts'
import type { LiteralForm } from '../imap/responses/octets.ts'
import type { Appended, AppendTarget, Refusal } from '../imap/server/mailbox-services.ts'
import { type AppendedMail, type AppendOutcome, appendMessages } from '../mailbox/append-messages.ts'
import { type OpenMailbox, openingOf } from '../mailbox/mailbox-row.ts'
import type { Changeable } from '../mailbox/message-state.ts'
import type { MailDataWriter, StoredMailData } from '../storage/mail-data.ts'
import { isOutcomeUnknown } from '../storage/storage-fault.ts'
import { BinaryWatch } from './binary-watch.ts'
import { encodeBinaryParts } from './encode-binary-parts.ts'
import { changeableWith, readFlagNames } from './flag-names.ts'
import { LineEnds } from './line-ends.ts'
import type { Place } from './mailbox-places.ts'
import { mailboxGone } from './mailbox-view.ts'
import type { UrlContent } from './message-urls.ts'
import type { AccessParts } from './parts.ts'
import { overQuota, refuseWithoutRoom } from './quota.ts'

/** Of one command: they stand in memory, or in files, until it ends. */
const maxMessages = 1000
/** Of small messages, in memory; the others go into files. */
const maxBytesInMemory = 4 * 1024 * 1024

export interface AppendPlan {
  readonly place: Place
  /** What leaves when the new one is there. */
  readonly replaces?: { readonly from: OpenMailbox; readonly uid: number } | undefined
  /** undefined: it names nothing that this user may read. */
  readonly openUrl: (url: string) => Promise<UrlContent | undefined>
  /** Called when they are there. */
  readonly noteArrivals: (to: OpenMailbox, uids: readonly NumberRange[]) => void
}

interface OpenMessage {
  readonly message: AppendedMessage
  readonly writer: MailDataWriter
  readonly lines: LineEnds
  readonly watch: BinaryWatch
}

export class MailboxAppend implements AppendTarget {
  readonly #parts: AccessParts
  readonly #plan: AppendPlan
  readonly #to: OpenMailbox
  readonly #settable: Changeable
  readonly #messages: AppendedMail[] = []
  #open: OpenMessage | undefined
  #form: LiteralForm = 'literal'

  constructor(parts: AccessParts, plan: AppendPlan) {
    this.#parts = parts
    this.#plan = plan
    const { mailbox, rights } = plan.place
    this.#to = openingOf(mailbox)
    // RFC 4314 §4: flags that somebody may not set are left out.
    this.#settable = changeableWith(rights)
  }

  async begin(message: AppendedMessage, size: number): Promise<Refusal | undefined> {
    if (this.#messages.length >= maxMessages)
      return { refused: `Append ${maxMessages} messages at a time at most`, code: codes.limit }
    // What is replaced makes room for it, which shows at the end.
    if (!this.#plan.replaces) {
      const bytes = this.#messages.reduce((sum, { mailData }) => sum + mailData.size, size)
      const coming = { bytes, messages: this.#messages.length + 1 }
      const refusal = await refuseWithoutRoom(this.#parts, this.#to.accountId, coming)
      if (refusal) return refusal
    }
    const writer = this.#parts.mailData.create(this.#bytesInMemory > maxBytesInMemory ? 'in-file' : undefined)
    this.#open = { message, writer, lines: new LineEnds(), watch: new BinaryWatch() }
    return undefined
  }

  get #bytesInMemory(): number {
    return this.#messages.reduce(
      (sum, { mailData: { location, size } }) => (location.kind === 'inline' ? sum + size : sum),
      0,
    )
  }

  expect(form: LiteralForm): void {
    // RFC 6855 §4: a message in UTF-8 comes as a literal8, and is text for all that.
    this.#form = this.#open?.message.utf8 ? 'literal' : form
  }

  async appendUrl(url: string, maxBytes: number): Promise<{ readonly size: number } | Refusal> {
    const found = await this.#plan.openUrl(url)
    if (!found) return { refused: 'There is nothing at this URL that you may read', code: codes.badUrl(url) }
    const { size, content } = found.octets
    if (size > maxBytes)
      return { refused: 'The message would be larger than this server takes', code: codes.tooBig }
    if (content instanceof Uint8Array) await this.#keep(content)
    else for await (const piece of content) await this.#keep(piece)
    return { size }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#form === 'literal8') await this.#keep(bytes)
    else if (this.#open) {
      const { writer, lines, watch } = this.#open
      watch.takeText(bytes)
      await writer.write(lines.take(bytes))
    }
  }

  /** Whatever is in it. */
  async #keep(bytes: Uint8Array): Promise<void> {
    if (!this.#open) return
    const { writer, lines, watch } = this.#open
    watch.take(bytes)
    await writer.write(lines.keep(bytes))
  }

  async end(): Promise<Refusal | undefined> {
    if (!this.#open) return undefined
    const { message, writer, watch } = this.#open
    if (writer.size === 0) {
      await this.#giveUp()
      return { refused: 'There is nothing in this message', code: codes.cannot }
    }
    const written = await writer.finish()
    this.#open = undefined
    const mailData = watch.isBinary() ? await this.#encodeBinary(written, watch) : written
    if ('refused' in mailData) return mailData
    this.#messages.push({
      id: this.#parts.nextQueueId(),
      mailData,
      ...this.#readFlags(message.flags),
      receivedAt: message.internalDate ?? this.#parts.clock.now(),
    })
    return undefined
  }

  #readFlags(words: readonly string[]): ReturnType<typeof readFlagNames> {
    const { flags, keywords } = readFlagNames(words)
    return { flags: flags & this.#settable.flags, keywords: this.#settable.keywords ? keywords : [] }
  }

  async commit(): Promise<Appended | Refusal> {
    const outcome = await this.#append()
    if (outcome.kind !== 'appended') {
      this.abort()
      return outcome.kind === 'gone' ? mailboxGone : overQuota
    }
    const { firstUid } = outcome
    const uids = [{ first: firstUid, last: firstUid + this.#messages.length - 1 }]
    this.#plan.noteArrivals(this.#to, uids)
    return { uidValidity: this.#to.uidValidity, uids }
  }

  async #append(): Promise<AppendOutcome> {
    try {
      return await this.#parts.storage.run(appendMessages, {
        to: this.#to,
        messages: this.#messages,
        replaces: this.#plan.replaces,
        usual: this.#parts.usualQuota,
        now: this.#parts.clock.now(),
      })
    } catch (cause) {
      if (!isOutcomeUnknown(cause)) this.abort()
      throw cause
    }
  }

  abort(): void {
    void this.#giveUp()
    this.#discard(this.#messages.map(({ mailData }) => mailData))
  }

  /** Parts with octets that no literal can have become base64, as RFC 3516 §4.4 lets us. */
  async #encodeBinary(written: StoredMailData, { hasNul }: BinaryWatch): Promise<StoredMailData | Refusal> {
    const encoded = await encodeBinaryParts(this.#parts.mailData, written)
    // Line ends that stand alone are a nuisance, but NUL has no place in what clients read.
    if (!encoded && !hasNul) return written
    this.#discard([written])
    return (
      encoded ?? {
        refused:
          'There is NUL in this message where nothing can be encoded: in a header section, or in what is signed',
        code: codes.cannot,
      }
    )
  }

  /** Files that no row names: what is left of them is swept at the next start. */
  #discard(mailData: readonly StoredMailData[]): void {
    const files = mailData.flatMap(({ location }) => (location.kind === 'file' ? [location.name] : []))
    if (files.length > 0) void this.#parts.mailData.discard(files).catch(() => {})
  }

  async #giveUp(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.writer.abort()
  }
}
