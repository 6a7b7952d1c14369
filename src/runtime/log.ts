// What a part may say to the administrator's log. The composition root supplies the writer (pino).

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  /** `cause` is logged with its stack; it never reaches a peer. */
  error(message: string, fields?: LogFields & { readonly cause?: never }, cause?: unknown): void
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
