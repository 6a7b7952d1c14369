// Reads one command of a test, as the session does.
import {
  type CommandHead,
  type ImapCommand,
  isProblem,
  parseCommand,
  parseCommandHead,
} from '../../src/imap/grammar/command.ts'
import {
  type AppendEvent,
  type AppendPlace,
  parseAppendStep,
} from '../../src/imap/grammar/commands/append.ts'
import type { GrammarProblem } from '../../src/imap/grammar/problem.ts'
import type { GrammarTerms } from '../../src/imap/grammar/terms.ts'

export const usualTerms: GrammarTerms = { utf8Names: false, maxTerms: 2000, maxNesting: 200 }
export const utf8Terms: GrammarTerms = { ...usualTerms, utf8Names: true }

/** Without the CRLF at the end. */
export function read(text: string | Buffer, terms: GrammarTerms = usualTerms): ImapCommand | GrammarProblem {
  const bytes = Buffer.from(text)
  const head = parseCommandHead(bytes, terms)
  if (isProblem(head)) return head
  return (
    parseCommand(bytes, head, terms) ?? { kind: 'syntax', text: `no command ${head.verb}`, tag: head.tag }
  )
}

/** Throws when it is none. */
export function readCommand(text: string | Buffer, terms: GrammarTerms = usualTerms): ImapCommand {
  const command = read(text, terms)
  if (isProblem(command)) throw new Error(`${String(text)}: ${command.text}`)
  return command
}

export function problemOf(text: string | Buffer, terms: GrammarTerms = usualTerms): string {
  const command = read(text, terms)
  return isProblem(command) ? `${command.kind}: ${command.text}` : 'none'
}

export type AppendTold = AppendEvent | { readonly kind: 'octets'; readonly text: string }

/** The events of an APPEND or REPLACE whose bytes are all there, and the octets between them. */
export function readAppend(text: string, terms: GrammarTerms = usualTerms): readonly AppendTold[] | string {
  let rest = Buffer.from(text)
  const head = parseCommandHead(rest, terms)
  if (isProblem(head)) return head.text
  if (head.verb !== 'APPEND' && head.verb !== 'REPLACE') return 'another command'
  const told: AppendTold[] = []
  rest = rest.subarray(head.length)
  let place: AppendPlace = { at: 'start', verb: head.verb, by: head.by }
  let lineEnd = endOfLine(rest, 0)
  for (;;) {
    const step = parseAppendStep(rest.subarray(0, lineEnd), place, terms)
    if (step.kind === 'malformed') return step.problem.text
    if (step.kind === 'needs-string') {
      lineEnd = endOfLine(rest, lineEnd + 2 + step.literal.size)
      continue
    }
    told.push(...step.events)
    if (step.kind === 'end') return told
    const begin = lineEnd + 2
    told.push({ kind: 'octets', text: rest.toString('utf8', begin, begin + step.literal.size) })
    rest = rest.subarray(begin + step.literal.size)
    lineEnd = endOfLine(rest, 0)
    place = step.next
  }
}

function endOfLine(bytes: Buffer, from: number): number {
  const found = bytes.indexOf('\r\n', from)
  return found < 0 ? bytes.length : found
}

export type { CommandHead }
