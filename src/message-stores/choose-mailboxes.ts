// Into which mailbox each folder of another store goes: of the same name, but for those that are for something (Sent, Trash …),
// which have one mailbox here, whatever other programs call them.
import { delimiter, maxLevels, maxNameLength } from '../mailbox/mailbox-names.ts'
import type { SpecialUse } from '../mailbox/mailbox-row.ts'
import { isOtherUsers, otherUsersPrefix } from '../mailbox/name-rules.ts'
import type { StoredFolder } from './message-store.ts'

/** As programs name them where the store does not say what a folder is for; in lower case, the likeliest first. */
const usualNames: Readonly<Record<SpecialUse, readonly string[]>> = {
  Archive: ['archive', 'archives', 'архив'],
  Drafts: ['drafts', 'draft', 'черновики'],
  Junk: ['junk', 'spam', 'junk e-mail', 'junk email', 'bulk mail', 'спам', 'нежелательная почта'],
  Sent: [
    'sent',
    'sent items',
    'sent messages',
    'sent mail',
    'sent-mail',
    'отправленные',
    'отправленные элементы',
  ],
  Trash: [
    'trash',
    'deleted items',
    'deleted messages',
    'deleted',
    'корзина',
    'удаленные',
    'удалённые',
    'удаленные элементы',
  ],
}

const uses = Object.keys(usualNames) as readonly SpecialUse[]

export type Choice =
  | { readonly kind: 'mailbox'; readonly name: string; readonly specialUse?: SpecialUse | undefined }
  | { readonly kind: 'no-name'; readonly why: string }

interface Known {
  readonly name: string
  readonly specialUse: SpecialUse | undefined
}

/** One for each folder. `below`: levels of a mailbox under which all of them go. */
export function chooseMailboxes(
  folders: readonly Pick<StoredFolder, 'levels' | 'specialUse'>[],
  mailboxes: readonly Known[],
  below: readonly string[] = [],
): readonly Choice[] {
  if (below.length > 0) return folders.map(({ levels }) => named([...below, ...levels].map(cleanLevel)))
  const useOf = findUses(folders)
  const heads = [...useOf].map(([folder, specialUse]) => ({
    levels: folder.levels,
    specialUse,
    name: mailboxes.find(mailbox => mailbox.specialUse === specialUse)?.name,
  }))
  return folders.map(folder => {
    const { levels } = folder
    const head = heads
      .filter(one => one.levels.every((level, at) => level === levels[at]))
      .toSorted((a, b) => b.levels.length - a.levels.length)[0]
    if (!head) return named(levels.map(cleanLevel))
    const isHead = head.levels.length === levels.length
    const own = head.name === undefined ? head.levels.map(cleanLevel) : head.name.split(delimiter)
    return named(
      [...own, ...levels.slice(head.levels.length).map(cleanLevel)],
      isHead ? head.specialUse : undefined,
    )
  })
}

/** One folder for each use: the one that says so, or else that with the likeliest name. */
function findUses<Folder extends Pick<StoredFolder, 'levels' | 'specialUse'>>(
  folders: readonly Folder[],
): ReadonlyMap<Folder, SpecialUse> {
  const found = new Map<Folder, SpecialUse>()
  for (const use of uses) {
    const says = folders.find(({ specialUse }) => specialUse === use)
    const sounds = usualNames[use].flatMap(
      name =>
        folders.find(
          ({ levels, specialUse }) =>
            specialUse === undefined && levels.length === 1 && levels[0]?.toLowerCase() === name,
        ) ?? [],
    )[0]
    const folder = says ?? sounds
    if (folder) found.set(folder, use)
  }
  return found
}

function named(levels: readonly string[], specialUse?: SpecialUse): Choice {
  const [first = '', ...rest] = levels
  const all = [first.toUpperCase() === 'INBOX' ? 'INBOX' : first, ...rest]
  const name = all.join(delimiter)
  if (all.length > maxLevels)
    return { kind: 'no-name', why: `a mailbox here is at most ${maxLevels} levels deep` }
  if (name.length > maxNameLength)
    return { kind: 'no-name', why: `the name of a mailbox here has at most ${maxNameLength} characters` }
  if (isOtherUsers(name))
    return {
      kind: 'no-name',
      why: `below ${otherUsersPrefix} stand the mailboxes of other users here; --below brings it elsewhere`,
    }
  return { kind: 'mailbox', name, specialUse }
}

/** RFC 9051 §5.1: no control characters; and what parts levels here cannot be in one. */
function cleanLevel(level: string): string {
  const clean = level.normalize('NFC').replaceAll(/[\0-\x1f\x7f-\x9f\u2028\u2029/]/g, '_')
  return clean === '' ? '_' : clean
}
