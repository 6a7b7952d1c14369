// An IMAP server for one test, over the house of the transcripts; and a client that speaks by hand.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'
import { createImapServer } from '../../src/imap/server/create-imap-server.ts'
import type { ImapServer, ImapServerOptions } from '../../src/imap/server/options.ts'
import { createHouse, type House, type HouseOptions } from './house.ts'

export interface Started {
  readonly server: ImapServer
  readonly house: House
  readonly port: number
  /** Greeted, and logged in where that is asked for. */
  readonly connect: (until?: 'greeted' | 'logged-in') => Promise<ImapClient>
}

export async function startServer(
  options: Partial<ImapServerOptions> = {},
  houseOptions: HouseOptions = {},
): Promise<Started> {
  const house = createHouse(houseOptions)
  const server = createImapServer({
    hostname: 'mail.example.test',
    listeners: [{ role: 'imap', address: '127.0.0.1', port: 0 }],
    services: house.services,
    allowPlaintextAuthOnLoopback: true,
    ...options,
  })
  const [listener] = await server.listen()
  const port = listener?.port ?? 0
  return {
    server,
    house,
    port,
    async connect(until = 'logged-in') {
      const client = await ImapClient.open(port)
      await client.line()
      if (until === 'logged-in') await client.command('a0 LOGIN anna@example.test secret')
      return client
    },
  }
}

export class ImapClient {
  readonly socket: Socket
  #inflate: Duplex | undefined
  #deflate: Duplex | undefined
  #text = ''
  #ended = false
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.socket = socket
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
