// Where the authority asks for the proof: over HTTP (RFC 8555 §8.3) or in a TLS handshake (RFC 8737). Listeners of their own,
// on which nothing else is answered; all that a stranger may send is bounded.
import { createSecureContext, createServer, type SecureContext, type Server } from 'node:tls'
import { type OpenListener, openListener } from '../web/open-listener.ts'
import { type Page, servePages } from '../web/page-server.ts'
import type { AlpnAnswer } from './challenge-places.ts'
import type { KeptAnswer } from './operations.ts'
import type { ChallengeType } from './records.ts'

/** undefined: nobody asked for a certificate that would be proven so. */
export type FindAnswer = (asked: KeptAnswer) => Promise<string | undefined>

const timeoutMs = 5000

/** Rejects with the system's error (EADDRINUSE, EACCES …). */
export async function listenForChallenges(
  type: Exclude<ChallengeType, 'dns-01'>,
  place: OpenListener['bound'],
  find: FindAnswer,
): Promise<OpenListener> {
  return type === 'http-01'
    ? await servePages({ ...place, compose: ({ path }) => composePage(path, find) })
    : await openListener(createAlpnServer(find), place)
}

const folder = '/.well-known/acme-challenge/'
/** RFC 8555 §8.3: base64url, of 128 bits or more. */
const token = /^[A-Za-z0-9_-]{16,256}$/

async function composePage(path: string, find: FindAnswer): Promise<Page> {
  const asked = path.startsWith(folder) ? path.slice(folder.length) : ''
  if (!token.test(asked))
    return { status: 404, text: 'This is the mail server’s: it only answers who issues its certificates.\n' }
  try {
    const answer = await find({ type: 'http-01', askedFor: asked })
    return answer === undefined
      ? { status: 404, text: 'Nobody asked for that.\n' }
      : { status: 200, text: answer, contentType: 'application/octet-stream' }
  } catch {
    // The database is away: the authority may come again, and whoever asked for the certificate logs what it hears.
    return { status: 503, text: 'Later.\n' }
  }
}

const protocol = 'acme-tls/1'

/** Without an answer for the name there is no certificate and so no handshake. */
function createAlpnServer(find: FindAnswer): Server {
  const server = createServer(
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
