// Which names a mailbox can have, whoever makes it: a program, or a script.
import { delimiter, maxLevels, maxNameLength } from './mailbox-names.ts'

/** Above the mailboxes of other users. */
const otherUsersRoot = 'Other Users'

export const otherUsersPrefix = `${otherUsersRoot}${delimiter}`

/** No mailbox of one's own can have such a name. */
export function isOtherUsers(name: string): boolean {
  return name === otherUsersRoot || name.startsWith(otherUsersPrefix)
}

export function problemOfLevels(name: string): string | undefined {
  const levels = name.split(delimiter)
  if (levels.includes('')) return 'A level of a mailbox name cannot be empty'
  if (levels.length > maxLevels) return `A mailbox name has ${maxLevels} levels at most`
  return name.length > maxNameLength ? `A mailbox name has ${maxNameLength} characters at most` : undefined
}
