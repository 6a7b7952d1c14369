// The commands of the server: when each is allowed, and what HELP says of it. SMTP and LMTP (RFC 2033) are two dialects of one
// engine: what sets them apart stands here.

import type { Command } from './command.ts'
import { auth } from './commands/auth.ts'
import { bdat } from './commands/bdat.ts'
import { burl } from './commands/burl.ts'
import { data } from './commands/data.ts'
import { ehlo, helo, lhlo } from './commands/hello.ts'
import { createHelp } from './commands/help.ts'
import { mail, saml, send, soml } from './commands/mail.ts'
import { noop, quit, rset } from './commands/plain-commands.ts'
import { rcpt } from './commands/rcpt.ts'
import { starttls } from './commands/starttls.ts'
import { atrn, etrn, turn } from './commands/turn.ts'
import { expn, vrfy } from './commands/verify.ts'
import type { ListenerRole } from './services.ts'

export interface Dialect {
  readonly commands: ReadonlyMap<string, Command>
  /** The command with which a client begins. */
  readonly hello: 'EHLO' | 'LHLO'
  /** RFC 2033 §4.2: a whole message has a reply for each of its recipients. */
  readonly answersEach: boolean
}

const smtp: Dialect = {
  commands: tableOf([
    ehlo,
    helo,
    mail,
    rcpt,
    data,
    bdat,
    burl,
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
  ]),
  hello: 'EHLO',
  answersEach: false,
}

const lmtp: Dialect = {
  commands: tableOf([lhlo, mail, rcpt, data, bdat, rset, noop, quit, vrfy, expn, starttls]),
  hello: 'LHLO',
  answersEach: true,
}

export function dialectOf(role: ListenerRole): Dialect {
  return role === 'lmtp' ? lmtp : smtp
}

function tableOf(commands: readonly Command[]): ReadonlyMap<string, Command> {
  return new Map([...commands, createHelp(commands)].map(command => [command.verb, command]))
}
