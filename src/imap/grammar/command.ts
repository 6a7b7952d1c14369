// One command of a client (RFC 9051 §2.2.1): its tag, and what it asks for. One parser a command, in the file of its name; those
// without arguments, or with a mailbox for the only one, have theirs in common.
import { tagCharacters } from './characters.ts'
import { type AuthenticateCommand, parseAuthenticate } from './commands/authenticate.ts'
import { type CompressCommand, parseCompress } from './commands/compress.ts'
import { type CopyCommand, copyParser } from './commands/copy.ts'
import { type CreateCommand, parseCreate } from './commands/create.ts'
import { type DeleteAclCommand, parseDeleteAcl } from './commands/deleteacl.ts'
import { type EnableCommand, parseEnable } from './commands/enable.ts'
import { type ExpungeCommand, parseExpunge } from './commands/expunge.ts'
import { type FetchCommand, parseFetch } from './commands/fetch.ts'
import { type GenUrlAuthCommand, parseGenUrlAuth } from './commands/genurlauth.ts'
import { type GetMetadataCommand, parseGetMetadata } from './commands/getmetadata.ts'
import { type GetQuotaCommand, parseGetQuota } from './commands/getquota.ts'
import { type IdCommand, parseId } from './commands/id.ts'
import { type ListCommand, parseList } from './commands/list.ts'
import { type ListRightsCommand, parseListRights } from './commands/listrights.ts'
import { type LoginCommand, parseLogin } from './commands/login.ts'
import { type LsubCommand, parseLsub } from './commands/lsub.ts'
import { type MailboxCommand, mailboxParser } from './commands/mailbox-only.ts'
import { type NotifyCommand, parseNotify } from './commands/notify.ts'
import { type PlainCommand, plainParser } from './commands/plain.ts'
import { parseRename, type RenameCommand } from './commands/rename.ts'
import { parseResetKey, type ResetKeyCommand } from './commands/resetkey.ts'
import { parseSearch, type SearchCommand } from './commands/search.ts'
import { type SelectCommand, selectParser } from './commands/select.ts'
import { parseSetAcl, type SetAclCommand } from './commands/setacl.ts'
import { parseSetMetadata, type SetMetadataCommand } from './commands/setmetadata.ts'
import { parseSetQuota, type SetQuotaCommand } from './commands/setquota.ts'
import { parseSort, type SortCommand } from './commands/sort.ts'
import { parseStatus, type StatusCommand } from './commands/status.ts'
import { parseStore, type StoreCommand } from './commands/store.ts'
import { parseThread, type ThreadCommand } from './commands/thread.ts'
import { parseUrlFetch, type UrlFetchCommand } from './commands/urlfetch.ts'
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
  | LsubCommand
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
  | DeleteAclCommand
  | ListRightsCommand
  | GetQuotaCommand
  | SetQuotaCommand
  | GenUrlAuthCommand
  | ResetKeyCommand
  | UrlFetchCommand

export type CommandVerb = ImapCommand['verb']

type WithVerb<Command, Verb> = Command extends { readonly verb: infer Verbs }
  ? Verb extends Verbs
    ? Command
    : never
  : never

export type CommandOf<Verb extends CommandVerb> = WithVerb<ImapCommand, Verb>

/** The `NamedBy` of a command that has no UID variant is 'sequence'. */
type Parser<Verb extends CommandVerb> = (cursor: Cursor, by: NamedBy) => CommandOf<Verb>

const parsers: { readonly [Verb in CommandVerb]: Parser<Verb> } = {
  CAPABILITY: plainParser('CAPABILITY'),
  NOOP: plainParser('NOOP'),
  CHECK: plainParser('CHECK'),
  LOGOUT: plainParser('LOGOUT'),
  ID: parseId,
  STARTTLS: plainParser('STARTTLS'),
  AUTHENTICATE: parseAuthenticate,
  LOGIN: parseLogin,
  ENABLE: parseEnable,
  COMPRESS: parseCompress,
  NAMESPACE: plainParser('NAMESPACE'),
  LIST: parseList,
  LSUB: parseLsub,
  STATUS: parseStatus,
  GETQUOTA: parseGetQuota,
  GETQUOTAROOT: mailboxParser('GETQUOTAROOT'),
  SETQUOTA: parseSetQuota,
  CREATE: parseCreate,
  DELETE: mailboxParser('DELETE'),
  RENAME: parseRename,
  SUBSCRIBE: mailboxParser('SUBSCRIBE'),
  UNSUBSCRIBE: mailboxParser('UNSUBSCRIBE'),
  SELECT: selectParser('SELECT'),
  EXAMINE: selectParser('EXAMINE'),
  CLOSE: plainParser('CLOSE'),
  UNSELECT: plainParser('UNSELECT'),
  IDLE: plainParser('IDLE'),
  FETCH: parseFetch,
  STORE: parseStore,
  SEARCH: parseSearch,
  SORT: parseSort,
  THREAD: parseThread,
  COPY: copyParser('COPY'),
  MOVE: copyParser('MOVE'),
  EXPUNGE: parseExpunge,
  SETACL: parseSetAcl,
  DELETEACL: parseDeleteAcl,
  GETACL: mailboxParser('GETACL'),
  LISTRIGHTS: parseListRights,
  MYRIGHTS: mailboxParser('MYRIGHTS'),
  GETMETADATA: parseGetMetadata,
  SETMETADATA: parseSetMetadata,
  NOTIFY: parseNotify,
  GENURLAUTH: parseGenUrlAuth,
  RESETKEY: parseResetKey,
  URLFETCH: parseUrlFetch,
}

const parserOf: ReadonlyMap<string, Parser<CommandVerb>> = new Map(Object.entries(parsers))

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
  const parse = parserOf.get(head.verb)
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
