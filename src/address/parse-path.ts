// Paths: the arguments of MAIL and RCPT (RFC 5321 §4.1.1.2, §4.1.1.3, §4.1.2; RFC 6531 §3.3).

import { isAscii } from '../runtime/text.ts'
import type { Address, ReversePath } from './address.ts'
import { parseDomain } from './parse-domain.ts'
import { type AddressProblem, scanMailbox } from './scan-mailbox.ts'

export type PathProblem =
  | AddressProblem
  | 'missing-brackets'
  | 'unclosed-bracket'
  | 'source-route-syntax'
  /** `<>` where a recipient is wanted. */
  | 'empty'

export interface PathOptions {
  /** The transaction has SMTPUTF8: UTF-8 local-parts and U-labels are allowed. */
  readonly allowUnicode: boolean
  /** `MAIL FROM:a@b` is taken too. */
  readonly allowMissingBrackets?: boolean
}

export interface Parsed<Path> {
  readonly kind: 'path'
  readonly path: Path
  /** What follows the path: the parameters, with their leading space. */
  readonly rest: string
}

export interface UnparsedPath {
  readonly kind: 'problem'
  readonly problem: PathProblem
}

/** `<Postmaster>` without a domain (RFC 5321 §4.1.1.3): the postmaster of the server that is asked. */
export type ForwardPath = Address | 'postmaster'

const maxPathOctets = 256

/** `<a@b> SIZE=1` → the path and ` SIZE=1`; `<>` → null. */
export function parseReversePath(text: string, options: PathOptions): Parsed<ReversePath> | UnparsedPath {
  if (text.startsWith('<>')) return withRest(null, text.slice(2))
  const found = parsePath(text, options)
  if (found.kind === 'problem') return found
  if (found.path.domain === undefined) return problem('missing-domain')
  return { ...found, path: { localPart: found.path.localPart, domain: found.path.domain } }
}

/** A source route (`<@a,@b:c@d>`) is accepted and dropped (RFC 5321 §4.1.1.3, Appendix C). */
export function parseForwardPath(text: string, options: PathOptions): Parsed<ForwardPath> | UnparsedPath {
  if (text.startsWith('<>')) return problem('empty')
  const found = parsePath(text, options)
  if (found.kind === 'problem') return found
  const { localPart, domain } = found.path
  if (domain !== undefined) return { ...found, path: { localPart, domain } }
  return localPart.toLowerCase() === 'postmaster'
    ? { ...found, path: 'postmaster' }
    : problem('missing-domain')
}

interface PathParts {
  readonly localPart: string
  readonly domain: string | undefined
}

function parsePath(text: string, options: PathOptions): Parsed<PathParts> | UnparsedPath {
  const bracketed = text.startsWith('<')
  if (!bracketed && !options.allowMissingBrackets) return problem('missing-brackets')
  const start = bracketed ? skipSourceRoute(text, 1) : 0
  if (start === undefined) return problem('source-route-syntax')
  const scan = scanMailbox(text, start)
  if (typeof scan === 'string') return problem(!options.allowUnicode && !isAscii(text) ? 'non-ascii' : scan)
  if (bracketed && text[scan.end] !== '>')
    return problem(text.includes('>', scan.end) ? 'syntax' : 'unclosed-bracket')
  const end = bracketed ? scan.end + 1 : scan.end
  const raw = text.slice(0, end)
  if (Buffer.byteLength(raw) > maxPathOctets) return problem('path-too-long')
  if (!options.allowUnicode && !isAscii(raw)) return problem('non-ascii')
  return withRest({ localPart: scan.localPart, domain: scan.domain }, text.slice(end))
}

/** RFC 5321 §4.1.1.2: a space stands between the path and the parameters. */
function withRest<Path>(path: Path, rest: string): Parsed<Path> | UnparsedPath {
  return rest === '' || rest.startsWith(' ') ? { kind: 'path', path, rest } : problem('syntax')
}

/** The index after `@a,@b:`; `start` itself when there is no route; undefined when it is malformed. */
function skipSourceRoute(text: string, start: number): number | undefined {
  if (text[start] !== '@') return start
  const colon = text.indexOf(':', start)
  if (colon < 0) return undefined
  const hops = text.slice(start, colon).split(',')
  return hops.every(hop => hop.startsWith('@') && parseDomain(hop.slice(1)) !== undefined)
    ? colon + 1
    : undefined
}

function problem(kind: PathProblem): UnparsedPath {
  return { kind: 'problem', problem: kind }
}
