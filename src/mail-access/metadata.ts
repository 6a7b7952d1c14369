// GETMETADATA and SETMETADATA (RFC 5464), for the sessions of one account.
import { addressOfAccount } from '../directory/accounts.ts'
import type { GetMetadataCommand } from '../imap/grammar/commands/getmetadata.ts'
import type { SetMetadataCommand } from '../imap/grammar/commands/setmetadata.ts'
import { codes } from '../imap/responses/codes.ts'
import {
  type FoundMetadata,
  isRefusal,
  type Metadata,
  type Refusal,
} from '../imap/server/mailbox-services.ts'
import { openingOf } from '../mailbox/mailbox-row.ts'
import { listMetadata, type MetadataPlace, readMetadata, writeMetadata } from '../mailbox/metadata.ts'
import { forbidden, type MailboxPlaces, type Place } from './mailbox-places.ts'
import { mailboxGone } from './mailbox-view.ts'
import type { AccessParts } from './parts.ts'
import { readSpecialUse, specialUses } from './special-uses.ts'

/** §4.1 asks for 1,024 at least. */
const maxValueBytes = 64 * 1024
/** Of the name of an entry: each is told with every change, and asked for by its name. */
const maxNameLength = 200
const maxBatchBytes = 2 * maxValueBytes

/** RFC 6154 §4: what the mailbox is for, kept in its row. */
const specialUseEntry = '/private/specialuse'
/** §3.2.1.1 */
const adminEntry = '/shared/admin'

type Computed = ReadonlyMap<string, Buffer>

interface Noted {
  readonly at: MetadataPlace
  readonly place: Place | undefined
  /** Entries that stand elsewhere. */
  readonly computed: Computed
}

export class MailboxMetadata implements Metadata {
  readonly #storage: AccessParts['storage']
  readonly #places: MailboxPlaces

  readonly #noted: (mailboxId: number | undefined, modSeq: number) => void

  /** `noted` is called after each change. */
  constructor(
    { storage }: Pick<AccessParts, 'storage'>,
    places: MailboxPlaces,
    noted: (mailboxId: number | undefined, modSeq: number) => void,
  ) {
    this.#storage = storage
    this.#places = places
    this.#noted = noted
  }

  async get(request: Omit<GetMetadataCommand, 'verb'>): Promise<FoundMetadata | Refusal> {
    const noted = await this.#find(request.mailbox)
    if (isRefusal(noted)) return noted
    const { at, computed } = noted
    const kept = await this.#storage.run(listMetadata, at)
    const sizes = new Map(kept.map(({ name, size }) => [name, size]))
    for (const [name, value] of computed) sizes.set(name, value.length)
    const named = [...new Set(request.entries.flatMap(entry => below(entry, request.depth, sizes)))]
    const { maxSize = Number.POSITIVE_INFINITY } = request
    const chosen = named.filter(name => (sizes.get(name) ?? 0) <= maxSize)
    const longest = Math.max(0, ...named.map(name => sizes.get(name) ?? 0))
    const batches = inBatches(chosen, sizes)
    return {
      entries: () => this.#read(noted, batches),
      longest: longest > maxSize ? longest : undefined,
    }
  }

  async *#read(
    { at, computed }: Noted,
    batches: readonly (readonly string[])[],
  ): AsyncGenerator<ReadonlyMap<string, Buffer | null>> {
    for (const names of batches) {
      const values = await this.#storage.run(readMetadata, { ...at, names })
      // What is not there is told as NIL where it was asked for by its name.
      yield new Map(
        names.map(name => {
          const value = computed.get(name) ?? values.get(name)
          return [name, value ? Buffer.from(value) : null]
        }),
      )
    }
  }

  async set({ mailbox, entries }: Omit<SetMetadataCommand, 'verb'>): Promise<Refusal | undefined> {
    const noted = await this.#find(mailbox)
    if (isRefusal(noted)) return noted
    const { at } = noted
    const refusal = refuse(mailbox, noted, entries)
    if (refusal) return refusal
    const given = entries.get(specialUseEntry)
    const specialUse =
      given === undefined ? undefined : given && readSpecialUse(given.toString('utf8').trim())
    if (given && specialUse === undefined) return unknownUse
    const outcome = await this.#storage.run(writeMetadata, {
      ...at,
      entries: new Map([...entries].filter(([name]) => name !== specialUseEntry)),
      specialUse,
    })
    switch (outcome.kind) {
      case 'written':
        this.#noted(at.mailbox?.mailboxId, outcome.modSeq)
        return undefined
      case 'too-many':
        return { refused: 'There are as many notes as there can be', code: codes.metadataTooMany }
      case 'special-use-taken':
        return { refused: 'You have another mailbox for that', code: codes.useAttribute }
      case 'gone':
        return mailboxGone
      default:
        return outcome satisfies never
    }
  }

  /** §3.3: who sees the mailbox, and may do anything with its messages. */
  async #find(name: string): Promise<Noted | Refusal> {
    const { accountId } = this.#places
    if (name === '') {
      const address = await this.#storage.run(addressOfAccount, { id: accountId })
      // RFC 5321 §4.5.1: there is always somebody behind it.
      const admin = address && `mailto:postmaster@${address.slice(address.lastIndexOf('@') + 1)}`
      return {
        at: { mailbox: undefined, accountId },
        place: undefined,
        computed: new Map(admin ? [[adminEntry, Buffer.from(admin)]] : []),
      }
    }
    const place = await this.#places.findFor('l', name)
    if (isRefusal(place)) return place
    const { mailbox, rights } = place
    if (!Array.from('rswip').some(right => rights.includes(right))) return forbidden(name, 'r')
    const use = mailbox.accountId === accountId ? mailbox.specialUse : undefined
    return {
      at: { mailbox: openingOf(mailbox), accountId },
      place,
      computed: new Map(use ? [[specialUseEntry, Buffer.from(`\\${use}`)]] : []),
    }
  }
}

const unknownUse: Refusal = {
  refused: `A mailbox can be one of ${specialUses.map(use => `\\${use}`).join(' ')}`,
  code: codes.useAttribute,
}

function refuse(
  name: string,
  { at, place }: Noted,
  entries: SetMetadataCommand['entries'],
): Refusal | undefined {
  const names = [...entries.keys()]
  const isOwn = place?.mailbox.accountId === at.accountId
  if (place ? entries.has(specialUseEntry) && !isOwn : names.some(isShared))
    return {
      refused: place
        ? 'What a mailbox is for is a matter of its owner'
        : 'What everybody reads of the server is a matter of its administrator',
      code: codes.noPermission,
    }
  // What everybody reads is changed by those who may change what everybody sees.
  if (place && names.some(isShared) && !place.rights.includes('w')) return forbidden(name, 'w')
  if ([...entries].some(([name, value]) => value !== null && name.length > maxNameLength))
    return { refused: `The name of an entry has ${maxNameLength} characters at most`, code: codes.limit }
  if ([...entries.values()].some(value => (value?.length ?? 0) > maxValueBytes))
    return { refused: 'This is too long', code: codes.metadataMaxSize(maxValueBytes) }
  return undefined
}

function isShared(name: string): boolean {
  return name.startsWith('/shared/')
}

/** Few of those that are large stand in memory at once, however slowly a client reads. */
function inBatches(
  names: readonly string[],
  sizes: ReadonlyMap<string, number>,
): readonly (readonly string[])[] {
  const batches: string[][] = []
  let bytes = 0
  for (const name of names) {
    const size = sizes.get(name) ?? 0
    const last = batches.at(-1)
    if (last && bytes + size <= maxBatchBytes) {
      last.push(name)
      bytes += size
    } else {
      batches.push([name])
      bytes = size
    }
  }
  return batches
}

/** §4.2.2: the entry, and those below it as deep as is asked for. */
function below(
  entry: string,
  depth: GetMetadataCommand['depth'],
  known: ReadonlyMap<string, number>,
): readonly string[] {
  if (depth === '0') return [entry]
  const found = [...known.keys()].filter(name => {
    if (!name.startsWith(`${entry}/`)) return false
    return depth === 'infinity' || !name.slice(entry.length + 1).includes('/')
  })
  return known.has(entry) ? [entry, ...found] : found
}
