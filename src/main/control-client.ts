// The command line's end of the control socket.
import { createConnection, type Socket } from 'node:net'
import { Fault } from '../runtime/fault.ts'
import type { Operation } from '../storage/operation.ts'
import {
  type ControlRequest,
  type ControlResponse,
  controlSocketPath,
  type ServerStatus,
} from './control-protocol.ts'
import { createFrameReader, encodeFrame } from './frames.ts'
import type { Fetched } from './mail-fetcher.ts'
import type { ShownCertificate } from './shown-certificate.ts'

export interface ControlClient {
  /** Runs a write operation in the server; rejects with the server's Fault. */
  run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output>
  status(): Promise<ServerStatus>
  fetch(): Promise<readonly Fetched[]>
  certificates(): Promise<readonly ShownCertificate[]>
  /** Opens a terminal for an address; `show` is called for one message after the other. Lasts until `close`. */
  openTerminal(address: string, show: (text: string) => Promise<void>): Promise<void>
  /** Resolves when the server has gone or `close` was called. */
  readonly closed: Promise<void>
  close(): void
}

/** undefined when no server runs on this data folder. */
export async function connectControl(dataFolder: string): Promise<ControlClient | undefined> {
  const socket = await connectSocket(controlSocketPath(dataFolder))
  return socket && createControlClient(socket)
}

// ENOENT: never started here. ENOTDIR: no folder, so nothing runs in it. ECONNREFUSED: the socket of a server that died.
const meaningNoServer: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED'])

function connectSocket(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path)
    socket.once('connect', () => resolve(socket))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== undefined && meaningNoServer.has(error.code)) resolve(undefined)
      else if (error.code === 'EACCES') {
        reject(
          new Fault(
            'CONTROL_FORBIDDEN',
            `The control socket ${path} may not be opened. Run this as the user that runs the server.`,
          ),
        )
      } else
        reject(
          new Fault('CONTROL_UNREACHABLE', `The control socket ${path} does not answer: ${error.message}`),
        )
    })
  })
}

function createControlClient(socket: Socket): ControlClient {
  const waiting = new Map<number, { resolve: (output: unknown) => void; reject: (error: Fault) => void }>()
  let lastId = 0
  let show: (text: string) => Promise<void> = async () => {}
  let lastShown = Promise.resolve()
  const showNext = async (id: number, text: string): Promise<void> => {
    await show(text)
    socket.write(encodeFrame({ id, kind: 'shown' } satisfies ControlRequest))
  }
  const read = createFrameReader(value => {
    const response = value as ControlResponse
    switch (response.kind) {
      case 'output':
        waiting.get(response.id)?.resolve(response.output)
        waiting.delete(response.id)
        break
      case 'error':
        waiting.get(response.id)?.reject(new Fault(response.code, response.message))
        waiting.delete(response.id)
        break
      case 'message':
        lastShown = lastShown
          .then(() => showNext(response.id, response.text))
          // The server takes a terminal that has gone as one that has not shown the message.
          .catch(() => void socket.destroy())
        break
      default:
        response satisfies never
    }
  })
  socket.on('data', (chunk: Buffer) => {
    if (!read(chunk)) socket.destroy()
  })
  const closed = new Promise<void>(resolve => {
    socket.on('close', () => {
      for (const { reject } of waiting.values()) {
        reject(
          new Fault(
            'CONTROL_CLOSED',
            'The server went away before it answered. Look at its log, then try again.',
          ),
        )
      }
      resolve()
    })
  })
  socket.on('error', () => socket.destroy())
  const ask = (request: ControlRequest): Promise<unknown> =>
    new Promise((resolve, reject) => {
      waiting.set(request.id, { resolve, reject })
      socket.write(encodeFrame(request))
    })
  return {
    run: <Input, Output>(operation: Operation<Input, Output>, input: Input) =>
      ask({ id: ++lastId, kind: 'run', operation: operation.name, input }) as Promise<Output>,
    status: () => ask({ id: ++lastId, kind: 'status' }) as Promise<ServerStatus>,
    fetch: () => ask({ id: ++lastId, kind: 'fetch' }) as Promise<readonly Fetched[]>,
    certificates: () => ask({ id: ++lastId, kind: 'certificates' }) as Promise<readonly ShownCertificate[]>,
    async openTerminal(address, showMessage) {
      show = showMessage
      await ask({ id: ++lastId, kind: 'terminal', address })
    },
    closed,
    close: () => socket.destroy(),
  }
}
