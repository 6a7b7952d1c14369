// What the forms of responses have to know of the session that they are for.

export interface ResponseTerms {
  /** Text may be UTF-8 between quotes, and mailbox names as they are (UTF8=ACCEPT, RFC 6855 §3; IMAP4rev2, RFC 9051 §4.3). */
  readonly utf8: boolean
}
