// Questions to the person at the keyboard. Without one (a pipe, a script), answers come from stdin or not at all.
import { createInterface } from 'node:readline/promises'
import type { Readable, Writable } from 'node:stream'
import { UsageFault } from '../runtime/fault.ts'

export interface Keyboard extends Readable {
  readonly isTTY?: boolean
  setRawMode?(raw: boolean): unknown
}

/** Yes or no; the default is no. */
export async function confirm(question: string, keyboard: Keyboard, screen: Writable): Promise<boolean> {
  const lines = createInterface({ input: keyboard, output: screen })
  try {
    const answer = (await lines.question(`${question} [y/N] `)).trim().toLowerCase()
    return answer === 'y' || answer === 'yes'
  } finally {
    lines.close()
  }
}

/** A password: typed without being shown, or the first line of stdin when that is no terminal. */
export async function askPassword(prompt: string, keyboard: Keyboard, screen: Writable): Promise<string> {
  const password =
    keyboard.isTTY === true ? await typeHidden(prompt, keyboard, screen) : await readFirstLine(keyboard)
  if (password === '')
    throw new UsageFault('CLI_NO_PASSWORD', 'No password was given. Type one, or pass one on stdin.')
  return password
}

async function readFirstLine(keyboard: Keyboard): Promise<string> {
  const text = (await readAll(keyboard)).toString('utf8')
  return text.split(/\r\n|\n/)[0] ?? ''
}

export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer | string>) {
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  }
  return Buffer.concat(chunks)
}

const interrupt = '\u0003'
const endOfInput = '\u0004'
const erase = new Set(['\u0008', '\u007f'])

function typeHidden(prompt: string, keyboard: Keyboard, screen: Writable): Promise<string> {
  screen.write(prompt)
  keyboard.setRawMode?.(true)
  keyboard.setEncoding('utf8')
  return new Promise((resolve, reject) => {
    const typed: string[] = []
    const finish = (): void => {
      keyboard.setRawMode?.(false)
      keyboard.off('data', take)
      keyboard.pause()
      screen.write('\n')
    }
    const take = (text: string): void => {
      for (const character of text) {
        if (character === '\r' || character === '\n' || character === endOfInput) {
          finish()
          resolve(typed.join(''))
          return
        }
        if (character === interrupt) {
          finish()
          reject(new UsageFault('CLI_INTERRUPTED', 'Interrupted.'))
          return
        }
        if (erase.has(character)) typed.pop()
        else typed.push(character)
      }
    }
    keyboard.on('data', take)
    keyboard.resume()
  })
}
