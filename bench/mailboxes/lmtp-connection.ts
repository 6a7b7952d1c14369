// A client of LMTP that waits for each reply, as delivery agents do.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export class LmtpConnection {
  readonly #socket: Socket
  #text = ''
  #onData: (() => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (data: Buffer) => {
      this.#text += data.toString('latin1')
      this.#onData?.()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#text += '421 the connection was closed\r\n'
      this.#onData?.()
    })
  }

  static async open(path: string): Promise<LmtpConnection> {
    const socket = connect({ path })
    await once(socket, 'connect')
    const connection = new LmtpConnection(socket)
    await connection.#reply(220)
    await connection.#say('LHLO bench.example.test', 250)
    return connection
  }

  /** In the mailbox when it resolves. */
  async deliver(recipient: string, mailData: Uint8Array): Promise<void> {
    await this.#say('MAIL FROM:<sender@example.org>', 250)
    await this.#say(`RCPT TO:<${recipient}>`, 250)
    await this.#say('DATA', 354)
    this.#socket.write(mailData)
    await this.#say('.', 250)
  }

  close(): void {
    this.#socket.destroy()
  }

  async #say(line: string, code: number): Promise<void> {
    this.#socket.write(`${line}\r\n`)
    await this.#reply(code)
  }

  async #reply(code: number): Promise<void> {
    const whole = /^(?:\d{3}-[^\r\n]*\r\n)*(\d{3})(?: [^\r\n]*)?\r\n/
    await new Promise<void>(resolve => {
      const look = (): void => {
        if (!whole.test(this.#text)) return
        this.#onData = undefined
        resolve()
      }
      this.#onData = look
      look()
    })
    const found = whole.exec(this.#text)
    this.#text = this.#text.slice(found?.[0].length)
    if (Number(found?.[1]) !== code) throw new Error(`wanted ${code}: ${found?.[0]}`)
  }
}
