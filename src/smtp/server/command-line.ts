// A command line: verb and argument (RFC 5321 §2.4, §4.1.1).

import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'

export interface CommandLine {
  /** Upper case. */
  readonly verb: string
  /** Without the blanks around it. */
  readonly argument: string
}

/** Takes a line without its CRLF. */
export function parseCommandLine(line: Buffer): CommandLine | Reply {
  for (const byte of line) if (byte < 0x20 && byte !== 0x09) return replies.badCommandLine
  const text = line.toString('utf8').trim()
  if (text === '') return replies.badCommandLine
  const space = text.search(/[ \t]/)
  if (space < 0) return { verb: text.toUpperCase(), argument: '' }
  return { verb: text.slice(0, space).toUpperCase(), argument: text.slice(space + 1).trim() }
}

/** The rest of the argument after a keyword such as "FROM:", blanks skipped; undefined when it is not there. */
export function afterKeyword(argument: string, keyword: string): string | undefined {
  if (argument.slice(0, keyword.length).toUpperCase() !== keyword) return undefined
  return argument.slice(keyword.length).trimStart()
}
