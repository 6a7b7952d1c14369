// The administrator's log: one JSON object a line on standard error; plain lines when that is a terminal (docs/log.md).
import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import pino from 'pino'
import type { Log, LogFields } from '../runtime/log.ts'
import { replaceControls } from '../runtime/text.ts'

const levelNames: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warning', 50: 'error' }

/** `part` names the thread or stage that speaks. */
export function createLog(level: 'debug' | 'info' | 'warn' | 'error', part: string): Log {
  // Asked of the descriptor: in a worker thread process.stderr is a pipe to the main thread.
  const destination = isatty(2) ? { write: writePlainLine } : pino.destination({ fd: 2, sync: true })
  const logger = pino({ level, base: { part } }, destination)
  return {
    isDebugEnabled: level === 'debug',
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields, cause) =>
      logger.error(cause === undefined ? (fields ?? {}) : { ...fields, err: cause }, message),
  }
}

function writePlainLine(line: string): void {
  const { level, time, part, msg, err, ...fields } = JSON.parse(line) as LogFields & {
    level: number
    time: number
    part: string
    msg: string
    err?: { stack?: string }
  }
  const details = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${replaceControls(String(value), '?')}`,
  )
  const cause = err?.stack === undefined ? '' : `\n${err.stack}`
  writeSync(
    2,
    `${new Date(time).toISOString()} ${levelNames[level] ?? level} ${part}: ${msg}${details.join('')}${cause}\n`,
  )
}
