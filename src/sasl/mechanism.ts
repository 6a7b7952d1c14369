// What every authentication mechanism is to a session (RFC 4422): a few steps that end in credentials.

import { isUtf8 } from 'node:buffer'

export interface Credentials {
  /** As sent: the session's services know what names there are. */
  readonly name: string
  readonly password: string
}

export type SaslStep =
  /** Send this to the client, in base64, and wait for its answer. */
  | { readonly kind: 'challenge'; readonly data: string; readonly next: (answer: Buffer) => SaslStep }
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  /** The client's answer makes no sense. */
  | { readonly kind: 'malformed' }
  /** It makes sense, and is not permitted whatever the password. */
  | { readonly kind: 'denied' }

export interface SaslMechanism {
  readonly name: string
  /** `initial` is undefined when the client sent no initial response. */
  start(initial: Buffer | undefined): SaslStep
}

/** What is no UTF-8 is neither a name nor a password (RFC 4616 §2). */
export function decodeUtf8(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

/** Strict: undefined for anything that is not the base64 of something (RFC 4648 §3.3). */
export function decodeBase64(text: string): Buffer | undefined {
  const decoded = Buffer.from(text, 'base64')
  return decoded.toString('base64') === text ? decoded : undefined
}
