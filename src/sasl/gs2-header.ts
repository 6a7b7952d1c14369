// The GS2 header (RFC 5801 §4): whether the client binds the channel, and for whom it acts. SCRAM and OAUTHBEARER begin with it.

type Binding =
  /** n: the client knows none. y: it knows some, and believes that the server does not. */
  { readonly kind: 'n' | 'y' } | { readonly kind: 'p'; readonly type: string }

export interface Gs2Header {
  readonly binding: Binding
  /** '': it acts for itself. */
  readonly identity: string
}

/** 'n,a=anna@example.test,' */
export function readGs2Header(text: string): Gs2Header | undefined {
  const [flag = '', identityText = '', end, ...rest] = text.split(',')
  const binding = parseBinding(flag)
  const identity = identityText === '' ? '' : readName(identityText, 'a')
  return binding && identity !== undefined && end === '' && rest.length === 0
    ? { binding, identity }
    : undefined
}

function parseBinding(flag: string): Binding | undefined {
  if (flag === 'n' || flag === 'y') return { kind: flag }
  const type = readValue(flag, 'p')
  return type !== undefined && /^[A-Za-z0-9.-]+$/.test(type) ? { kind: 'p', type } : undefined
}

export function readValue(text: string, attribute: string): string | undefined {
  return text.startsWith(`${attribute}=`) ? text.slice(attribute.length + 1) : undefined
}

/** RFC 5801 §4, RFC 5802 §5.1: a comma in a name is =2C, an equals sign =3D, and no other = is in it. */
export function readName(text: string, attribute: string): string | undefined {
  const encoded = readValue(text, attribute)
  if (encoded === undefined || /=(?!2C|3D)/.test(encoded)) return undefined
  return encoded.replaceAll('=2C', ',').replaceAll('=3D', '=')
}
