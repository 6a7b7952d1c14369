// A field that carries a signature over others and over itself: what DKIM, and both signatures of ARC, have in common (RFC 6376
// §3.5, §3.7; RFC 8617 §4.1).
import { relaxHeader } from './signed-fields.ts'
import type { KeyAlgorithm, SigningKey } from './signing-key.ts'

export interface SignedFieldContent {
  readonly name: string
  /** Tags, each line with its last semicolon; b= comes behind them. */
  readonly lines: readonly string[]
  /** What it covers besides itself, relaxed, each field with its CRLF. Each octet is one character. */
  readonly before: string
}

const algorithmTags: Readonly<Record<KeyAlgorithm, string>> = {
  rsa: 'rsa-sha256',
  ed25519: 'ed25519-sha256',
}

export function algorithmTag({ algorithm }: SigningKey): string {
  return `a=${algorithmTags[algorithm]};`
}

/** RFC 8616 §5: A-labels are understood in every message. `at`: ms since 1970. */
export function keyTags({ domain, selector }: SigningKey, at: number): readonly [string, string] {
  return [`d=${domain};`, `s=${selector}; t=${Math.floor(at / 1000)};`]
}

const fold = '\r\n\t'
/** RFC 5322 §2.1.1 */
const lineLength = 76

/** The whole field, with its CRLF. */
export async function composeSignedField(
  key: SigningKey,
  { name, lines, before }: SignedFieldContent,
): Promise<string> {
  const value = ` ${[...lines, 'b='].join(fold)}`
  // §3.7: the field itself comes last, without its signature and without a line end.
  const signature = await key.sign(Buffer.from(before + relaxHeader(name, value), 'latin1'))
  const pieces =
    Buffer.from(signature)
      .toString('base64')
      .match(/.{1,72}/g) ?? []
  return `${name}:${value}${pieces.join(fold)}\r\n`
}

/** h=, in lines. */
export function foldNames(names: readonly string[]): string[] {
  const lines: string[] = []
  let line = 'h='
  for (const [index, name] of names.entries()) {
    const word = index < names.length - 1 ? `${name}:` : `${name};`
    if (line.length + word.length > lineLength) {
      lines.push(line)
      line = ''
    }
    line += word
  }
  return [...lines, line]
}
