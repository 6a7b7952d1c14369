// Where in a hook file an error is: Node.js says it in the first line of the stack for text that does not compile, and in the
// frames for what was thrown.
import { fileURLToPath } from 'node:url'
import { replaceControls } from '../runtime/text.ts'
import type { HookProblem } from './worker-messages.ts'

const maxLength = 300
const firstLine = /^(?:file:\/\/)?(\/[^\n]*?):(\d+)\n/
const frame =
  /\((?:async )?(file:\/\/\/[^\s()]+?):(\d+):\d+\)|at (?:async )?(file:\/\/\/[^\s()]+?):(\d+):\d+/g

/** `own`: frames in these files are ours, and say nothing of the hook file. */
export function describeProblem(cause: unknown, own: readonly string[] = []): HookProblem {
  if (!(cause instanceof Error)) return { message: clip(`it threw ${String(cause)}, which is no Error`) }
  const message = clip(`${cause.name}: ${cause.message}`)
  const stack = cause.stack ?? ''
  const [, file, line] = firstLine.exec(stack) ?? []
  if (file !== undefined) return { message, file: decodeURI(file), line: Number(line) }
  for (const [, inBrackets, lineInBrackets, bare, bareLine] of stack.matchAll(frame)) {
    const url = inBrackets ?? bare
    if (url === undefined || own.includes(url)) continue
    return { message, file: fileURLToPath(url), line: Number(lineInBrackets ?? bareLine) }
  }
  return { message }
}

/** 'hooks.ts:3: SyntaxError: …', with the whole path. */
export function formatProblem({ message, file, line }: HookProblem): string {
  if (file === undefined) return message
  return `${file}${line === undefined ? '' : `:${line}`}: ${message}`
}

function clip(text: string): string {
  return replaceControls(text, ' ').slice(0, maxLength)
}
