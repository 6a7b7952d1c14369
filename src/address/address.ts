// Addresses as every part of the server holds them (RFC 5321 §4.1.2, RFC 6531 §3.3, RFC 5890).

/**
 * A mail address. `localPart` is unquoted (the text it stands for, case kept; NFC). `domain` is canonical:
 * lower-case A-labels ("xn--…"), or an address literal with its brackets ("[192.0.2.1]", "[IPv6:2001:db8::1]").
 */
export interface Address {
  readonly localPart: string
  readonly domain: string
}

/** `null` is the null reverse-path `<>` (RFC 5321 §4.5.5). */
export type ReversePath = Address | null
