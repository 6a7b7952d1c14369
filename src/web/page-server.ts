// Pages over HTTP and HTTPS that are composed anew for each request. Everything that a stranger may send is bounded; no
// connection is kept.
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { SecureContext } from 'node:tls'
import { type OpenListener, openListener } from './open-listener.ts'

export interface PageRequest {
  /** As the client says whom it wants: in small letters, without a port; '' where it does not say. */
  readonly host: string
  /** Without what follows a question mark. */
  readonly path: string
  readonly query: URLSearchParams
  /** What came with a POST; undefined: it was a GET or HEAD. */
  readonly posted: string | undefined
}

export interface Page {
  readonly status: number
  readonly text: string
  /** Default: text/plain in UTF-8. */
  readonly contentType?: string
}

export interface PageServerOptions {
  readonly address: string
  /** 0: the system chooses. */
  readonly port: number
  /** By the name in the handshake; undefined: HTTP without TLS. */
  readonly secureContext?: ((serverName?: string) => SecureContext) | undefined
  /** Default: no POST is taken. */
  readonly maxPostedBytes?: number | undefined
  /** Must not reject: then the client gets 500 and nothing else. */
  readonly compose: (request: PageRequest) => Page | Promise<Page>
}

const requestTimeoutMs = 5000
const bounds = {
  maxHeaderSize: 8192,
  headersTimeout: requestTimeoutMs,
  requestTimeout: requestTimeoutMs,
  connectionsCheckingInterval: 1000,
}

/** Rejects as `openListener`. */
export async function servePages({
  address,
  port,
  secureContext,
  maxPostedBytes,
  compose,
}: PageServerOptions): Promise<OpenListener> {
  const listener: RequestListener = (request, response) =>
    void answer(request, { compose, maxPostedBytes }).then(
      ({ status, text, contentType = 'text/plain; charset=utf-8' }) => {
        response.writeHead(status, {
          'Content-Type': contentType,
          'Content-Length': Buffer.byteLength(text),
          'Cache-Control': 'no-store',
          'X-Content-Type-Options': 'nosniff',
          Connection: 'close',
          ...(status === 405 && { Allow: allowed(maxPostedBytes) }),
        })
        response.end(request.method === 'HEAD' ? undefined : text)
      },
    )
  const server = secureContext ? createSecureServer(secureContext, listener) : createServer(bounds, listener)
  // A peer that does not read its answer.
  server.timeout = 2 * requestTimeoutMs
  return await openListener(server, { address, port })
}

function createSecureServer(
  secureContext: (serverName?: string) => SecureContext,
  listener: RequestListener,
): TlsServer {
  const server = createTlsServer(
    {
      ...bounds,
      minVersion: 'TLSv1.2',
      handshakeTimeout: requestTimeoutMs,
      // At each handshake, since a certificate is renewed under way. Whoever names no host is shown none.
      SNICallback(serverName, settle) {
        try {
          settle(null, secureContext(serverName))
        } catch (cause) {
          settle(cause instanceof Error ? cause : new Error(String(cause)))
        }
      },
    },
    listener,
  )
  // Strangers break off.
  server.on('tlsClientError', (_, socket) => socket.destroy())
  return server
}

async function answer(
  request: IncomingMessage,
  { compose, maxPostedBytes }: Pick<PageServerOptions, 'compose' | 'maxPostedBytes'>,
): Promise<Page> {
  const { method, url = '', headers } = request
  const isRead = method === 'GET' || method === 'HEAD'
  if (!isRead && (method !== 'POST' || maxPostedBytes === undefined))
    return { status: 405, text: `${allowed(maxPostedBytes)}.\n` }
  const posted = isRead ? undefined : await readPosted(request, maxPostedBytes ?? 0)
  if (posted === undefined && !isRead)
    return { status: 413, text: `At most ${maxPostedBytes ?? 0} bytes are taken.\n` }
  const host = (headers.host ?? '').toLowerCase().replace(/:[0-9]*$/, '')
  const query = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1])
  try {
    return await compose({ host, path: url.replace(/[?#].*$/s, ''), query, posted })
  } catch {
    return { status: 500, text: 'Something went wrong here.\n' }
  }
}

function allowed(maxPostedBytes: number | undefined): string {
  return maxPostedBytes === undefined ? 'GET, HEAD' : 'GET, HEAD, POST'
}

/** undefined: it is longer, or its sender has broken off and hears no answer. */
async function readPosted(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  return await new Promise(resolve => {
    const pieces: Buffer[] = []
    let length = 0
    request.on('data', (piece: Buffer) => {
      length += piece.length
      // What comes after that is read and dropped: who still writes would not hear the answer to a closed connection.
      if (length > maxBytes) resolve(undefined)
      else pieces.push(piece)
    })
    request.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')))
    request.on('close', () => resolve(undefined))
  })
}
