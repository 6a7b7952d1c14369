// The commands of the server (RFC 1939 §9, and its extensions): in which states each is allowed, and what it does.
import type { Command } from './command.ts'
import { auth } from './commands/auth.ts'
import { capa } from './commands/capa.ts'
import { dele, rset } from './commands/dele.ts'
import { lang } from './commands/lang.ts'
import { list, uidl } from './commands/list.ts'
import { noop } from './commands/noop.ts'
import { quit } from './commands/quit.ts'
import { retr, top } from './commands/retr.ts'
import { stat } from './commands/stat.ts'
import { stls } from './commands/stls.ts'
import { apop, pass, user } from './commands/user.ts'
import { utf8 } from './commands/utf8.ts'

const commands: readonly Command[] = [
  capa,
  stls,
  auth,
  user,
  pass,
  apop,
  utf8,
  lang,
  stat,
  list,
  uidl,
  retr,
  top,
  dele,
  rset,
  noop,
  quit,
]

export const commandTable: ReadonlyMap<string, Command> = new Map(
  commands.map(command => [command.verb, command]),
)
