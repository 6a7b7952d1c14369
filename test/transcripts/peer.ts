// The client of a transcript: writes its lines in one of the three ways, and compares what the server says.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { ManualClock } from '../harness/manual-clock.ts'
import { type Move, matches, type Transcript, type Way } from './transcript.ts'

// Everything that may be sent in one piece: up to the next move that needs the replies before it, as the greeting does.
function toBatches(moves: readonly Move[]): Move[][] {
  const batches: Move[][] = []
  let batch: Move[] = []
  let greeted = false
  for (const move of moves) {
    const endsGreeting = !greeted && move.kind === 'client' && batch.some(({ kind }) => kind === 'server')
    const standsAlone = move.kind === 'handshake' || move.kind === 'wait' || move.kind === 'end'
    if (endsGreeting) greeted = true
    if (endsGreeting || standsAlone) {
      batches.push(batch)
      batch = []
    }
    if (standsAlone) batches.push([move])
    else batch.push(move)
  }
  return [...batches, batch]
}

export interface Listener {
  readonly port: number
  readonly clock: ManualClock
  readonly implicitTls: boolean
}

/** The whole dialogue, with a server that listens in this process. */
export async function converse(
  { name, moves }: Transcript,
  way: Way,
  { port, clock, implicitTls }: Listener,
): Promise<void> {
  const peer = new Peer(name, clock, implicitTls)
  try {
    await peer.connect(port)
    for (const part of way === 'pipelined' ? toBatches(moves) : moves.map(move => [move]))
      await peer.play(part, way)
    await peer.assertSilent()
  } finally {
    peer.destroy()
  }
}

const patienceMs = 10_000

class Peer {
  readonly #name: string
  readonly #clock: ManualClock
  readonly #implicitTls: boolean
  #socket: Socket | undefined
  #text = ''
  #ended = false
  #wake: () => void = () => {}

  constructor(name: string, clock: ManualClock, implicitTls: boolean) {
    this.#name = name
    this.#clock = clock
    this.#implicitTls = implicitTls
  }

  async connect(port: number): Promise<void> {
    const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    await once(socket, 'connect')
    this.#listen(socket)
    if (this.#implicitTls) await this.#handshake()
  }

  #listen(socket: Socket): void {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('utf8')
      this.#wake()
    })
    // A reset is one of the ways to close.
    socket.on('error', () => {})
    const end = (): void => {
      this.#ended = true
      this.#wake()
    }
    socket.on('end', end)
    socket.on('close', end)
  }

  async play(moves: readonly Move[], way: Way): Promise<void> {
    const bytes = moves.flatMap(move => (move.kind === 'client' ? [move.bytes] : []))
    if (bytes.length > 0) await this.#write(Buffer.concat(bytes), way)
    for (const move of moves) await this.#observe(move)
  }

  async #observe(move: Move): Promise<void> {
    switch (move.kind) {
      case 'client':
        return
      case 'server':
        return await this.#expect(move)
      case 'handshake':
        return await this.#handshake()
      case 'end':
        this.#socket?.end()
        return
      case 'wait':
        // What was sent before is read before time passes.
        for (let turn = 0; turn < 20; turn++) await nextTurn()
        this.#clock.advance(move.ms)
        return
      case 'closed':
        while (!this.#ended) await this.#waitForMore(move, 'the server to close')
        if (!this.#anyLines)
          assert.equal(this.#text, '', `${this.#at(move)}: the server said more before it closed`)
        this.#text = ''
        return
      default:
        move satisfies never
    }
  }

  #anyLines = false

  async #expect(move: Move & { kind: 'server' }): Promise<void> {
    if (move.pattern === '...') {
      this.#anyLines = true
      return
    }
    for (;;) {
      const end = this.#text.indexOf('\r\n')
      if (end < 0) {
        if (this.#ended) assert.fail(`${this.#at(move)}: the server closed instead of "${move.pattern}"`)
        await this.#waitForMore(move, `"${move.pattern}"`)
        continue
      }
      const line = this.#text.slice(0, end)
      this.#text = this.#text.slice(end + 2)
      if (matches(move.pattern, line)) {
        this.#anyLines = false
        return
      }
      if (!this.#anyLines) assert.equal(line, move.pattern, this.#at(move))
    }
  }

  async #waitForMore(move: Move, what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve, reject) => {
      this.#wake = resolve
      timer = setTimeout(
        () =>
          reject(
            new Error(
              `${this.#at(move)}: waited in vain for ${what}; there is ${JSON.stringify(this.#text)}`,
            ),
          ),
        patienceMs,
      )
    })
    clearTimeout(timer)
  }

  async #write(bytes: Buffer, way: Way): Promise<void> {
    const socket = this.#socket
    if (!socket || this.#ended) return
    if (way !== 'bytes') {
      socket.write(bytes)
      return
    }
    // Long data in pieces of an odd size: each byte on its own would only take time.
    const size = bytes.length > 2000 ? 97 : 1
    for (let start = 0; start < bytes.length && !this.#ended; start += size) {
      socket.write(bytes.subarray(start, start + size))
      // The server, in this process too, reads before the next one goes out.
      await nextTurn()
    }
  }

  async #handshake(): Promise<void> {
    const plain = this.#socket
    assert.ok(plain)
    assert.equal(this.#text, '', 'the server said more before the handshake')
    plain.removeAllListeners()
    const secure = connectTls({ socket: plain, rejectUnauthorized: false, servername: 'mail.example.test' })
    this.#listen(secure)
    await Promise.race([once(secure, 'secureConnect'), once(secure, 'close')])
  }

  /** Whatever the server has said is in the transcript. */
  async assertSilent(): Promise<void> {
    // Two turns: what the server writes now is here then, in this process.
    for (let turn = 0; turn < 2; turn++) await nextTurn()
    if (!this.#anyLines)
      assert.equal(this.#text, '', `${this.#name}: the server said more than the transcript has`)
  }

  destroy(): void {
    this.#socket?.destroy()
  }

  #at(move: Move): string {
    return `${this.#name}:${move.line}`
  }
}
