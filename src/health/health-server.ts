// /health and /ready over HTTP, for load balancers and whatever starts processes anew: a status, and a line for each
// reason. Everything that a stranger may send is bounded; no connection is kept.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { HealthSettings } from '../config/settings.ts'
import { formatProblems, type Health, type Problem } from './server-health.ts'

export interface HealthServer {
  readonly bound: { readonly address: string; readonly port: number }
  close(): Promise<void>
}

const maxConnections = 100
const maxHeaderBytes = 8192
const requestTimeoutMs = 5000
const checkConnectionsMs = 1000

/** Rejects with the system's error (EADDRINUSE, EACCES …). */
export async function startHealthServer(
  { address, port }: Pick<HealthSettings, 'address' | 'port'>,
  examine: () => Promise<Health>,
): Promise<HealthServer> {
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: checkConnectionsMs,
    },
    (request, response) => void answer(request, response, examine),
  )
  server.maxConnections = maxConnections
  // A peer that does not read its answer.
  server.timeout = 2 * requestTimeoutMs
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: address, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return { bound: { address, port: portOf(server) ?? port }, close: () => close(server) }
}

interface Page {
  readonly status: number
  readonly lines: readonly string[]
}

async function answer(
  { method = '', url = '' }: IncomingMessage,
  response: ServerResponse,
  examine: () => Promise<Health>,
): Promise<void> {
  const { status, lines } = await composePage(method, url, examine)
  const text = `${lines.join('\n')}\n`
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
    ...(status === 405 && { Allow: 'GET, HEAD' }),
  })
  response.end(method === 'HEAD' ? undefined : text)
}

async function composePage(method: string, url: string, examine: () => Promise<Health>): Promise<Page> {
  const path = url.replace(/[?#].*$/s, '')
  if (path !== '/health' && path !== '/ready')
    return { status: 404, lines: ['There are two pages here: /health and /ready.'] }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, lines: ['GET or HEAD.'] }
  const { lifeless, unready, remarks } = await examine()
  return path === '/health' ? pageOf('alive', lifeless, remarks) : pageOf('ready', unready, remarks)
}

function pageOf(state: string, problems: readonly Problem[], remarks: readonly string[]): Page {
  return problems.length === 0
    ? { status: 200, lines: [state, ...remarks] }
    : { status: 503, lines: [`not ${state}`, ...formatProblems(problems), ...remarks] }
}

function portOf(server: Server): number | undefined {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : undefined
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
