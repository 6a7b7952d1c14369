// What a session is to hear of, and when (RFC 5465, RFC 5464 §4.1): of the selected mailbox by NOTIFY or by its commands, of others by
// a watch.
import type { EventGroup } from '../grammar/commands/notify.ts'
import type { NumberRange } from '../grammar/sequence-set.ts'
import type {
  AccountNews,
  MailboxChange,
  MailboxWatch,
  Refusal,
  SessionMailboxes,
  WatchRequest,
} from './mailbox-services.ts'
import { isRefusal } from './mailbox-services.ts'

export class Notification {
  #watch: MailboxWatch | undefined
  /** undefined: NOTIFY was not said, or NONE. */
  #groups: readonly EventGroup[] | undefined
  #arrived: NumberRange[] = []

  /** Between commands too. */
  get isOn(): boolean {
    return this.#groups !== undefined
  }

  /** Of the selected mailbox. */
  get selected(): EventGroup | undefined {
    return this.#groups?.find(
      ({ filter }) => filter.kind === 'selected' || filter.kind === 'selected-delayed',
    )
  }

  get isWatching(): boolean {
    return this.#watch !== undefined
  }

  /** `always` is watched besides. */
  async set(
    mailboxes: SessionMailboxes,
    groups: readonly EventGroup[] | undefined,
    always: readonly EventGroup[],
    request: Omit<WatchRequest, 'groups'>,
  ): Promise<readonly AccountNews[] | Refusal> {
    const watched = [...(groups ?? []), ...always]
    const watch = watched.length > 0 ? await mailboxes.watch?.({ ...request, groups: watched }) : undefined
    // What was asked for before goes on.
    if (watch && isRefusal(watch)) return watch
    this.close()
    this.#groups = groups
    this.#watch = watch
    return watch?.initial() ?? []
  }

  async take(): Promise<readonly AccountNews[]> {
    const news = (await this.#watch?.take()) ?? []
    // RFC 5465 §5.8: as if NOTIFY NONE had been said.
    if (news.some(({ kind }) => kind === 'overflow')) this.close()
    return news
  }

  /** Of what the selected mailbox has to tell, what is to be told between commands; new messages are kept for `takeArrived`. */
  choose(changes: readonly MailboxChange[]): readonly MailboxChange[] {
    this.noteArrived(changes)
    const { selected } = this
    if (!selected || selected.events.includes('FlagChange')) return changes
    return changes.filter(({ kind }) => kind !== 'flags')
  }

  /** True: there are new messages of which more is wanted than that they are there. */
  noteArrived(changes: readonly MailboxChange[]): boolean {
    if ((this.selected?.attributes.length ?? 0) === 0) return false
    const arrived = changes.flatMap(change => (change.kind === 'exists' ? (change.arrived ?? []) : []))
    this.#arrived.push(...arrived)
    return arrived.length > 0
  }

  takeArrived(): readonly NumberRange[] {
    const arrived = this.#arrived
    this.#arrived = []
    return arrived
  }

  close(): void {
    this.#watch?.close()
    this.#watch = undefined
    this.#groups = undefined
    this.#arrived = []
  }
}
