// A line of a peer for the log. Two things stay out of it. What proves who somebody is: the answers of AUTH, its initial
// response, and what is no command, because a client that has missed a refusal of AUTH sends the password as if it were
// one. And mail data, which comes as commands from a client that has missed a refusal of DATA: no later reply shows that it
// has noticed, since "Help me" in a letter is a command too, so of what follows there are only the verbs.

import { mechanismNames } from '../../sasl/mechanisms.ts'
import type { Session } from './session.ts'

/** `line` is without its CRLF. */
export function describeLine(
  line: Buffer,
  { dialect, state, mailDataMayFollow }: Pick<Session, 'dialect' | 'state' | 'mailDataMayFollow'>,
): string {
  if (state.phase === 'authenticating') return '(answer to a challenge)'
  const [verb = '', argument, ...rest] = line
    .toString('utf8')
    .trim()
    .split(/[ \t]+/)
  if (!dialect.commands.has(verb.toUpperCase())) return `(no command, ${line.length} bytes)`
  if (mailDataMayFollow) return `${verb} (${line.length} bytes)`
  if (verb.toUpperCase() === 'AUTH' && argument !== undefined) {
    // What is none of these may be the response of a client that has left the mechanism out.
    if (!mechanismNames.includes(argument.toUpperCase())) return `${verb} (no mechanism of this server)`
    if (rest.length > 0) return `${verb} ${argument} (initial response)`
  }
  return [verb, ...(argument === undefined ? [] : [argument]), ...rest].join(' ')
}
