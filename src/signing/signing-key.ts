// What signs in the name of a domain: a key of ours, or one that stays elsewhere (a security module, a service).

export const keyAlgorithms = ['rsa', 'ed25519'] as const
export type KeyAlgorithm = (typeof keyAlgorithms)[number]

export interface SigningKey {
  /** A-labels. */
  readonly domain: string
  readonly selector: string
  readonly algorithm: KeyAlgorithm
  /** Signs bytes: RSASSA-PKCS1-v1_5 over their SHA-256 (RFC 8301), or PureEdDSA over their SHA-256 (RFC 8463 §3). */
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

export interface KeyRing {
  /** False: `find` finds nothing, whoever the author is. */
  hasDomains(): Promise<boolean>
  /**
   * The keys that sign for `author`, a domain: those of the nearest domain of ours that it is, or is a subdomain of. With no
   * key: why there is none that may be used. undefined: it is in none of our domains.
   */
  find(author: string): Promise<KeysOfDomain | undefined>
}

export interface KeysOfDomain {
  readonly domain: string
  readonly keys: readonly SigningKey[]
}
