// The administrator's log: one JSON object a line on standard error; plain lines when that is a terminal.
import pino from 'pino'
import type { Log, LogFields } from '../runtime/log.ts'
import { replaceControls } from '../runtime/text.ts'

const levelNames: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warning', 50: 'error' }

/** `part` names the thread or stage that speaks. */
export function createLog(level: 'debug' | 'info' | 'warn' | 'error', part: string): Log {
  const destination = process.stderr.isTTY
    ? { write: writePlainLine }
    : pino.destination({ fd: 2, sync: true })
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
  process.stderr.write(
    `${new Date(time).toISOString()} ${levelNames[level] ?? level} ${part}: ${msg}${details.join('')}${cause}\n`,
  )
}
