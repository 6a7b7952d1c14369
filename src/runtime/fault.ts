// A Fault is a bug or a broken environment: thrown, caught at the top of a connection or of an attempt,
// never shown to a peer. Expected answers to a peer are a Reply; results of delivery a DeliveryOutcome.

export interface FaultOptions extends ErrorOptions {
  /** What to do about it: sentences of their own, which the message ends with. */
  readonly remedy?: string | undefined
}

export class Fault extends Error {
  override readonly name: string = 'Fault'
  /** Stable, upper case: 'STORAGE_DISK_FULL'. Programs compare this, never the message. */
  readonly code: string
  /** The message without the remedy. */
  readonly what: string
  readonly remedy: string | undefined

  constructor(code: string, what: string, { remedy, ...options }: FaultOptions = {}) {
    super(remedy === undefined ? what : `${what} ${remedy}`, options)
    this.code = code
    this.what = what
    this.remedy = remedy
  }
}

/** A mistake of the administrator's: the message says what is wrong and what to do, and is shown without a stack. */
export class UsageFault extends Fault {
  override readonly name = 'UsageFault'
}

/** The command line itself is wrong: exit code 2. */
export class WrongUsage extends UsageFault {
  constructor(message: string, { code = 'CLI_USAGE', ...options }: ErrorOptions & { code?: string } = {}) {
    super(code, message, options)
  }
}
