// Drives a program of Mozilla's (Thunderbird) from outside, by the protocol Marionette: scripts run with the rights of the program.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

export class Marionette {
  readonly #socket: Socket
  #bytes = Buffer.alloc(0)
  #lastId = 0
  readonly #waiting = new Map<number, Waiting>()

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#hear(bytes))
    socket.on('error', () => {})
    socket.on('close', () => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error('the program has gone'))
      this.#waiting.clear()
    })
  }

  /** Rejects where nobody listens. */
  static async open(port: number): Promise<Marionette> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const marionette = new Marionette(socket)
    await marionette.#send('WebDriver:NewSession', { timeouts: { script: 60_000 } })
    await marionette.#send('Marionette:SetContext', { value: 'chrome' })
    return marionette
  }

  /** The body of an asynchronous function; gives back what it returns, which has to be JSON. */
  async run(body: string, ...args: readonly unknown[]): Promise<unknown> {
    const script = `const [...given] = arguments; const done = given.pop();
      (async (...args) => { ${body} })(...given).then(value => done({ value }), error => done({ error: String(error) + String(error?.stack) }));`
    const { value } = (await this.#send('WebDriver:ExecuteAsyncScript', {
      script,
      args,
      newSandbox: false,
      sandbox: 'system',
    })) as { readonly value: { readonly value?: unknown; readonly error?: string } }
    if (value.error !== undefined) throw new Error(value.error)
    return value.value
  }

  close(): void {
    this.#socket.destroy()
  }

  #send(name: string, parameters: unknown): Promise<unknown> {
    const id = ++this.#lastId
    const text = JSON.stringify([0, id, name, parameters])
    this.#socket.write(`${Buffer.byteLength(text)}:${text}`)
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  #hear(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    for (;;) {
      const colon = this.#bytes.indexOf(':')
      if (colon < 0) return
      const end = colon + 1 + Number(this.#bytes.subarray(0, colon).toString('latin1'))
      if (this.#bytes.length < end) return
      const message = JSON.parse(this.#bytes.subarray(colon + 1, end).toString('utf8')) as unknown
      this.#bytes = this.#bytes.subarray(end)
      // The first one only says who is there.
      if (!Array.isArray(message)) continue
      const [, id, error, result] = message as [number, number, unknown, unknown]
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === null) waiting?.resolve(result)
      else waiting?.reject(new Error(JSON.stringify(error)))
    }
  }
}
