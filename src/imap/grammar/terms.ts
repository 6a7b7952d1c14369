// What the grammar has to know of the session that a command came from, and how much it takes.

export interface GrammarTerms {
  /** Mailbox names are UTF-8 as they stand (UTF8=ACCEPT, RFC 6855; IMAP4rev2, RFC 9051 appendix A), not modified UTF-7. */
  readonly utf8Names: boolean
  /** Keys of one SEARCH, and items of any other list. */
  readonly maxTerms: number
  /** Parentheses, NOT and OR within one another. */
  readonly maxNesting: number
}
