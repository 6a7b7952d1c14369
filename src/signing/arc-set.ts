// One more ARC set on top of a message (RFC 8617 §4.1, §5.1): what this server had found when the message came, the message as it
// leaves, and a seal over that and all sets before.
import type { ArcSet } from '../mail-authentication/arc/chain.ts'
import { algorithmTag, composeSignedField, foldNames, keyTags } from './signed-field.ts'
import { relaxHeader, type SignedFields } from './signed-fields.ts'
import type { SigningKey } from './signing-key.ts'

export interface ArcSetContent {
  readonly instance: number
  /** cv=: what was found of the sets before. */
  readonly chain: 'none' | 'pass' | 'fail'
  /** Those before, in their order; none where the chain is broken (§5.1.2). */
  readonly before: readonly ArcSet[]
  /** The value of the Authentication-Results field, ASCII, without its last CRLF. */
  readonly results: string
  readonly fields: SignedFields
  /** Base64. */
  readonly bodyHash: string
  /** ms since 1970. */
  readonly at: number
}

const resultsName = 'ARC-Authentication-Results'
const messageSignatureName = 'ARC-Message-Signature'
const sealName = 'ARC-Seal'
const crlf = '\r\n'

/** The three fields, with their CRLFs. */
export async function composeArcSet(
  key: SigningKey,
  { instance, chain, before, results, fields, bodyHash, at }: ArcSetContent,
): Promise<string> {
  const resultsValue = ` i=${instance}; ${results}`
  const messageSignature = await composeSignedField(key, {
    name: messageSignatureName,
    lines: [
      `i=${instance}; ${algorithmTag(key)} c=relaxed/relaxed;`,
      ...keyTags(key, at),
      ...foldNames(fields.names),
      `bh=${bodyHash};`,
    ],
    before: fields.relaxed,
  })
  const sealed = before.map(
    ({ resultsField, messageSignatureField, sealField }) =>
      resultsField.canonical('relaxed') +
      messageSignatureField.canonical('relaxed') +
      sealField.canonical('relaxed'),
  )
  const seal = await composeSignedField(key, {
    name: sealName,
    lines: [`i=${instance}; ${algorithmTag(key)} cv=${chain};`, ...keyTags(key, at)],
    before:
      sealed.join('') +
      relaxHeader(resultsName, resultsValue) +
      crlf +
      relaxHeader(messageSignatureName, messageSignature.slice(messageSignatureName.length + 1, -2)) +
      crlf,
  })
  return `${seal}${messageSignature}${resultsName}:${resultsValue}${crlf}`
}
