// The commands of the server: when each is allowed, and what HELP says of it.

import type { Command } from './command.ts'
import { auth } from './commands/auth.ts'
import { bdat } from './commands/bdat.ts'
import { data } from './commands/data.ts'
import { ehlo, helo } from './commands/hello.ts'
import { createHelp } from './commands/help.ts'
import { mail, saml, send, soml } from './commands/mail.ts'
import { noop, quit, rset } from './commands/plain-commands.ts'
import { rcpt } from './commands/rcpt.ts'
import { starttls } from './commands/starttls.ts'
import { atrn, etrn, turn } from './commands/turn.ts'
import { expn, vrfy } from './commands/verify.ts'

const commands: readonly Command[] = [
  ehlo,
  helo,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  quit,
  vrfy,
  expn,
  starttls,
  auth,
  send,
  soml,
  saml,
  turn,
  etrn,
  atrn,
]

export const commandTable: ReadonlyMap<string, Command> = new Map(
  [...commands, createHelp(commands)].map(command => [command.verb, command]),
)
