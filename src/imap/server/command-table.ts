// The commands of the server: in which states each is allowed, and what may come with it and behind it.
import {
  type AppendCommand,
  afterLogin,
  type Command,
  deniedWhereReadOnly,
  usual,
  withMailbox,
} from './command.ts'
import { deleteAcl, getAcl, listRights, myRights, setAcl } from './commands/acl.ts'
import { authenticate, login } from './commands/authenticate.ts'
import { fetch } from './commands/fetch.ts'
import { idle } from './commands/idle.ts'
import { list } from './commands/list.ts'
import { lsub } from './commands/lsub.ts'
import { create, remove, rename, status, subscribe, unsubscribe } from './commands/mailboxes.ts'
import { copy, expunge, move, store } from './commands/messages.ts'
import { getMetadata, setMetadata } from './commands/metadata.ts'
import { notify } from './commands/notify.ts'
import { getQuota, getQuotaRoot, setQuota } from './commands/quota.ts'
import { search, sort, thread } from './commands/search.ts'
import { close, examine, namespace, select, unselect } from './commands/select.ts'
import { capability, check, enable, id, logout, noop } from './commands/session-commands.ts'
import { compress, starttls } from './commands/transport.ts'
import { genUrlAuth, resetKey, urlFetch } from './commands/url-auth.ts'

const commands: readonly Command[] = [
  capability,
  noop,
  check,
  logout,
  id,
  starttls,
  authenticate,
  login,
  enable,
  compress,
  namespace,
  list,
  lsub,
  status,
  getQuota,
  getQuotaRoot,
  setQuota,
  create,
  remove,
  rename,
  subscribe,
  unsubscribe,
  select,
  examine,
  close,
  unselect,
  idle,
  fetch,
  store,
  search,
  sort,
  thread,
  copy,
  move,
  expunge,
  setAcl,
  deleteAcl,
  getAcl,
  listRights,
  myRights,
  getMetadata,
  setMetadata,
  notify,
  genUrlAuth,
  resetKey,
  urlFetch,
]

export const commandTable: ReadonlyMap<string, Command> = new Map(
  commands.map(command => [command.verb, command]),
)

const appendCommands: readonly AppendCommand[] = [
  { ...usual, verb: 'APPEND', phases: afterLogin },
  // RFC 8508 §3.2: the message that goes is in the mailbox that is selected.
  { ...usual, verb: 'REPLACE', phases: withMailbox, uidVariant: 'also', denied: deniedWhereReadOnly },
]

export const appendTable: ReadonlyMap<string, AppendCommand> = new Map(
  appendCommands.map(command => [command.verb, command]),
)
