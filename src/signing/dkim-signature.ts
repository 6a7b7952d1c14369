// A DKIM-Signature field (RFC 6376 §3.5), relaxed/relaxed, with the hash of the body and the fields found before.
import { algorithmTag, composeSignedField, foldNames, keyTags } from './signed-field.ts'
import type { SignedFields } from './signed-fields.ts'
import type { SigningKey } from './signing-key.ts'

export interface HashedMessage {
  readonly fields: SignedFields
  /** Base64. */
  readonly bodyHash: string
}

/** The whole field, with its CRLF. `at`: ms since 1970. */
export async function composeSignature(
  key: SigningKey,
  { fields, bodyHash }: HashedMessage,
  at: number,
): Promise<string> {
  return await composeSignedField(key, {
    name: 'DKIM-Signature',
    lines: [
      `v=1; ${algorithmTag(key)} c=relaxed/relaxed;`,
      ...keyTags(key, at),
      ...foldNames(fields.names),
      `bh=${bodyHash};`,
    ],
    before: fields.relaxed,
  })
}
