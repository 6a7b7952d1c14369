// The commands of the server: in which states each is allowed, and what may come with it and behind it. Each is in the file of its
// name; EXAMINE is with SELECT, and REPLACE with APPEND.
import type { AppendCommand, Command } from './command.ts'
import { append, replace } from './commands/append.ts'
import { authenticate } from './commands/authenticate.ts'
import { capability } from './commands/capability.ts'
import { check } from './commands/check.ts'
import { close } from './commands/close.ts'
import { compress } from './commands/compress.ts'
import { copy } from './commands/copy.ts'
import { create } from './commands/create.ts'
import { deleteMailbox } from './commands/delete.ts'
import { deleteAcl } from './commands/deleteacl.ts'
import { enable } from './commands/enable.ts'
import { expunge } from './commands/expunge.ts'
import { fetch } from './commands/fetch.ts'
import { genUrlAuth } from './commands/genurlauth.ts'
import { getAcl } from './commands/getacl.ts'
import { getMetadata } from './commands/getmetadata.ts'
import { getQuota } from './commands/getquota.ts'
import { getQuotaRoot } from './commands/getquotaroot.ts'
import { id } from './commands/id.ts'
import { idle } from './commands/idle.ts'
import { list } from './commands/list.ts'
import { listRights } from './commands/listrights.ts'
import { login } from './commands/login.ts'
import { logout } from './commands/logout.ts'
import { lsub } from './commands/lsub.ts'
import { move } from './commands/move.ts'
import { myRights } from './commands/myrights.ts'
import { namespace } from './commands/namespace.ts'
import { noop } from './commands/noop.ts'
import { notify } from './commands/notify.ts'
import { rename } from './commands/rename.ts'
import { resetKey } from './commands/resetkey.ts'
import { search } from './commands/search.ts'
import { examine, select } from './commands/select.ts'
import { setAcl } from './commands/setacl.ts'
import { setMetadata } from './commands/setmetadata.ts'
import { setQuota } from './commands/setquota.ts'
import { sort } from './commands/sort.ts'
import { starttls } from './commands/starttls.ts'
import { status } from './commands/status.ts'
import { store } from './commands/store.ts'
import { subscribe } from './commands/subscribe.ts'
import { thread } from './commands/thread.ts'
import { unselect } from './commands/unselect.ts'
import { unsubscribe } from './commands/unsubscribe.ts'
import { urlFetch } from './commands/urlfetch.ts'

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
  deleteMailbox,
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

const appendCommands: readonly AppendCommand[] = [append, replace]

export const appendTable: ReadonlyMap<string, AppendCommand> = new Map(
  appendCommands.map(command => [command.verb, command]),
)
