// The running server's end of the control socket.
import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { Fault } from '../runtime/fault.ts'
import type { Log } from '../runtime/log.ts'
import {
  type ControlRequest,
  type ControlResponse,
  controlSocketPath,
  type ServerStatus,
} from './control-protocol.ts'
import { createFrameReader, encodeFrame } from './frames.ts'
import type { Fetched } from './mail-fetcher.ts'
import type { ShownCertificate } from './shown-certificate.ts'
import type { Terminal, Terminals } from './terminals.ts'

export interface ControlServices {
  /** Runs a write operation by its name. */
  run(operation: string, input: unknown): Promise<unknown>
  fetchMail(): Promise<readonly Fetched[]>
  status(): ServerStatus
  listCertificates(): Promise<readonly ShownCertificate[]>
  readonly terminals: Terminals
  /** The key under which terminals of an address are found; undefined when it is no address. */
  terminalKey(address: string): string | undefined
  readonly log: Log
}

export interface ControlServer {
  close(): Promise<void>
}

export async function startControlServer(
  dataFolder: string,
  services: ControlServices,
): Promise<ControlServer> {
  const path = controlSocketPath(dataFolder)
  const folder = dirname(path)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (process.getuid && statSync(folder).uid !== process.getuid()) {
    throw new Fault(
      'CONTROL_FOLDER_FOREIGN',
      `The folder ${folder} belongs to another user; the control socket is not opened there.`,
    )
  }
  // The data folder's lock is ours, so a socket that is there was left by a server that died.
  rmSync(path, { force: true })
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serveControlConnection(socket, services)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
  chmodSync(path, 0o600)
  return { close: () => closeControlServer(server, sockets) }
}

function closeControlServer(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    for (const socket of sockets) socket.destroy()
  })
}

function serveControlConnection(socket: Socket, services: ControlServices): void {
  const opened: { key: string; terminal: Terminal }[] = []
  const waiting = new Map<number, (shown: boolean) => void>()
  let lastMessageId = 0
  const send = (response: ControlResponse): void => {
    if (!socket.destroyed) socket.write(encodeFrame(response))
  }
  const openTerminal = (id: number, address: string): void => {
    const key = services.terminalKey(address)
    if (key === undefined) {
      send({ id, kind: 'error', code: 'NOT_AN_ADDRESS', message: `"${address}" is not a mail address.` })
      return
    }
    const terminal: Terminal = {
      show: text =>
        new Promise(resolve => {
          const messageId = ++lastMessageId
          waiting.set(messageId, resolve)
          send({ id: messageId, kind: 'message', text })
        }),
    }
    opened.push({ key, terminal })
    services.terminals.open(key, terminal)
    send({ id, kind: 'output', output: undefined })
  }
  const answer = async (request: ControlRequest): Promise<void> => {
    switch (request.kind) {
      case 'run':
        send({ id: request.id, kind: 'output', output: await services.run(request.operation, request.input) })
        break
      case 'fetch':
        send({ id: request.id, kind: 'output', output: await services.fetchMail() })
        break
      case 'certificates':
        send({ id: request.id, kind: 'output', output: await services.listCertificates() })
        break
      case 'status':
        send({ id: request.id, kind: 'output', output: services.status() })
        break
      case 'terminal':
        openTerminal(request.id, request.address)
        break
      case 'shown':
        waiting.get(request.id)?.(true)
        waiting.delete(request.id)
        break
      default:
        request satisfies never
    }
  }
  const read = createFrameReader(value => {
    const request = value as ControlRequest
    answer(request).catch((cause: unknown) => {
      const known = cause instanceof Fault
      if (!known)
        services.log.error('a command of the control socket failed', { command: request.kind }, cause)
      send({
        id: request.id,
        kind: 'error',
        code: known ? cause.code : 'INTERNAL',
        message: known ? cause.message : 'The server could not do this; its log says why.',
      })
    })
  })
  socket.on('data', (chunk: Buffer) => {
    if (!read(chunk)) socket.destroy()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    for (const { key, terminal } of opened) services.terminals.close(key, terminal)
    for (const resolve of waiting.values()) resolve(false)
  })
}
