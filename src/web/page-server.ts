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
  /** Of GET and HEAD. Must not reject: then the client gets 500 and nothing else. */
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
  compose,
}: PageServerOptions): Promise<OpenListener> {
  const listener: RequestListener = (request, response) =>
    void answer(request, compose).then(({ status, text, contentType = 'text/plain; charset=utf-8' }) => {
      response.writeHead(status, {
        'Content-Type': contentType,
        'Content-Length': Buffer.byteLength(text),
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
        Connection: 'close',
        ...(status === 405 && { Allow: 'GET, HEAD' }),
      })
      response.end(request.method === 'HEAD' ? undefined : text)
    })
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
  { method, url = '', headers }: IncomingMessage,
  compose: PageServerOptions['compose'],
): Promise<Page> {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'GET or HEAD.\n' }
  const host = (headers.host ?? '').toLowerCase().replace(/:[0-9]*$/, '')
  try {
    return await compose({ host, path: url.replace(/[?#].*$/s, '') })
  } catch {
    return { status: 500, text: 'Something went wrong here.\n' }
  }
}
