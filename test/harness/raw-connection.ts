// A TCP connection that speaks SMTP by hand: writes any bytes, reads whole replies.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

export interface RawReply {
  readonly code: number
  /** The text of each line, without code and separator. */
  readonly lines: readonly string[]
  readonly text: string
}

export interface RawConnection {
  readonly socket: Socket
  /** Resolves when the bytes are handed to the system, so that a test's memory stays bounded. */
  write(bytes: string | Uint8Array): Promise<void>
  /** The next reply; undefined when the server has closed the connection instead. */
  reply(): Promise<RawReply | undefined>
  /** Writes a command line and reads its reply. */
  command(line: string): Promise<RawReply | undefined>
  /** Upgrades to TLS, whatever the certificate. */
  startTls(options?: ConnectionOptions): Promise<void>
  /** Resolves when the server has closed. Replies that came before are still there to read. */
  readonly closed: Promise<void>
  destroy(): void
}

/** `from` is an address of this machine: all of 127.0.0.0/8 is. */
export async function openConnection(
  port: number,
  address = '127.0.0.1',
  from?: string,
): Promise<RawConnection> {
  const socket = connect({
    port,
    host: address,
    noDelay: true,
    ...(from !== undefined && { localAddress: from }),
  })
  await once(socket, 'connect')
  return new Connection(socket)
}

/** To a server that takes the PROXY header of this machine: comes from this client, of either family. Nothing is read yet. */
export async function openConnectionOf(client: string, port: number): Promise<RawConnection> {
  const connection = await openConnection(port)
  const family = client.includes(':') ? 'TCP6' : 'TCP4'
  await connection.write(`PROXY ${family} ${client} ${client} 40000 25\r\n`)
  return connection
}

class Connection implements RawConnection {
  socket: Socket
  readonly closed: Promise<void>
  #text = ''
  #ended = false
  #wake: () => void = () => {}
  #close: () => void = () => {}

  constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise(resolve => {
      this.#close = resolve
    })
    this.#listen(socket)
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('utf8')
      this.#wake()
    })
    // ECONNRESET and EPIPE are what a server may do to a peer that misbehaves; 'close' follows.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#ended = true
      this.#close()
      this.#wake()
    })
    socket.on('end', () => socket.end())
  }

  async write(bytes: string | Uint8Array): Promise<void> {
    if (this.#ended || this.socket.destroyed) return
    // A write that fails is followed by the end, which is what a test looks at.
    if (!this.socket.write(bytes))
      await Promise.race([once(this.socket, 'drain').catch(() => this.closed), this.closed])
  }

  async reply(): Promise<RawReply | undefined> {
    for (;;) {
      const reply = this.#takeReply()
      if (reply || this.#ended) return reply
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  // RFC 5321 §4.2.1: the last line has a space, or nothing, after the code.
  #takeReply(): RawReply | undefined {
    const lines: string[] = []
    let position = 0
    for (;;) {
      const end = this.#text.indexOf('\r\n', position)
      if (end < 0) return undefined
      const line = this.#text.slice(position, end)
      position = end + 2
      lines.push(line.slice(4))
      if (line[3] === '-') continue
      this.#text = this.#text.slice(position)
      return { code: Number(line.slice(0, 3)), lines, text: lines.join('\n') }
    }
  }

  async command(line: string): Promise<RawReply | undefined> {
    await this.write(`${line}\r\n`)
    return this.reply()
  }

  async startTls(options: ConnectionOptions = {}): Promise<void> {
    this.socket.removeAllListeners()
    const secure = connectTls({ ...options, socket: this.socket, rejectUnauthorized: false })
    this.socket = secure
    this.#listen(secure)
    await once(secure, 'secureConnect')
  }

  destroy(): void {
    this.socket.destroy()
  }
}
