// Messages on their way into a mailbox, as a client appends them (RFC 9051 §6.3.12).
import type { AppendedMessage } from '../imap/grammar/commands/append.ts'
import type { NumberRange } from '../imap/grammar/sequence-set.ts'
import { codes } from '../imap/responses/codes.ts'
import type { Appended, AppendTarget, Refusal } from '../imap/server/mailbox-services.ts'
import { type AppendedMail, appendMessages } from '../mailbox/append-messages.ts'
import { type OpenMailbox, openingOf } from '../mailbox/mailbox-row.ts'
import type { Changeable } from '../mailbox/message-state.ts'
import type { MailDataWriter } from '../storage/mail-data.ts'
import { changeableWith, readFlagNames } from './flag-names.ts'
import { LineEnds } from './line-ends.ts'
import type { Place } from './mailbox-places.ts'
import { mailboxGone } from './open-mailbox.ts'
import type { AccessParts } from './parts.ts'
import { overQuota, refuseWithoutRoom } from './quota.ts'

/** Of one command: they stand in memory, or in files, until it ends. */
const maxMessages = 1000

export class MailboxAppend implements AppendTarget {
  readonly #parts: AccessParts
  readonly #to: OpenMailbox
  readonly #settable: Changeable
  readonly #replaces: { readonly from: OpenMailbox; readonly uid: number } | undefined
  readonly #messages: AppendedMail[] = []
  #open:
    | { readonly message: AppendedMessage; readonly writer: MailDataWriter; readonly lines: LineEnds }
    | undefined

  readonly #noteArrivals: (to: OpenMailbox, uids: readonly NumberRange[]) => void

  /** `noteArrivals` is called when they are there. */
  constructor(
    parts: AccessParts,
    { mailbox, rights }: Place,
    noteArrivals: (to: OpenMailbox, uids: readonly NumberRange[]) => void,
    replaces?: { readonly from: OpenMailbox; readonly uid: number },
  ) {
    this.#parts = parts
    this.#noteArrivals = noteArrivals
    this.#to = openingOf(mailbox)
    // RFC 4314 §4: flags that somebody may not set are left out.
    this.#settable = changeableWith(rights)
    this.#replaces = replaces
  }

  async begin(message: AppendedMessage, size: number): Promise<Refusal | undefined> {
    if (this.#messages.length >= maxMessages)
      return { refused: `Append ${maxMessages} messages at a time at most`, code: codes.limit }
    // What is replaced makes room for it, which shows at the end.
    if (!this.#replaces) {
      const bytes = this.#messages.reduce((sum, { mailData }) => sum + mailData.size, size)
      const coming = { bytes, messages: this.#messages.length + 1 }
      const refusal = await refuseWithoutRoom(this.#parts, this.#to.accountId, coming)
      if (refusal) return refusal
    }
    this.#open = { message, writer: this.#parts.mailData.create(), lines: new LineEnds() }
    return undefined
  }

  appendUrl(url: string): Refusal {
    return { refused: 'URLs cannot be fetched here', code: codes.badUrl(url) }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#open) await this.#open.writer.write(this.#open.lines.take(bytes))
  }

  async end(): Promise<Refusal | undefined> {
    if (!this.#open) return undefined
    const { message, writer } = this.#open
    if (writer.size === 0) {
      await this.#giveUp()
      return { refused: 'There is nothing in this message', code: codes.cannot }
    }
    const mailData = await writer.finish()
    this.#open = undefined
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
    const outcome = await this.#parts.storage.run(appendMessages, {
      to: this.#to,
      messages: this.#messages,
      replaces: this.#replaces,
      usual: this.#parts.usualQuota,
      now: this.#parts.clock.now(),
    })
    if (outcome.kind !== 'appended') {
      this.abort()
      return outcome.kind === 'gone' ? mailboxGone : overQuota
    }
    const { firstUid } = outcome
    const uids = [{ first: firstUid, last: firstUid + this.#messages.length - 1 }]
    this.#noteArrivals(this.#to, uids)
    return { uidValidity: this.#to.uidValidity, uids }
  }

  abort(): void {
    void this.#giveUp()
    const files = this.#messages.flatMap(({ mailData: { location } }) =>
      location.kind === 'file' ? [location.name] : [],
    )
    // Files that no row names: what is left of them is swept at the next start.
    if (files.length > 0) void this.#parts.mailData.discard(files).catch(() => {})
  }

  async #giveUp(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.writer.abort()
  }
}
