// Commands of POP3 as one line brings them (RFC 1939 §3, RFC 2449 §3): a value each. Nothing of a session.
import { isUtf8 } from 'node:buffer'

/** Without arguments. */
export type PlainVerb = 'CAPA' | 'STLS' | 'UTF8' | 'STAT' | 'NOOP' | 'RSET' | 'QUIT'

export type Pop3Command =
  | { readonly verb: PlainVerb }
  | { readonly verb: 'USER'; readonly name: string }
  | { readonly verb: 'PASS'; readonly password: string }
  /** Nobody has it here, and whoever asks for it is told so. */
  | { readonly verb: 'APOP' }
  /** Without a mechanism: which there are. */
  | {
      readonly verb: 'AUTH'
      /** In upper case. */
      readonly mechanism: string | undefined
      /** In base64, or '=' (RFC 5034 §4). */
      readonly initialResponse: string | undefined
    }
  /** A language range (RFC 4647 §2.1); undefined: which there are. */
  | { readonly verb: 'LANG'; readonly range: string | undefined }
  /** undefined: of all messages. */
  | { readonly verb: 'LIST' | 'UIDL'; readonly message: number | undefined }
  | { readonly verb: 'RETR' | 'DELE'; readonly message: number }
  | { readonly verb: 'TOP'; readonly message: number; readonly lines: number }

export type CommandVerb = Pop3Command['verb']

export type CommandProblem =
  /** `verb` as it came, its beginning. */
  | { readonly problem: 'unknown'; readonly verb: string }
  | { readonly problem: 'syntax'; readonly verb: CommandVerb }
  | { readonly problem: 'not-utf8' }

/** How each is written, for whoever got it wrong. */
export const syntaxOf: Readonly<Record<CommandVerb, string>> = {
  APOP: 'APOP name digest',
  AUTH: 'AUTH mechanism [initial-response]',
  CAPA: 'CAPA',
  DELE: 'DELE message',
  LANG: 'LANG [language]',
  LIST: 'LIST [message]',
  NOOP: 'NOOP',
  PASS: 'PASS password',
  QUIT: 'QUIT',
  RETR: 'RETR message',
  RSET: 'RSET',
  STAT: 'STAT',
  STLS: 'STLS',
  TOP: 'TOP message lines',
  UIDL: 'UIDL [message]',
  USER: 'USER name',
  UTF8: 'UTF8',
}

const verbs = new Set(Object.keys(syntaxOf))

const mostVerbCharacters = 32
const numberText = /^[0-9]{1,15}$/
const languageRange = /^(?:\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8})$/

export function isProblem(command: Pop3Command | CommandProblem): command is CommandProblem {
  return 'problem' in command
}

/** `line` is without its CRLF. Keywords are the same in either case (RFC 1939 §3). */
export function parseCommand(line: Buffer): Pop3Command | CommandProblem {
  if (!isUtf8(line)) return { problem: 'not-utf8' }
  const text = line.toString('utf8')
  const end = text.indexOf(' ')
  const word = end < 0 ? text : text.slice(0, end)
  const verb = word.toUpperCase()
  if (!isVerb(verb)) return { problem: 'unknown', verb: word.slice(0, mostVerbCharacters) }
  const rest = end < 0 ? undefined : text.slice(end + 1)
  return parseArguments(verb, rest) ?? { problem: 'syntax', verb }
}

function isVerb(word: string): word is CommandVerb {
  return verbs.has(word)
}

/** `rest`: what is behind the first blank. */
function parseArguments(verb: CommandVerb, rest: string | undefined): Pop3Command | undefined {
  // RFC 1939 §7: what stands behind PASS is one argument, blanks and all.
  if (verb === 'PASS') return rest ? { verb, password: rest } : undefined
  const words = (rest ?? '').split(' ').filter(word => word !== '')
  const [first, second] = words
  if (words.length > 2) return undefined
  switch (verb) {
    case 'USER':
      return first !== undefined && second === undefined ? { verb, name: first } : undefined
    case 'APOP':
      return { verb }
    case 'AUTH':
      return { verb, mechanism: first?.toUpperCase(), initialResponse: second }
    case 'LANG':
      if (second !== undefined || (first !== undefined && !languageRange.test(first))) return undefined
      return { verb, range: first }
    case 'LIST':
    case 'UIDL':
      if (first === undefined) return { verb, message: undefined }
      return withMessage(first, second, message => ({ verb, message }))
    case 'RETR':
    case 'DELE':
      return withMessage(first, second, message => ({ verb, message }))
    case 'TOP': {
      const lines = parseNumber(second)
      return lines === undefined
        ? undefined
        : withMessage(first, undefined, message => ({ verb, message, lines }))
    }
    case 'CAPA':
    case 'STLS':
    case 'UTF8':
    case 'STAT':
    case 'NOOP':
    case 'RSET':
    case 'QUIT':
      return first === undefined ? { verb } : undefined
    default:
      return verb satisfies never
  }
}

function withMessage(
  number: string | undefined,
  more: string | undefined,
  command: (message: number) => Pop3Command,
): Pop3Command | undefined {
  const message = parseNumber(number)
  return message === undefined || more !== undefined ? undefined : command(message)
}

function parseNumber(text: string | undefined): number | undefined {
  return text !== undefined && numberText.test(text) ? Number(text) : undefined
}
