// A client that speaks IMAP by hand.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'

export class ImapClient {
  socket: Socket
  #inflate: Duplex | undefined
  #deflate: Duplex | undefined
  #text = ''
  #ended = false
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.socket = socket
    this.#listen(socket)
  }

  #listen(socket: Socket): void {
    socket.on('data', (bytes: Buffer) => {
      if (this.#inflate) this.#inflate.write(bytes)
      else this.#hear(bytes)
    })
    // A reset is one of the ways to close.
    socket.on('error', () => {})
    const end = (): void => {
      // What is left to inflate comes before the end.
      if (this.#inflate) this.#inflate.end()
      else this.#end()
    }
    socket.on('end', end)
    socket.on('close', end)
  }

  static async open(port: number): Promise<ImapClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new ImapClient(socket)
  }

  /** On a port where TLS comes first; whatever certificate is shown. */
  static async openTls(port: number): Promise<ImapClient> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    return new ImapClient(socket)
  }

  /** After the answer to STARTTLS. */
  async startTls(): Promise<void> {
    this.socket.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close')
    const secure = connectTls({ socket: this.socket, rejectUnauthorized: false })
    await once(secure, 'secureConnect')
    this.socket = secure
    this.#listen(secure)
  }

  #end(): void {
    this.#ended = true
    this.#wake()
  }

  #hear(bytes: Buffer): void {
    this.#text += bytes.toString('latin1')
    this.#wake()
  }

  /** Both directions from now on (RFC 4978). */
  compress(): void {
    const inflate = createInflateRaw()
    inflate.on('data', (bytes: Buffer) => this.#hear(bytes))
    inflate.on('error', () => {})
    inflate.on('close', () => this.#end())
    const deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH })
    deflate.on('error', () => {})
    deflate.pipe(this.socket)
    this.#inflate = inflate
    this.#deflate = deflate
  }

  write(bytes: string | Uint8Array): void {
    ;(this.#deflate ?? this.socket).write(bytes)
  }

  /** undefined: the server has closed. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\r\n')
      if (end >= 0) {
        const line = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 2)
        return line
      }
      if (this.#ended) return undefined
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  /** Every line up to the one that begins with the tag. */
  async until(tag: string): Promise<readonly string[]> {
    const lines: string[] = []
    for (let line = await this.line(); line !== undefined; line = await this.line()) {
      lines.push(line)
      if (line.startsWith(`${tag} `)) return lines
    }
    return lines
  }

  async command(line: string): Promise<readonly string[]> {
    this.write(`${line}\r\n`)
    return await this.until(line.split(' ')[0] ?? '')
  }

  /** Every line until the server closes. */
  async rest(): Promise<readonly string[]> {
    return await this.until('\0')
  }

  destroy(): void {
    this.#inflate?.destroy()
    this.#deflate?.destroy()
    this.socket.destroy()
  }
}
