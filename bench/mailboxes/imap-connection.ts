// A connection of IMAP that takes what comes as fast as it can: answers are counted, and looked into only at their ends.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A tagged answer is on the last line. */
const tailBytes = 1024

export interface Answer {
  readonly bytes: number
  /** The end of it, with the tagged line. */
  readonly tail: string
}

export class ImapConnection {
  readonly #socket: Socket
  #bytes = 0
  #tail = ''
  #tags = 0
  #onData: (() => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (data: Buffer) => {
      this.#bytes += data.length
      const end = data.toString('latin1', Math.max(0, data.length - tailBytes))
      this.#tail = (this.#tail + end).slice(-tailBytes)
      this.#onData?.()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#tail += '\r\n* BYE the connection was closed\r\n'
      this.#onData?.()
    })
  }

  /** Logged in. */
  static async open(port: number, user: string, password: string): Promise<ImapConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const connection = new ImapConnection(socket)
    await connection.#until(() => connection.#tail.endsWith('\r\n'))
    await connection.command(`LOGIN "${user}" "${password}"`)
    return connection
  }

  /** Rejects unless the answer is OK. `literals`: octets with LITERAL+, each behind the text before it. */
  async command(...parts: readonly (string | Uint8Array)[]): Promise<Answer> {
    const tag = `t${++this.#tags}`
    this.#bytes = 0
    this.#tail = ''
    const last = new RegExp(`(?:^|\\r\\n)${tag} (OK|NO|BAD)[^\\r\\n]*\\r\\n$`)
    this.#socket.cork()
    this.#socket.write(`${tag} `)
    for (const part of parts) this.#socket.write(part)
    this.#socket.write('\r\n')
    this.#socket.uncork()
    await this.#until(() => last.test(this.#tail) || this.#tail.includes('\r\n* BYE the connection'))
    if (last.exec(this.#tail)?.[1] !== 'OK')
      throw new Error(`${String(parts[0]).slice(0, 100)}: ${this.#tail.slice(-300)}`)
    return { bytes: this.#bytes, tail: this.#tail }
  }

  /** Waits in IDLE from when it resolves on. */
  async idle(): Promise<void> {
    this.#tail = ''
    this.#socket.write(`t${++this.#tags} IDLE\r\n`)
    await this.#until(() => /(?:^|\r\n)\+[^\r\n]*\r\n$/.test(this.#tail))
  }

  /** While it waits in IDLE: until it is told of a message. */
  async told(): Promise<void> {
    this.#tail = ''
    await this.#until(() => / EXISTS\r\n/.test(this.#tail))
  }

  close(): void {
    this.#socket.destroy()
  }

  #until(done: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const look = (): void => {
        if (!done()) return
        this.#onData = undefined
        resolve()
      }
      this.#onData = look
      look()
    })
  }
}
