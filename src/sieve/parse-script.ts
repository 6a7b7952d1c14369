// Reads a script (RFC 5228): what it says, or everything that is wrong with it.
import { checkScript } from './language/check.ts'
import type { Vocabulary } from './language/definitions.ts'
import { vocabulary as ownVocabulary } from './language/vocabulary.ts'
import { defaultLimits, type SieveLimits } from './limits.ts'
import { Problems, SourceText } from './problem.ts'
import type { ParsedScript } from './script.ts'
import { parseTree } from './syntax/parse-tree.ts'
import { readTokens } from './syntax/tokens.ts'

export interface ParseOptions {
  readonly limits?: SieveLimits
  readonly vocabulary?: Vocabulary
}

/** `text`: of an upload in UTF-8, decoded; a byte order mark before it is passed over. */
export function parseScript(text: string, options: ParseOptions = {}): ParsedScript {
  const limits = options.limits ?? defaultLimits
  const { maxScriptBytes } = limits
  const source = new SourceText(text.startsWith('\uFEFF') ? ` ${text.slice(1)}` : text)
  const problems = new Problems(source, limits.maxProblems)
  const bytes = Buffer.byteLength(text)
  if (bytes > maxScriptBytes) {
    problems.add(0, `The script has ${bytes} bytes; it may have ${maxScriptBytes}. Make it shorter.`)
    return { problems: problems.list }
  }
  const tokens = readTokens(source.text, limits.maxTokens, problems)
  // What is said of words and arguments is about others than those that were meant.
  if (problems.count > 0) return { problems: problems.list }
  const tree = parseTree(tokens, limits, problems)
  const script = checkScript(tree, source, options.vocabulary ?? ownVocabulary, limits, problems)
  return problems.count > 0 ? { problems: problems.list } : { script }
}
