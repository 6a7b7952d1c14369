// What a script of an account has done with a message, as the trail keeps it.

export interface ScriptTrace {
  /** Whose script it is. */
  readonly account: string
  /** Its name. */
  readonly script: string
  readonly did: readonly ScriptDeed[]
  /** What decided it: 'line 3: if header :contains: true'. Its beginning only. */
  readonly lines: readonly string[]
  /** The mistake that ended it. */
  readonly mistake?: ScriptPlace & { readonly text: string }
  /** It had decided on this message before, by another address of the account: nothing was done. */
  readonly isAgain?: true | undefined
}

/** Where in a script. */
export interface ScriptPlace {
  readonly line: number
  readonly column: number
  /** Of an included one. */
  readonly script?: string | undefined
}

export interface ScriptDeed {
  readonly what:
    | 'filed'
    | 'discarded'
    | 'redirected'
    | 'rejected'
    | 'answered'
    | 'notified'
    /** Its owner was told of the mistake. */
    | 'told-owner'
  /** undefined: no command of the script says so. */
  readonly at?: ScriptPlace | undefined
  /** A mailbox, or addresses. */
  readonly where?: string | undefined
  /** Of a message that has gone out because of it. */
  readonly queueId?: string | undefined
  /** It was wanted, and not done: why. */
  readonly notBecause?: string | undefined
}
