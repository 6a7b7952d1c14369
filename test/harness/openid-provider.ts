// A real OpenID provider (oidc-provider) on this machine, as the tests need it: tokens for whomever, keys that change, outages.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { Provider, type ResourceServer } from 'oidc-provider'

export interface TokenWishes {
  /** Default: that of the mail server. */
  readonly audience?: string
  readonly email?: string
  /** Default true. */
  readonly isVerified?: boolean
  readonly scope?: string
}

export interface OpenIdProvider {
  /** 'http://127.0.0.1:41234' */
  readonly issuer: string
  readonly audience: string
  /** An access token, as the provider gives it out at its token endpoint. */
  token(wishes?: TokenWishes): Promise<string>
  /** What the provider would never give out, with the key that it has now: claims over those of a good token. */
  sign(claims: JWTPayload, header?: { readonly typ?: string; readonly kid?: string }): Promise<string>
  /** A new key signs from now on; the old one is gone. */
  rotateKeys(): Promise<void>
  /** How many requests have come. */
  readonly requests: number
  /** Listens no more. */
  stop(): Promise<void>
  startAgain(): Promise<void>
}

/** A test, or what ends with a file of them. */
export interface Ending {
  after(stop: () => Promise<void>): void
}

export const mailAudience = 'https://mail.here.test'
const client = { client_id: 'mail-program', client_secret: 'secret-of-the-program' }
const grant = 'urn:test:somebody-has-logged-in'

export async function startOpenIdProvider(t: Ending): Promise<OpenIdProvider> {
  let key = await makeKey(1)
  let keyNumber = 1
  let requests = 0
  let handle: ReturnType<Provider['callback']> = () => Promise.reject(new Error('not started'))
  let server: Server | undefined
  let port = 0
  const listen = async (): Promise<void> => {
    const listener = createServer((request, response) => {
      requests++
      void handle(request, response)
    })
    server = listener
    await new Promise<void>(resolve => listener.listen(port, '127.0.0.1', resolve))
    port = (listener.address() as AddressInfo).port
  }
  const stop = async (): Promise<void> => {
    const listener = server
    server = undefined
    listener?.closeAllConnections()
    await new Promise<void>(resolve => (listener ? listener.close(() => resolve()) : resolve()))
  }
  await listen()
  t.after(stop)
  const issuer = `http://127.0.0.1:${port}`
  handle = createProvider(issuer, key.jwk)
  return {
    issuer,
    audience: mailAudience,
    get requests() {
      return requests
    },
    async token({ audience = mailAudience, email, isVerified = true, scope = 'mail' } = {}) {
      const response = await fetch(`${issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          ...client,
          grant_type: grant,
          resource: audience,
          scope,
          account: JSON.stringify({ email, email_verified: isVerified }),
        }),
      })
      const answer = (await response.json()) as { readonly access_token?: string }
      if (answer.access_token === undefined) throw new Error(JSON.stringify(answer))
      return answer.access_token
    },
    sign: (claims, header = {}) =>
      new SignJWT({ iss: issuer, aud: mailAudience, email_verified: true, scope: 'mail', ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: key.jwk.kid, typ: 'at+jwt', ...header })
        .sign(key.privateKey),
    async rotateKeys() {
      key = await makeKey(++keyNumber)
      handle = createProvider(issuer, key.jwk)
    },
    stop,
    startAgain: listen,
  }
}

interface Key {
  readonly privateKey: CryptoKey
  readonly jwk: JWK & { readonly kid: string }
}

async function makeKey(number: number): Promise<Key> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), kid: `key-${number}`, alg: 'ES256', use: 'sig' }
  return { privateKey, jwk }
}

function claimsIn(account: unknown): Record<string, unknown> {
  return typeof account === 'string' ? (JSON.parse(account) as Record<string, unknown>) : {}
}

/** Its tokens are signed, so that it need not know them again. */
class KeepsNothing {
  async upsert(): Promise<void> {}
  async find(): Promise<undefined> {}
  async findByUserCode(): Promise<undefined> {}
  async findByUid(): Promise<undefined> {}
  async consume(): Promise<void> {}
  async destroy(): Promise<void> {}
  async revokeByGrantId(): Promise<void> {}
}

function createProvider(issuer: string, jwk: JWK): ReturnType<Provider['callback']> {
  const provider = new Provider(issuer, {
    adapter: KeepsNothing,
    ttl: { ClientCredentials: 600 },
    jwks: { keys: [jwk] },
    scopes: ['mail', 'other'],
    clients: [
      {
        ...client,
        id_token_signed_response_alg: 'ES256',
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: [grant],
        redirect_uris: [],
        response_types: [],
      },
    ],
    // What a person would say of himself to the provider comes with the request here.
    extraTokenClaims: ctx => claimsIn(ctx.oidc.params?.account),
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource) => resourceServerOf(resource),
      },
    },
  })
  provider.registerGrantType(
    grant,
    async ctx => {
      const { client: asking, params } = ctx.oidc
      if (!asking) throw new Error('no client')
      const resource = String(params?.resource)
      const token = new provider.ClientCredentials({ client: asking, scope: String(params?.scope) })
      token.resourceServer = new provider.ResourceServer(resource, resourceServerOf(resource))
      ctx.oidc.entity('ClientCredentials', token)
      ctx.body = { access_token: await token.save(), token_type: 'Bearer', expires_in: token.expiration }
    },
    ['account', 'scope', 'resource'],
  )
  return provider.callback()
}

function resourceServerOf(audience: string): ResourceServer {
  return {
    audience,
    scope: 'mail other',
    accessTokenFormat: 'jwt',
    accessTokenTTL: 600,
    jwt: { sign: { alg: 'ES256' } },
  }
}
