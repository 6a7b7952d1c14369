// Plays a transcript: C: what the client says, S: what the server answers, with ... for any text. S: * stands for all lines up to
// OK, NO or BYE. LOGIN: logs anna in. TLS: begins TLS. END: the server has closed. STORE: names the scripts of anna, the active one
// with a star. What stands behind a first line with SERVER: are options of the house, in JSON.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { matches } from '../transcripts/transcript.ts'
import { type House, type HouseOptions, openHouse } from './house.ts'

export type Way = 'line by line' | 'byte by byte' | 'pipelined'
export const ways: readonly Way[] = ['line by line', 'byte by byte', 'pipelined']

const logIn = ['C: AUTHENTICATE "PLAIN" "AGFubmFAZXhhbXBsZS50ZXN0AHNlY3JldA=="', 'S: OK "Logged in"'] as const

export async function play(transcript: string, way: Way): Promise<void> {
  const lines = transcript
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .flatMap(line => (line === 'LOGIN:' ? logIn : [line]))
  const options = lines[0]?.startsWith('SERVER: ')
    ? (JSON.parse(lines.shift()?.slice(8) ?? '') as HouseOptions)
    : {}
  const house = await openHouse(options)
  const peer = await Peer.open(house.port)
  try {
    await new Player(house, peer, way).play(lines)
    assert.deepEqual(house.faults, options.brokenStorage || options.brokenCertificate ? house.faults : [])
  } finally {
    peer.destroy()
    await house.close()
  }
}

class Player {
  readonly #house: House
  readonly #peer: Peer
  readonly #way: Way

  constructor(house: House, peer: Peer, way: Way) {
    this.#house = house
    this.#peer = peer
    this.#way = way
  }

  async play(lines: readonly string[]): Promise<void> {
    for (const [index, line] of lines.entries()) {
      const [, speaker = '', text = ''] = /^([A-Z]+): ?(.*)$/.exec(line) ?? []
      switch (speaker) {
        case 'C':
          await this.#say(text, lines, index)
          break
        case 'S':
          await this.#hear(text)
          break
        case 'TLS':
          await this.#peer.startTls()
          break
        case 'END':
          assert.equal(await this.#peer.line(), undefined)
          break
        case 'STORE':
          assert.equal(this.#stored(), text)
          break
        default:
          assert.fail(`what is this: ${line}`)
      }
    }
  }

  async #say(text: string, lines: readonly string[], index: number): Promise<void> {
    if (this.#way === 'byte by byte') {
      for (const byte of Buffer.from(`${text}\r\n`)) await this.#peer.write(Buffer.from([byte]))
      return
    }
    if (this.#way === 'line by line') {
      await this.#peer.write(Buffer.from(`${text}\r\n`))
      return
    }
    // All that the client says up to TLS, at its first word.
    const rest = lines.slice(0, index)
    const start = rest.findLastIndex(line => line.startsWith('TLS:') || line.startsWith('STORE:')) + 1
    if (rest.slice(start).some(line => line.startsWith('C:'))) return
    const end = lines.findIndex(
      (line, at) => at > index && (line.startsWith('TLS:') || line.startsWith('STORE:')),
    )
    const said = lines.slice(index, end < 0 ? undefined : end).filter(line => line.startsWith('C:'))
    await this.#peer.write(Buffer.from(said.map(line => `${line.slice(3)}\r\n`).join('')))
  }

  async #hear(expected: string): Promise<void> {
    if (expected !== '*') {
      const heard = await this.#peer.line()
      assert.ok(
        heard !== undefined && matches(expected, heard),
        `heard ${JSON.stringify(heard)}, and not ${expected}`,
      )
      return
    }
    for (;;) {
      const heard = await this.#peer.line()
      assert.ok(heard !== undefined, 'the server has closed')
      if (/^(?:OK|NO|BYE)\b/.test(heard)) return
    }
  }

  #stored(): string {
    const active = this.#house.active.get('anna@example.test')
    return [...this.#house.scripts.keys()]
      .map(key => key.slice(key.indexOf(' ') + 1))
      .map(name => (name === active ? `${name}*` : name))
      .sort()
      .join(', ')
  }
}

export class Peer {
  #socket: Socket
  #text = ''
  #hasEnded = false
  #wake: () => void = () => {}

  static async open(port: number): Promise<Peer> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new Peer(socket)
  }

  constructor(socket: Socket) {
    this.#socket = socket
    this.#listen(socket)
  }

  #listen(socket: Socket): void {
    socket.on('data', (bytes: Buffer) => {
      this.#text += bytes.toString('latin1')
      this.#wake()
    })
    // A reset is what a server may do to a peer that misbehaves; 'close' follows.
    socket.on('error', () => undefined)
    for (const event of ['end', 'close'])
      socket.on(event, () => {
        this.#hasEnded = true
        this.#wake()
      })
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise(resolve => {
      this.#socket.write(bytes, () => resolve())
    })
  }

  /** As UTF-8, without its end; undefined: the server has closed. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\r\n')
      if (end >= 0) {
        const line = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 2)
        return Buffer.from(line, 'latin1').toString('utf8')
      }
      if (this.#hasEnded) return undefined
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  async startTls(): Promise<void> {
    assert.equal(this.#text, '', 'the server speaks before TLS begins')
    const plain = this.#socket
    plain.removeAllListeners('data')
    const secure = connectTls({ socket: plain, rejectUnauthorized: false })
    this.#socket = secure
    this.#listen(secure)
    await once(secure, 'secureConnect')
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
