// The commands of the server: in which states each is allowed, and what may come with it and behind it.
import { afterLogin, type Command, type CommandTerms, usual } from './command.ts'
import { authenticate, login } from './commands/authenticate.ts'
import { fetch } from './commands/fetch.ts'
import { idle } from './commands/idle.ts'
import { create, list, lsub, remove, rename, status, subscribe, unsubscribe } from './commands/mailboxes.ts'
import { copy, expunge, move, store } from './commands/messages.ts'
import { search, sort, thread } from './commands/search.ts'
import { close, examine, namespace, select, unselect } from './commands/select.ts'
import { capability, check, enable, id, logout, noop } from './commands/session-commands.ts'
import { compress, starttls } from './commands/transport.ts'

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
]

export const commandTable: ReadonlyMap<string, Command> = new Map(
  commands.map(command => [command.verb, command]),
)

/** APPEND has no value of its own: it is read in steps (`append-flow.ts`). */
export const appendTerms: CommandTerms = { ...usual, phases: afterLogin }
