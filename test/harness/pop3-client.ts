// A client that speaks POP3 by hand.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export class Pop3Client {
  socket: Socket
  #text = ''
  #ended = false
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    this.#listen()
  }

  /** Not greeted yet. */
  static async open(port: number): Promise<Pop3Client> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new Pop3Client(socket)
  }

  /** TLS from the first byte; whatever the certificate. */
  static async openTls(port: number): Promise<Pop3Client> {
    const client = await Pop3Client.open(port)
    await client.startTls()
    return client
  }

  #listen(): void {
    const { socket } = this
    socket.on('data', (bytes: Buffer) => {
      this.#text += bytes.toString('latin1')
      this.#wake()
    })
    // A reset is one of the ways to close.
    socket.on('error', () => {})
    for (const event of ['end', 'close'])
      socket.on(event, () => {
        this.#ended = true
        this.#wake()
      })
  }

  async startTls(): Promise<void> {
    this.socket.removeAllListeners()
    this.socket = connectTls({ socket: this.socket, rejectUnauthorized: false })
    this.#listen()
    await once(this.socket, 'secureConnect')
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** undefined: the server has closed. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\r\n')
      if (end >= 0) {
        const line = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 2)
        return Buffer.from(line, 'latin1').toString('utf8')
      }
      if (this.#ended) return undefined
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  async command(text: string): Promise<string | undefined> {
    this.write(`${text}\r\n`)
    return await this.line()
  }

  /** The lines behind the first one, without the dots that were stuffed. */
  async lines(): Promise<string[]> {
    const lines: string[] = []
    for (;;) {
      const line = await this.line()
      if (line === undefined) throw new Error(`the server closed behind ${lines.length} lines`)
      if (line === '.') return lines
      lines.push(line.startsWith('.') ? line.slice(1) : line)
    }
  }

  /** -ERR gives that alone. */
  async list(text: string): Promise<string[]> {
    const first = await this.command(text)
    return first?.startsWith('+OK') ? await this.lines() : [first ?? 'closed']
  }

  /** Whatever is said until the server closes. */
  async rest(): Promise<string[]> {
    const lines: string[] = []
    for (let line = await this.line(); line !== undefined; line = await this.line()) lines.push(line)
    return lines
  }

  async logIn(name: string, password: string): Promise<string | undefined> {
    await this.command(`USER ${name}`)
    return await this.command(`PASS ${password}`)
  }

  destroy(): void {
    this.socket.destroy()
  }
}
