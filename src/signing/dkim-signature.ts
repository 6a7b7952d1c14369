// A DKIM-Signature field (RFC 6376 §3.5), relaxed/relaxed, with the hash of the body and the fields found before.
import { relaxHeader, type SignedFields } from './signed-fields.ts'
import type { KeyAlgorithm, SigningKey } from './signing-key.ts'

export interface HashedMessage {
  readonly fields: SignedFields
  /** Base64. */
  readonly bodyHash: string
}

const algorithmTags: Readonly<Record<KeyAlgorithm, string>> = {
  rsa: 'rsa-sha256',
  ed25519: 'ed25519-sha256',
}

const fieldName = 'DKIM-Signature'
const fold = '\r\n\t'
/** RFC 5322 §2.1.1 */
const lineLength = 76

/** The whole field, with its CRLF. `at`: ms since 1970. */
export async function composeSignature(
  key: SigningKey,
  { fields, bodyHash }: HashedMessage,
  at: number,
): Promise<string> {
  const value = [
    ` v=1; a=${algorithmTags[key.algorithm]}; c=relaxed/relaxed;`,
    // RFC 8616 §5: A-labels are understood in every message.
    `d=${key.domain};`,
    `s=${key.selector}; t=${Math.floor(at / 1000)};`,
    ...foldNames(fields.names),
    `bh=${bodyHash};`,
    'b=',
  ].join(fold)
  // §3.7: the field itself comes last, without its signature and without a line end.
  const signature = await key.sign(Buffer.from(fields.relaxed + relaxHeader(fieldName, value), 'latin1'))
  const pieces =
    Buffer.from(signature)
      .toString('base64')
      .match(/.{1,72}/g) ?? []
  return `${fieldName}:${value}${pieces.join(fold)}\r\n`
}

function foldNames(names: readonly string[]): string[] {
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
