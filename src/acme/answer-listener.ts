// Where the authority asks for the proof: over HTTP (RFC 8555 §8.3) or in a TLS handshake (RFC 8737). Listeners of their own,
// on which nothing else is answered; all that a stranger may send is bounded.
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { createSecureContext, createServer as createTlsServer, type SecureContext } from 'node:tls'
import type { AlpnAnswer } from './challenge-places.ts'
import type { KeptAnswer } from './operations.ts'
import type { ChallengeType } from './records.ts'

/** undefined: nobody asked for a certificate that would be proven so. */
export type FindAnswer = (asked: KeptAnswer) => Promise<string | undefined>

export interface AnswerListener {
  readonly port: number
  close(): Promise<void>
}

interface Place {
  readonly address: string
  readonly port: number
}

const maxConnections = 100
const timeoutMs = 5000

/** Rejects with the system's error (EADDRINUSE, EACCES …). */
export async function listenForChallenges(
  type: Exclude<ChallengeType, 'dns-01'>,
  place: Place,
  find: FindAnswer,
): Promise<AnswerListener> {
  const server = type === 'http-01' ? createHttpAnswers(find) : createAlpnAnswers(find)
  server.maxConnections = maxConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: place.address, port: place.port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.unref()
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) (server as { closeAllConnections(): void }).closeAllConnections()
      }),
  }
}

const folder = '/.well-known/acme-challenge/'
/** RFC 8555 §8.3: base64url, of 128 bits or more. */
const token = /^[A-Za-z0-9_-]{16,256}$/

function createHttpAnswers(find: FindAnswer): Server {
  const server = createHttpServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => void answerHttp(request, response, find),
  )
  server.timeout = 2 * timeoutMs
  return server
}

async function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  find: FindAnswer,
): Promise<void> {
  const { method = '', url = '' } = request
  const path = url.replace(/[?#].*$/s, '')
  const asked = path.startsWith(folder) ? path.slice(folder.length) : ''
  const [status, text] = await composeAnswer(method, asked, find)
  response.writeHead(status, {
    'Content-Type': status === 200 ? 'application/octet-stream' : 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
  })
  response.end(method === 'HEAD' ? undefined : text)
}

async function composeAnswer(
  method: string,
  asked: string,
  find: FindAnswer,
): Promise<readonly [status: number, text: string]> {
  if (method !== 'GET' && method !== 'HEAD') return [405, 'GET or HEAD.\n']
  if (!token.test(asked))
    return [404, 'This is the mail server’s: it only answers who issues its certificates.\n']
  try {
    const answer = await find({ type: 'http-01', askedFor: asked })
    return answer === undefined ? [404, 'Nobody asked for that.\n'] : [200, answer]
  } catch {
    // The database is away: the authority may come again, and whoever asked for the certificate logs what it hears.
    return [503, 'Later.\n']
  }
}

const protocol = 'acme-tls/1'

/** Without an answer for the name there is no certificate and so no handshake. */
function createAlpnAnswers(find: FindAnswer): Server {
  const server = createTlsServer(
    {
      minVersion: 'TLSv1.2',
      handshakeTimeout: timeoutMs,
      // RFC 8737 §3: whoever speaks anything else gets the alert no_application_protocol.
      ALPNCallback: ({ protocols }) => (protocols.includes(protocol) ? protocol : undefined),
      SNICallback(serverName, settle) {
        findContext(serverName, find).then(
          context => settle(null, context),
          (cause: unknown) => settle(cause instanceof Error ? cause : new Error(String(cause))),
        )
      },
    },
    // RFC 8737 §3: the handshake is all that it is for. Nobody holds a connection by not closing it.
    socket => socket.destroySoon(),
  )
  // Strangers break off, and so do we.
  server.on('tlsClientError', (_, socket) => socket.destroy())
  return server
}

async function findContext(serverName: string, find: FindAnswer): Promise<SecureContext> {
  const answer = await find({ type: 'tls-alpn-01', askedFor: serverName.toLowerCase() })
  if (answer === undefined) throw new Error(`nobody asked for a certificate for ${serverName}`)
  const { certificatePem, keyPem } = JSON.parse(answer) as AlpnAnswer
  return createSecureContext({ cert: certificatePem, key: keyPem })
}
