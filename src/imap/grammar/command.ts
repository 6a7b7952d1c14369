// One command of a client (RFC 9051 §2.2.1): its tag, and what it asks for. One parser a command.
import { tagCharacters } from './characters.ts'
import {
  type AclOfIdentifierCommand,
  type AclOfMailboxCommand,
  aclOfIdentifierParser,
  parseSetAcl,
  type SetAclCommand,
} from './commands/acl.ts'
import { type CompressCommand, parseCompress } from './commands/compress.ts'
import { type CopyCommand, copyParser, type ExpungeCommand, parseExpunge } from './commands/copy.ts'
import { type EnableCommand, parseEnable } from './commands/enable.ts'
import { type FetchCommand, parseFetch } from './commands/fetch.ts'
import { type IdCommand, parseId } from './commands/id.ts'
import { type ListCommand, parseList, parseLsub } from './commands/list.ts'
import {
  type AuthenticateCommand,
  type LoginCommand,
  parseAuthenticate,
  parseLogin,
} from './commands/log-in.ts'
import {
  type CreateCommand,
  type MailboxCommand,
  mailboxParser,
  parseCreate,
  parseRename,
  type RenameCommand,
} from './commands/mailboxes.ts'
import {
  type GetMetadataCommand,
  parseGetMetadata,
  parseSetMetadata,
  type SetMetadataCommand,
} from './commands/metadata.ts'
import { type NotifyCommand, parseNotify } from './commands/notify.ts'
import { type PlainCommand, plainParser, plainVerbs } from './commands/plain.ts'
import {
  type GetQuotaCommand,
  type GetQuotaRootCommand,
  parseGetQuota,
  parseSetQuota,
  type SetQuotaCommand,
} from './commands/quota.ts'
import { parseSearch, type SearchCommand } from './commands/search.ts'
import { type SelectCommand, selectParser } from './commands/select.ts'
import { parseSort, parseThread, type SortCommand, type ThreadCommand } from './commands/sort.ts'
import { parseStatus, type StatusCommand } from './commands/status.ts'
import { parseStore, type StoreCommand } from './commands/store.ts'
import {
  type GenUrlAuthCommand,
  parseGenUrlAuth,
  parseResetKey,
  parseUrlFetch,
  type ResetKeyCommand,
  type UrlFetchCommand,
} from './commands/url-auth.ts'
import { Cursor } from './cursor.ts'
import type { GrammarProblem } from './problem.ts'
import type { NamedBy } from './sequence-set.ts'
import type { GrammarTerms } from './terms.ts'

/** All but APPEND and REPLACE, which are read in steps (`commands/append.ts`). */
export type ImapCommand =
  | PlainCommand
  | LoginCommand
  | AuthenticateCommand
  | IdCommand
  | EnableCommand
  | CompressCommand
  | SelectCommand
  | CreateCommand
  | RenameCommand
  | MailboxCommand
  | ListCommand
  | StatusCommand
  | FetchCommand
  | StoreCommand
  | CopyCommand
  | ExpungeCommand
  | SearchCommand
  | SortCommand
  | ThreadCommand
  | NotifyCommand
  | GetMetadataCommand
  | SetMetadataCommand
  | SetAclCommand
  | AclOfIdentifierCommand
  | AclOfMailboxCommand
  | GetQuotaCommand
  | GetQuotaRootCommand
  | SetQuotaCommand
  | GenUrlAuthCommand
  | ResetKeyCommand
  | UrlFetchCommand

export type Verb = ImapCommand['verb'] | 'APPEND' | 'REPLACE'

type Parser = (cursor: Cursor, by: NamedBy) => ImapCommand

/** The `NamedBy` of a command that has no UID variant is 'sequence'. */
const parsers: ReadonlyMap<string, Parser> = new Map<string, Parser>([
  ...plainVerbs.map(verb => [verb, plainParser(verb)] as const),
  ['LOGIN', parseLogin],
  ['AUTHENTICATE', parseAuthenticate],
  ['ID', parseId],
  ['ENABLE', parseEnable],
  ['COMPRESS', parseCompress],
  ['SELECT', selectParser('SELECT')],
  ['EXAMINE', selectParser('EXAMINE')],
  ['CREATE', parseCreate],
  ['DELETE', mailboxParser('DELETE')],
  ['RENAME', parseRename],
  ['SUBSCRIBE', mailboxParser('SUBSCRIBE')],
  ['UNSUBSCRIBE', mailboxParser('UNSUBSCRIBE')],
  ['LIST', parseList],
  ['LSUB', parseLsub],
  ['STATUS', parseStatus],
  ['FETCH', parseFetch],
  ['STORE', parseStore],
  ['COPY', copyParser('COPY')],
  ['MOVE', copyParser('MOVE')],
  ['EXPUNGE', parseExpunge],
  ['SEARCH', parseSearch],
  ['SORT', parseSort],
  ['THREAD', parseThread],
  ['NOTIFY', parseNotify],
  ['GETMETADATA', parseGetMetadata],
  ['SETMETADATA', parseSetMetadata],
  ['SETACL', parseSetAcl],
  ['DELETEACL', aclOfIdentifierParser('DELETEACL')],
  ['LISTRIGHTS', aclOfIdentifierParser('LISTRIGHTS')],
  ['GETACL', mailboxParser('GETACL')],
  ['MYRIGHTS', mailboxParser('MYRIGHTS')],
  ['GETQUOTA', parseGetQuota],
  ['GETQUOTAROOT', mailboxParser('GETQUOTAROOT')],
  ['SETQUOTA', parseSetQuota],
  ['GENURLAUTH', parseGenUrlAuth],
  ['RESETKEY', parseResetKey],
  ['URLFETCH', parseUrlFetch],
])

/** Those that 'UID' may stand before (RFC 9051 §6.4.9; SORT and THREAD, RFC 5256 §3; REPLACE, RFC 8508 §4.3). */
export const uidVerbs: ReadonlySet<string> = new Set([
  'FETCH',
  'STORE',
  'COPY',
  'MOVE',
  'EXPUNGE',
  'SEARCH',
  'SORT',
  'THREAD',
  'REPLACE',
])

/** What a command begins with. */
export interface CommandHead {
  readonly tag: string
  /** In upper case, perhaps of no command. */
  readonly verb: string
  readonly by: NamedBy
  /** Where the arguments begin: at the blank before them, or at the end. */
  readonly length: number
}

/** A tag may be as long as the line; nobody has use for more, and it comes back in the answer. */
const maxTagLength = 200

export function parseCommandHead(bytes: Buffer, terms: GrammarTerms): CommandHead | GrammarProblem {
  const cursor = new Cursor(bytes, terms)
  const tag = cursor.some(tagCharacters, 'a tag')
  if (tag.length > maxTagLength) cursor.fail('syntax', `A tag has ${maxTagLength} characters at most`)
  cursor.blank()
  const untagged = cursor.problem
  if (untagged) return untagged
  const first = cursor.keyword('a command')
  const by = first === 'UID' ? 'uid' : 'sequence'
  if (by === 'uid') cursor.blank()
  const verb = by === 'uid' ? cursor.keyword('a command') : first
  if (by === 'uid' && !uidVerbs.has(verb)) cursor.expect('a command that goes with UID before this')
  const { problem } = cursor
  if (problem) return { ...problem, tag }
  return { tag, verb, by, length: cursor.position }
}

/** Of a verb that is none of these: undefined. The problem is for the tag of the head. */
export function parseCommand(
  bytes: Buffer,
  head: CommandHead,
  terms: GrammarTerms,
): ImapCommand | GrammarProblem | undefined {
  const parse = parsers.get(head.verb)
  if (!parse) return undefined
  const cursor = new Cursor(bytes, terms, head.length)
  const command = parse(cursor, head.by)
  cursor.end()
  const { problem } = cursor
  return problem ? { ...problem, tag: head.tag } : command
}

export function isProblem(parsed: CommandHead | ImapCommand | GrammarProblem): parsed is GrammarProblem {
  return !('verb' in parsed)
}
