// The format of a transcript: a dialogue that an RFC reader can review (RFC 5321 Appendix D), and what came of it.
//
//   # What the rule is, and where it stands.
//   role: submission
//   limits: maxRecipients=2 maxMessageBytes=1000
//
//   S: 220 mail.example.test ...
//   C: NOOP
//   S: 250 2.0.0 Ok
//   ACCEPTED: from=<a@example.org> to=<anna@example.test> data="Hello\r\n"
//   CLOSED
//
// S: is a line of the server; `...` matches any text, and `S: ...` alone any number of lines. C: is a line of the client,
// with its CRLF; C<raw>: has none, and knows \r \n \t \\ \xHH and \{text*count}. HANDSHAKE begins TLS. WAIT 300s moves the
// clock. EOF ends the client's side. ACCEPTED is a message that was taken, in order; whatever is not there was not taken.
// REFUSED is a refusal for the trail; when one stands there, all have to. CLOSED: the server has closed the connection.
import type { ListenerRole } from '../../src/smtp/server/services.ts'

export type Way = 'lines' | 'bytes' | 'pipelined'

export const allWays: readonly Way[] = ['lines', 'bytes', 'pipelined']

/** Whether the services answer in the same turn or in a later one. */
export type Tempo = 'at-once' | 'later'

export type Move =
  | { readonly kind: 'server'; readonly line: number; readonly pattern: string }
  | { readonly kind: 'client'; readonly line: number; readonly bytes: Buffer }
  | { readonly kind: 'handshake' | 'end' | 'closed'; readonly line: number }
  | { readonly kind: 'wait'; readonly line: number; readonly ms: number }

export interface TranscriptSettings {
  readonly role: ListenerRole
  readonly tls: boolean
  readonly limits: Readonly<Record<string, number>>
  /** Options of the server that are true. */
  readonly options: readonly string[]
  readonly localNetworks: readonly string[]
  /** Who may come in; none: everybody. */
  readonly clients: readonly string[]
  readonly proxyFrom: readonly string[]
  readonly ways: readonly Way[]
}

export interface Transcript {
  readonly name: string
  readonly settings: TranscriptSettings
  readonly moves: readonly Move[]
  readonly accepted: readonly string[]
  /** undefined: not looked at. */
  readonly refused: readonly string[] | undefined
}

const defaults: TranscriptSettings = {
  role: 'relay',
  tls: false,
  limits: {},
  options: [],
  localNetworks: [],
  clients: [],
  proxyFrom: [],
  ways: allWays,
}

export function parseTranscript(name: string, text: string): Transcript {
  const lines = text.split('\n')
  const blank = lines.indexOf('')
  if (blank < 0) throw new Error(`${name}: an empty line has to stand between the settings and the dialogue`)
  let settings = defaults
  for (const [index, line] of lines.slice(0, blank).entries())
    if (!line.startsWith('#')) settings = { ...settings, ...parseSetting(line, `${name}:${index + 1}`) }
  const moves: Move[] = []
  const accepted: string[] = []
  const refused: string[] = []
  for (const [offset, line] of lines.slice(blank + 1).entries()) {
    const where = blank + 2 + offset
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('ACCEPTED: ')) accepted.push(line.slice('ACCEPTED: '.length))
    else if (line.startsWith('REFUSED: ')) refused.push(line.slice('REFUSED: '.length))
    else moves.push(parseMove(line, where, `${name}:${where}`))
  }
  return { name, settings, moves, accepted, refused: refused.length > 0 ? refused : undefined }
}

function parseSetting(line: string, where: string): Partial<TranscriptSettings> {
  const [, key = '', value = ''] = /^(\w+): (.*)$/.exec(line) ?? []
  const words = value.split(' ')
  switch (key) {
    case 'role':
      return { role: value as ListenerRole }
    case 'tls':
      return { tls: value === 'yes' }
    case 'limits':
      return {
        limits: Object.fromEntries(
          words.map(word => {
            const [limit = '', number] = word.split('=')
            return [limit, Number(number)]
          }),
        ),
      }
    case 'options':
      return { options: words }
    case 'localNetworks':
      return { localNetworks: words }
    case 'clients':
      return { clients: words }
    case 'proxyFrom':
      return { proxyFrom: words }
    case 'ways': {
      // What stands after the dash is the reason.
      const ways = (value.split(' - ')[0] ?? '').split(' ')
      return { ways: allWays.filter(way => ways.includes(way)) }
    }
    default:
      throw new Error(`${where}: no such setting: ${line}`)
  }
}

function parseMove(text: string, line: number, where: string): Move {
  if (text.startsWith('S: ')) return { kind: 'server', line, pattern: text.slice(3) }
  if (text.startsWith('C: ')) return { kind: 'client', line, bytes: Buffer.from(`${text.slice(3)}\r\n`) }
  if (text === 'C:') return { kind: 'client', line, bytes: Buffer.from('\r\n') }
  if (text.startsWith('C<raw>: ')) return { kind: 'client', line, bytes: unescape(text.slice(8)) }
  if (text === 'HANDSHAKE') return { kind: 'handshake', line }
  if (text === 'EOF') return { kind: 'end', line }
  if (text === 'CLOSED') return { kind: 'closed', line }
  const wait = /^WAIT (\d+)s$/.exec(text)
  if (wait) return { kind: 'wait', line, ms: Number(wait[1]) * 1000 }
  throw new Error(`${where}: neither a line of the dialogue nor an effect: ${text}`)
}

function unescape(text: string): Buffer {
  const parts: Buffer[] = []
  const pattern = /\\(?:([rnt\\])|x([0-9a-fA-F]{2})|\{([^*}]+)\*(\d+)\})|[^\\]+/g
  for (const [whole, letter, hex, repeated, count] of text.matchAll(pattern)) {
    if (letter) parts.push(Buffer.from({ r: '\r', n: '\n', t: '\t', '\\': '\\' }[letter] ?? ''))
    else if (hex) parts.push(Buffer.from(hex, 'hex'))
    else if (repeated) parts.push(Buffer.concat(Array<Buffer>(Number(count)).fill(unescape(repeated))))
    else parts.push(Buffer.from(whole))
  }
  return Buffer.concat(parts)
}

/** `...` in the pattern stands for any text. */
export function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('...')
  if (parts.length === 1) return pattern === text
  const [first = ''] = parts
  const last = parts.at(-1) ?? ''
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return false
  let position = first.length
  const end = text.length - last.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, position)
    if (found < 0 || found + part.length > end) return false
    position = found + part.length
  }
  return true
}
