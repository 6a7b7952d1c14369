// An LDAP server that answers whatever the test says (RFC 4511): what no real one can be brought to say.

import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface LdapRequest {
  readonly id: number
  readonly operation: 'bind' | 'search' | 'extended' | 'other'
  /** The whole message. */
  readonly bytes: Buffer
}

/** What goes out; undefined: nothing, ever. */
export type Lie = (request: LdapRequest, socket: Socket) => Buffer | undefined

export interface LyingLdap {
  readonly port: number
  readonly requests: readonly LdapRequest[]
}

export async function startLyingLdap(t: TestContext, lie: Lie): Promise<LyingLdap> {
  const requests: LdapRequest[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      const request = readRequest(bytes)
      requests.push(request)
      const answer = lie(request, socket)
      if (answer) socket.write(answer)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, requests }
}

const operations: Readonly<Record<number, LdapRequest['operation']>> = {
  0x60: 'bind',
  0x63: 'search',
  0x77: 'extended',
}

/** One request a packet, as our side sends them, short enough for one byte of length or two. */
function readRequest(bytes: Buffer): LdapRequest {
  const long = (bytes[1] ?? 0) & 0x80 ? (bytes[1] ?? 0) & 0x7f : 0
  const idLength = bytes[3 + long] ?? 1
  const id = bytes.readUIntBE(4 + long, idLength)
  return { id, operation: operations[bytes[4 + long + idLength] ?? 0] ?? 'other', bytes }
}

function ber(tag: number, ...contents: readonly (Buffer | string)[]): Buffer {
  const content = Buffer.concat(contents.map(part => (typeof part === 'string' ? Buffer.from(part) : part)))
  const length = Buffer.alloc(5)
  length[0] = 0x84
  length.writeUInt32BE(content.length, 1)
  return Buffer.concat([Buffer.from([tag]), length, content])
}

const integer = (value: number): Buffer => ber(0x02, Buffer.from([value >> 8, value & 0xff]))

function message(id: number, tag: number, ...contents: readonly (Buffer | string)[]): Buffer {
  return ber(0x30, integer(id), ber(tag, ...contents))
}

const outcome = (code: number): Buffer =>
  Buffer.concat([ber(0x0a, Buffer.from([code])), ber(0x04), ber(0x04, 'as the test wants it')])

export const answers = {
  bind: ({ id }: LdapRequest, code = 0): Buffer => message(id, 0x61, outcome(code)),
  entry: ({ id }: LdapRequest, dn: string, attributes: Readonly<Record<string, readonly string[]>>): Buffer =>
    message(
      id,
      0x64,
      ber(0x04, dn),
      ber(
        0x30,
        ...Object.entries(attributes).map(([name, values]) =>
          ber(0x30, ber(0x04, name), ber(0x31, ...values.map(value => ber(0x04, value)))),
        ),
      ),
    ),
  referenceTo: ({ id }: LdapRequest, url: string): Buffer => message(id, 0x73, ber(0x04, url)),
  done: ({ id }: LdapRequest, code = 0): Buffer => message(id, 0x65, outcome(code)),
  extended: ({ id }: LdapRequest, code = 0, value?: string): Buffer =>
    message(id, 0x78, outcome(code), ...(value === undefined ? [] : [ber(0x8b, value)])),
}
