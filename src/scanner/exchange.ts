// One request and its answer over a socket, with a scanner that may answer before it has been told everything.
import { once } from 'node:events'
import { connect, isIPv6, type NetConnectOpts, type Socket } from 'node:net'
import { formatEndpoint } from '../address/format-endpoint.ts'
import { describeNetworkError } from '../runtime/network-error.ts'
import { ScannerFault } from './contract.ts'

export type ScannerEndpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** '127.0.0.1:3310', '/run/clamav/clamd.ctl' */
export function formatScannerEndpoint(endpoint: ScannerEndpoint): string {
  return endpoint.kind === 'unix' ? endpoint.path : formatEndpoint(endpoint.host, endpoint.port)
}

/** 'localhost:11333', '127.0.0.1:11333', '[::1]:11333', '/run/clamav/clamd.ctl' */
export function parseScannerEndpoint(text: string): ScannerEndpoint | undefined {
  if (text.startsWith('/')) return { kind: 'unix', path: text }
  const found = /^(?:\[(?<literal>[0-9a-fA-F:.]+)\]|(?<host>[^:[\]/\s]+)):(?<port>\d{1,5})$/.exec(
    text,
  )?.groups
  const host = found?.literal ?? found?.host
  const port = Number(found?.port)
  if (host === undefined || port < 1 || port > 65_535) return undefined
  if (found?.literal !== undefined && !isIPv6(host)) return undefined
  return { kind: 'tcp', host, port }
}

export function connectOptions(endpoint: ScannerEndpoint): NetConnectOpts {
  return endpoint.kind === 'unix'
    ? { path: endpoint.path }
    : { host: endpoint.host, port: endpoint.port, noDelay: true }
}

/** No scanner has more to say. */
export const maxAnswerBytes = 1024 * 1024

export interface Exchange {
  readonly endpoint: ScannerEndpoint
  /** For people. */
  readonly name: string
  readonly request: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  /** The answer is complete; else it is when the scanner closes the connection. */
  readonly isWhole?: (answer: Buffer) => boolean
  /** Tells the scanner that the request is over. */
  readonly closesAfterRequest?: boolean
  readonly signal: AbortSignal
}

type Place = Pick<Exchange, 'endpoint' | 'name' | 'signal'>

/** Resolves with the answer, even to a part of the request. Rejects with a ScannerFault. */
export async function exchange(options: Exchange): Promise<Buffer> {
  return await overSocket(options, async socket => {
    const answer = readAnswer(socket, options)
    // What is wrong with the connection is said by whoever reads.
    const isSent = send(socket, options).catch(() => {})
    const bytes = await answer
    socket.destroy()
    await isSent
    return bytes
  })
}

/** Whether somebody listens there; nothing is said. Rejects with a ScannerFault. */
export async function reach(place: Place): Promise<void> {
  await overSocket(place, async () => {})
}

async function overSocket<Result>(
  { endpoint, name, signal }: Place,
  work: (socket: Socket) => Promise<Result>,
): Promise<Result> {
  const socket = connect(connectOptions(endpoint))
  const onAbort = (): void => void socket.destroy(new Error('it did not answer in time'))
  signal.addEventListener('abort', onAbort)
  try {
    if (signal.aborted) onAbort()
    await once(socket, 'connect')
    return await work(socket)
  } catch (cause) {
    throw cause instanceof ScannerFault ? cause : unavailable(name, cause)
  } finally {
    signal.removeEventListener('abort', onAbort)
    socket.on('error', () => {})
    socket.destroy()
  }
}

export function unavailable(name: string, cause: unknown): ScannerFault {
  const why = cause instanceof Error ? describeNetworkError(cause) : String(cause)
  return new ScannerFault('SCANNER_UNAVAILABLE', `The scanner ${name} gave no answer: ${why}.`, { cause })
}

export function confused(name: string, answer: string): ScannerFault {
  return new ScannerFault(
    'SCANNER_CONFUSED',
    `The scanner ${name} answered what its protocol does not know: ${JSON.stringify(answer.slice(0, 200))}. Does the setting name the right kind of scanner and the right port?`,
  )
}

/** After so many bytes the answer, or the end of the connection, is looked at before more is written. */
const lookAfterBytes = 64 * 1024

async function send(
  socket: Socket,
  { request, closesAfterRequest }: Pick<Exchange, 'request' | 'closesAfterRequest'>,
): Promise<void> {
  let unlooked = 0
  for await (const chunk of request) {
    // It has answered already.
    if (!socket.writable) return
    const isFull = !socket.write(chunk)
    unlooked += chunk.length
    if (isFull) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
    else if (unlooked >= lookAfterBytes) await turn()
    else continue
    unlooked = 0
  }
  if (closesAfterRequest && socket.writable) socket.end()
}

/** What has come before the connection broke may be the whole answer: a scanner that has heard enough closes it. */
function readAnswer(socket: Socket, { name, isWhole }: Pick<Exchange, 'name' | 'isWhole'>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0)
    let isEnded = false
    let failure: Error | undefined
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk])
      if (answer.length > maxAnswerBytes) reject(confused(name, `${answer.length} bytes`))
      else if (isWhole?.(answer)) resolve(answer)
    })
    socket.on('end', () => (isEnded = true))
    socket.on('error', cause => (failure = cause))
    socket.on('close', () => {
      if (isEnded && !failure && !isWhole) resolve(answer)
      else reject(unavailable(name, failure ?? new Error('it closed the connection')))
    })
  })
}

function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
