// What every authentication mechanism is to a session (RFC 4422): a state machine over bytes, without I/O. It ends in what a
// client has shown; whether that proves anybody is asked outside (`exchange.ts`).

import { isUtf8 } from 'node:buffer'
import type { ChannelBindingType } from './channel-binding.ts'
import type { ScramHash, ScramKeys, ScramOffer } from './scram-keys.ts'

export interface Credentials {
  /** As sent: the session's services know what names there are. */
  readonly name: string
  readonly password: string
}

export type SaslStep =
  /** Send this to the client, in base64, and wait for its answer. */
  | {
      readonly kind: 'challenge'
      readonly data: string | Uint8Array
      readonly next: (answer: Buffer) => SaslStep
    }
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  /** What is kept of this account for SCRAM is needed before it can go on. */
  | {
      readonly kind: 'scram'
      readonly name: string
      readonly hash: ScramHash
      readonly next: (offer: ScramOffer<unknown>) => SaslStep
    }
  /** The client knows the password that `keys` are of; undefined: it knows none. `data` proves the server to it. */
  | { readonly kind: 'scram-proof'; readonly keys: ScramKeys | undefined; readonly data: string }
  /** What somebody else has given the client, and who it says that it is, or ''; without a token it only asks. */
  | {
      readonly kind: 'token'
      readonly name: string
      readonly token: string | undefined
      /** For the client, when the token is refused. */
      readonly explain: (hints: TokenHints) => string
    }
  /** Who it is, the layer below has shown; '': as whom it acts follows from that. */
  | { readonly kind: 'external'; readonly name: string }
  /** The client's answer makes no sense. */
  | { readonly kind: 'malformed' }
  /** It makes sense, and is not permitted whatever the password. */
  | { readonly kind: 'denied'; readonly problem: SaslProblem; readonly name?: string | undefined }

/** What helps a client to a token that is taken; the same whatever was wrong with the one that it had, but for the scope. */
export interface TokenHints {
  readonly isScopeMissing: boolean
  readonly scope?: string | undefined
  /** Where the provider describes itself (OpenID Connect Discovery). */
  readonly configuration?: string | undefined
}

/** Why a mechanism denies. */
export type SaslProblem =
  /** It wants to act for somebody else. */
  | 'other-identity'
  /** Another channel than this one, or a type of binding that is not offered here: somebody may be in between. */
  | 'channel-binding'
  /** It says that this server had no channel binding to offer: somebody may have taken it out of the list. */
  | 'channel-binding-hidden'

/** What a mechanism has to know of the connection. */
export interface SaslConnection {
  /** The bytes that are this TLS connection's and no other's; undefined: none of this type. */
  channelBinding(type: ChannelBindingType): Uint8Array | undefined
  /** Mechanisms with channel binding are in the list that the client has seen. */
  readonly offersChannelBinding: boolean
  nonce(): string
}

export interface SaslMechanism {
  readonly name: string
  /** `initial` is undefined when the client sent no initial response. */
  start(initial: Buffer | undefined, connection: SaslConnection): SaslStep
}

/** The client speaks first: where it sends no initial response, a challenge asks for one. */
export function clientFirst(
  read: (message: Buffer, connection: SaslConnection) => SaslStep,
  challenge = '',
): SaslMechanism['start'] {
  return (initial, connection) =>
    initial
      ? read(initial, connection)
      : { kind: 'challenge', data: challenge, next: message => read(message, connection) }
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

/** RFC 4954 §4, RFC 4959 §3: '=' is an initial response that is there and empty. */
export function decodeInitialResponse(text: string): Buffer | undefined {
  return text === '=' ? Buffer.alloc(0) : decodeBase64(text)
}
