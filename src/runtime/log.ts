// What a part may say to the administrator's log. The composition root supplies the writer (pino).

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

export interface Log {
  /** False: what is given to `debug` is thrown away, so it need not be made. */
  readonly isDebugEnabled: boolean
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  /** `cause` is logged with its stack; it never reaches a peer. */
  error(message: string, fields?: LogFields & { readonly cause?: never }, cause?: unknown): void
}

export const silentLog: Log = { isDebugEnabled: false, debug() {}, info() {}, warn() {}, error() {} }
