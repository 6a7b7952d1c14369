// What Node does not tell of a certificate, from its DER (X.690, RFC 5280 §4.1): the public key as it stands there, and
// what an authority may sign.

interface Element {
  readonly tag: number
  readonly content: Uint8Array
  /** Tag and length too. */
  readonly whole: Uint8Array
  readonly rest: Uint8Array
}

/** undefined: no DER. */
function readElement(bytes: Uint8Array): Element | undefined {
  const [tag, first] = bytes
  if (tag === undefined || first === undefined) return undefined
  let length = first
  let start = 2
  if (first >= 0x80) {
    const octets = first & 0x7f
    // A certificate is smaller than 16 MB; an indefinite length (0) is not DER.
    if (octets === 0 || octets > 3 || bytes.length < 2 + octets) return undefined
    length = 0
    for (const octet of bytes.subarray(2, 2 + octets)) length = length * 256 + octet
    start = 2 + octets
  }
  const end = start + length
  if (end > bytes.length) return undefined
  return {
    tag,
    content: bytes.subarray(start, end),
    whole: bytes.subarray(0, end),
    rest: bytes.subarray(end),
  }
}

function elementsOf(content: Uint8Array): Element[] {
  const elements: Element[] = []
  let element = readElement(content)
  while (element) {
    elements.push(element)
    element = readElement(element.rest)
  }
  return elements
}

const versionTag = 0xa0
const extensionsTag = 0xa3
const integerTag = 0x02

function fieldsOf(certificate: Uint8Array): Element[] {
  const outer = readElement(certificate)
  const signed = outer && readElement(outer.content)
  const fields = signed ? elementsOf(signed.content) : []
  return fields[0]?.tag === versionTag ? fields.slice(1) : fields
}

/** SubjectPublicKeyInfo: the sixth field after the version. */
export function publicKeyInfo(certificate: Uint8Array): Uint8Array | undefined {
  return fieldsOf(certificate)[5]?.whole
}

const basicConstraints = '551d13'
const nameConstraints = '551d1e'

export interface IssuingLimits {
  /** How many authorities may stand between this one and the server's certificate. */
  readonly pathLength: number
  /** It may issue for some names only (RFC 5280 §4.2.1.10). */
  readonly hasNameConstraints: boolean
}

export function issuingLimits(certificate: Uint8Array): IssuingLimits {
  const extensions = fieldsOf(certificate).find(({ tag }) => tag === extensionsTag)
  const list = extensions && readElement(extensions.content)
  let pathLength = Infinity
  let hasNameConstraints = false
  for (const { content } of list ? elementsOf(list.content) : []) {
    const parts = elementsOf(content)
    const id = Buffer.from(parts[0]?.content ?? []).toString('hex')
    if (id === nameConstraints) hasNameConstraints = true
    if (id !== basicConstraints) continue
    const value = readElement(parts.at(-1)?.content ?? new Uint8Array())
    const limit = value && elementsOf(value.content).find(({ tag }) => tag === integerTag)
    if (limit) pathLength = limit.content.length > 1 ? Infinity : (limit.content[0] ?? 0)
  }
  return { pathLength, hasNameConstraints }
}
