// A command line: verb and argument (RFC 5321 §2.4, §4.1.1).
import { isUtf8 } from 'node:buffer'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'

export interface CommandLine {
  /** Upper case. */
  readonly verb: string
  /** Without the blanks around it. */
  readonly argument: string
}

// A tab is a blank, as many programs have it.
const unusual = /[^\t -~]/
const control = /[\0-\x08\x0a-\x1f\x7f-\x9f]/

/** Takes a line without its CRLF. */
export function parseCommandLine(line: Buffer): CommandLine | Reply {
  let text = line.toString('latin1')
  if (unusual.test(text)) {
    // Beyond ASCII there is only UTF-8 (RFC 6531); where it may stand is for each command to say.
    if (!isUtf8(line)) return replies.badCommandLine
    text = line.toString('utf8')
    if (control.test(text)) return replies.badCommandLine
  }
  text = text.trim()
  if (text === '') return replies.badCommandLine
  const end = findBlank(text)
  if (end < 0) return { verb: text.toUpperCase(), argument: '' }
  return { verb: text.slice(0, end).toUpperCase(), argument: text.slice(end + 1).trimStart() }
}

function findBlank(text: string): number {
  const space = text.indexOf(' ')
  const tab = text.indexOf('\t')
  return space < 0 || (tab >= 0 && tab < space) ? tab : space
}

/** The rest of the argument after a keyword such as "FROM:", blanks skipped; undefined when it is not there. */
export function afterKeyword(argument: string, keyword: string): string | undefined {
  if (argument.slice(0, keyword.length).toUpperCase() !== keyword) return undefined
  return argument.slice(keyword.length).trimStart()
}
