// An authority of the tests' own, after RFC 8555 and RFC 8737: nonces are used once, signatures are checked, proofs are really
// fetched, requests (CSR) verified, and certificates issued by a chain of its own. It can be told to fail in many ways.
import { createHash, createHmac, createPublicKey, randomBytes, verify, type webcrypto } from 'node:crypto'
import { get } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import * as x509 from '@peculiar/x509'
import { issueCertificate, makeAuthority } from '../harness/certificates.ts'

type JsonWebKey = webcrypto.JsonWebKey

export interface Faults {
  /** The next so many signed requests are told that their nonce is none. */
  badNonces: number
  /** An answer to the next request for an order, instead of one. */
  newOrder: Fault | undefined
  /** The same of an account. */
  newAccount: Fault | undefined
  /** What comes of a proof, instead of looking. */
  proof: { readonly type: string; readonly detail: string } | undefined
  /** The order fails after the proof. */
  finalize: Fault | undefined
  invalidOrder: { readonly type: string; readonly detail: string } | undefined
  /** What is issued is for another name, or for another key, or has a chain in disorder. */
  wrong: 'name' | 'key' | 'chain' | undefined
  /** Every answer is 503. */
  isDown: boolean
  /** So many looks at what is under way find it so. */
  pendingLooks: number
}

export interface Fault {
  readonly status: number
  readonly type: string
  readonly detail: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface AcmeServerOptions {
  /** Where proofs are looked for: as names of the tests lead nowhere. */
  readonly proofAt: () => { readonly address: string; readonly port: number }
  /** The TXT records of a name, for dns-01. */
  readonly txt?: (name: string) => readonly string[]
  readonly externalKeys?: Readonly<Record<string, string>>
  readonly lifeMs?: number
  readonly now: () => number
  /** Which proofs it offers. */
  readonly challenges?: readonly string[]
}

export interface AcmeServer {
  readonly directory: string
  /** Who vouches for its web server, PEM. */
  readonly caPem: string
  readonly faults: Faults
  readonly accounts: readonly { readonly contact: readonly string[]; readonly isBound: boolean }[]
  /** Names of certificates that it issued, in order. */
  readonly issued: readonly { readonly name: string; readonly keyDigest: string; readonly serial: string }[]
  /** 'POST /new-order' … */
  readonly requests: readonly string[]
  /** As after a loss of its database. */
  forgetAccounts(): void
  close(): Promise<void>
}

interface Account {
  readonly id: number
  readonly jwk: JsonWebKey
  contact: readonly string[]
  isBound: boolean
}

interface Order {
  readonly id: number
  readonly account: number
  readonly name: string
  readonly token: string
  status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid'
  proofStatus: 'pending' | 'valid' | 'invalid'
  proofError?: unknown
  error?: unknown
  certificate?: string
  looksLeft: number
}

interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly pem?: string
  readonly headers?: Readonly<Record<string, string>>
}

class Refusal extends Error {
  readonly fault: Fault
  constructor(status: number, type: string, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail)
    this.fault = { status, type, detail, headers }
  }
}

const problem = (type: string, detail: string): unknown => ({
  type: `urn:ietf:params:acme:error:${type}`,
  detail,
})

const decode = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))

/** RFC 7638 */
function thumbprint(jwk: JsonWebKey): string {
  const members = jwk.kty === 'EC' ? ['crv', 'kty', 'x', 'y'] : ['e', 'kty', 'n']
  const canonical = JSON.stringify(Object.fromEntries(members.map(name => [name, Reflect.get(jwk, name)])))
  return createHash('sha256').update(canonical).digest('base64url')
}

/** Once a process: they cost more than what is tested with them. */
let keys: ReturnType<typeof makeKeys> | undefined

async function makeKeys() {
  const root = await makeAuthority('ACME Root')
  const issuer = await makeAuthority('ACME Issuer', { issuer: root })
  return { root, issuer, own: await issueCertificate(root, ['localhost']) }
}

export async function startAcmeServer(options: AcmeServerOptions): Promise<AcmeServer> {
  const { now, lifeMs = 90 * 86_400_000, challenges = ['http-01', 'tls-alpn-01', 'dns-01'] } = options
  const { root, issuer, own } = await (keys ??= makeKeys())
  const faults: Faults = {
    badNonces: 0,
    newOrder: undefined,
    newAccount: undefined,
    proof: undefined,
    finalize: undefined,
    invalidOrder: undefined,
    wrong: undefined,
    isDown: false,
    pendingLooks: 0,
  }
  const nonces = new Set<string>()
  const accounts: Account[] = []
  const forgotten = new Set<number>()
  const orders: Order[] = []
  const issued: { name: string; keyDigest: string; serial: string }[] = []
  const requests: string[] = []
  let base = ''

  const newNonce = (): string => {
    const nonce = randomBytes(16).toString('base64url')
    nonces.add(nonce)
    return nonce
  }

  interface Signed {
    readonly jwk: JsonWebKey
    readonly account: Account | undefined
    readonly payload: Readonly<Record<string, unknown>> | undefined
  }

  /** RFC 8555 §6.2 to §6.5 */
  const readSigned = (text: string, url: string, contentType: string | undefined): Signed => {
    if (contentType !== 'application/jose+json')
      throw new Refusal(415, 'malformed', 'not application/jose+json')
    const jws = JSON.parse(text) as { protected: string; payload: string; signature: string }
    const header = decode(jws.protected) as {
      alg?: string
      nonce?: string
      url?: string
      kid?: string
      jwk?: JsonWebKey
    }
    if (header.url !== url) throw new Refusal(401, 'unauthorized', `the url of the header is ${header.url}`)
    if (!header.nonce || !nonces.delete(header.nonce) || faults.badNonces > 0) {
      faults.badNonces = Math.max(0, faults.badNonces - 1)
      throw new Refusal(400, 'badNonce', 'this nonce is none')
    }
    if ((header.kid === undefined) === (header.jwk === undefined))
      throw new Refusal(400, 'malformed', 'one of kid and jwk')
    const account =
      header.kid === undefined
        ? undefined
        : accounts.find(({ id }) => header.kid === `${base}/account/${id}` && !forgotten.has(id))
    if (header.kid !== undefined && !account)
      throw new Refusal(400, 'accountDoesNotExist', 'there is no such account')
    const jwk = header.jwk ?? account?.jwk
    if (!jwk) throw new Refusal(400, 'malformed', 'no key')
    if (header.alg !== (jwk.kty === 'EC' ? 'ES256' : 'RS256'))
      throw new Refusal(400, 'badSignatureAlgorithm', `not ${header.alg}`)
    const isRight = verify(
      'sha256',
      Buffer.from(`${jws.protected}.${jws.payload}`),
      { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
      Buffer.from(jws.signature, 'base64url'),
    )
    if (!isRight) throw new Refusal(400, 'malformed', 'the signature is wrong')
    return {
      jwk,
      account,
      payload: jws.payload === '' ? undefined : (decode(jws.payload) as Record<string, unknown>),
    }
  }

  /** RFC 8555 §7.3.4 */
  const isBound = (binding: unknown, jwk: JsonWebKey, url: string): boolean => {
    const { externalKeys } = options
    if (!externalKeys) return false
    const jws = binding as { protected: string; payload: string; signature: string } | undefined
    if (!jws) throw new Refusal(403, 'externalAccountRequired', 'an account here takes a key of ours')
    const header = decode(jws.protected) as { alg: string; kid: string; url: string; nonce?: string }
    const key = externalKeys[header.kid]
    const mac = createHmac('sha256', Buffer.from(key ?? '', 'base64url'))
      .update(`${jws.protected}.${jws.payload}`)
      .digest('base64url')
    const isRight =
      key !== undefined &&
      header.alg === 'HS256' &&
      header.url === url &&
      header.nonce === undefined &&
      mac === jws.signature &&
      thumbprint(decode(jws.payload) as JsonWebKey) === thumbprint(jwk)
    if (!isRight) throw new Refusal(401, 'unauthorized', 'the external account is not bound')
    return true
  }

  const describeOrder = (order: Order): unknown => ({
    status: order.status,
    identifiers: [{ type: 'dns', value: order.name }],
    authorizations: [`${base}/authorization/${order.id}`],
    finalize: `${base}/finalize/${order.id}`,
    expires: new Date(now() + 3_600_000).toISOString(),
    ...(order.error === undefined ? {} : { error: order.error }),
    ...(order.certificate === undefined ? {} : { certificate: `${base}/certificate/${order.id}` }),
  })

  const describeAuthorization = (order: Order): unknown => {
    const isPattern = order.name.startsWith('*.')
    return {
      status: order.proofStatus,
      identifier: { type: 'dns', value: isPattern ? order.name.slice(2) : order.name },
      ...(isPattern ? { wildcard: true } : {}),
      challenges: challenges
        .filter(type => !isPattern || type === 'dns-01')
        .map(type => ({
          type,
          url: `${base}/challenge/${order.id}/${type}`,
          status: order.proofStatus,
          token: order.token,
          ...(order.proofError === undefined ? {} : { error: order.proofError }),
        })),
    }
  }

  const prove = async (order: Order, type: string, account: Account): Promise<void> => {
    const name = order.name.replace(/^\*\./, '')
    const expected = `${order.token}.${thumbprint(account.jwk)}`
    const found = faults.proof ?? (await lookForProof(type, name, order.token, expected, options))
    order.proofStatus = found ? 'invalid' : 'valid'
    order.status = found ? 'invalid' : 'ready'
    if (found) order.proofError = problem(found.type, found.detail)
  }

  const issue = async (order: Order, csrText: string): Promise<void> => {
    const csr = new x509.Pkcs10CertificateRequest(Buffer.from(csrText, 'base64url'))
    if (!(await csr.verify())) throw new Refusal(400, 'badCSR', 'its signature is wrong')
    const names = dnsNames(csr)
    if (names.join(' ') !== order.name) throw new Refusal(400, 'badCSR', `it is for ${names.join(' ')}`)
    const key = await crypto.subtle.importKey(
      'pkcs8',
      x509.PemConverter.decodeFirst(issuer.key),
      { name: 'ECDSA', namedCurve: 'P-256' },
      false,
      ['sign'],
    )
    const other = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
      'verify',
    ])
    const serialNumber = randomBytes(8).toString('hex')
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber,
      issuer: new x509.X509Certificate(issuer.certificate).subjectName,
      subject: '',
      notBefore: new Date(now() - 3_600_000),
      notAfter: new Date(now() - 3_600_000 + lifeMs),
      publicKey: faults.wrong === 'key' ? other.publicKey : csr.publicKey,
      signingKey: key,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: 'dns', value: faults.wrong === 'name' ? 'other.example' : order.name },
        ]),
      ],
    })
    issued.push({
      name: order.name,
      keyDigest: createHash('sha256').update(Buffer.from(csr.publicKey.rawData)).digest('hex'),
      serial: serialNumber,
    })
    const chain: string[] = faults.wrong === 'chain' ? [root.certificate] : [issuer.certificate]
    order.certificate = [certificate.toString('pem'), ...chain].join('\n')
    order.status = 'valid'
  }

  const routes: Readonly<
    Record<string, (signed: Signed, id: number, rest: string, url: string) => Promise<Answer> | Answer>
  > = {
    'new-account': ({ jwk, payload }, _id, _rest, url) => {
      throwFault(faults.newAccount)
      const known = accounts.find(one => !forgotten.has(one.id) && thumbprint(one.jwk) === thumbprint(jwk))
      const describe = ({ contact }: Account): unknown => ({
        status: 'valid',
        contact,
        orders: `${base}/orders`,
      })
      if (known)
        return { status: 200, body: describe(known), headers: { Location: `${base}/account/${known.id}` } }
      if (payload?.['termsOfServiceAgreed'] !== true)
        throw new Refusal(403, 'userActionRequired', 'agree to the terms')
      const account = {
        id: accounts.length,
        jwk,
        contact: (payload['contact'] as string[] | undefined) ?? [],
        isBound: isBound(payload['externalAccountBinding'], jwk, url),
      }
      accounts.push(account)
      return { status: 201, body: describe(account), headers: { Location: `${base}/account/${account.id}` } }
    },
    account: ({ account, payload }) => {
      if (account && payload?.['contact']) account.contact = payload['contact'] as string[]
      return { status: 200, body: { status: 'valid', contact: account?.contact, orders: `${base}/orders` } }
    },
    'new-order': ({ account, payload }) => {
      throwFault(faults.newOrder)
      const identifiers = payload?.['identifiers'] as { type: string; value: string }[]
      const order: Order = {
        id: orders.length,
        account: account?.id ?? -1,
        name: identifiers[0]?.value ?? '',
        token: randomBytes(32).toString('base64url'),
        status: 'pending',
        proofStatus: 'pending',
        looksLeft: faults.pendingLooks,
      }
      orders.push(order)
      return { status: 201, body: describeOrder(order), headers: { Location: `${base}/order/${order.id}` } }
    },
    order: (_, id) => {
      const order = orderOf(id)
      if (order.status === 'processing' && order.looksLeft-- <= 0) order.status = 'valid'
      return { status: 200, body: describeOrder(order) }
    },
    authorization: (_, id) => ({ status: 200, body: describeAuthorization(orderOf(id)) }),
    challenge: async ({ account, payload }, id, type) => {
      const order = orderOf(id)
      if (!payload) throw new Refusal(400, 'malformed', 'an object is expected')
      if (account) await prove(order, type, account)
      return { status: 200, body: { type, status: 'processing', url: `${base}/challenge/${id}/${type}` } }
    },
    finalize: async ({ payload }, id) => {
      throwFault(faults.finalize)
      const order = orderOf(id)
      if (order.status !== 'ready') throw new Refusal(403, 'orderNotReady', `the order is ${order.status}`)
      await issue(order, String(payload?.['csr']))
      if (faults.invalidOrder) {
        order.status = 'invalid'
        order.error = problem(faults.invalidOrder.type, faults.invalidOrder.detail)
      } else if (order.looksLeft > 0) order.status = 'processing'
      return { status: 200, body: describeOrder(order), headers: { Location: `${base}/order/${id}` } }
    },
    certificate: (_, id) => ({ status: 200, pem: orderOf(id).certificate ?? '' }),
  }

  const orderOf = (id: number): Order => {
    const order = orders[id]
    if (!order) throw new Refusal(404, 'malformed', 'there is no such order')
    return order
  }

  const server = createServer({ cert: own.certificate, key: own.key }, (request, response) => {
    const { method = '', url = '', headers } = request
    requests.push(`${method} ${url}`)
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    const respond = ({ status, body, pem, headers: more = {} }: Answer): void => {
      response.writeHead(status, {
        'Replay-Nonce': newNonce(),
        'Content-Type':
          pem !== undefined
            ? 'application/pem-certificate-chain'
            : status >= 400
              ? 'application/problem+json'
              : 'application/json',
        ...more,
      })
      response.end(method === 'HEAD' ? undefined : (pem ?? JSON.stringify(body ?? {})))
    }
    const answer = async (): Promise<Answer> => {
      if (faults.isDown) return { status: 503, body: 'down' }
      if (url === '/directory')
        return {
          status: 200,
          body: {
            newNonce: `${base}/new-nonce`,
            newAccount: `${base}/new-account`,
            newOrder: `${base}/new-order`,
            revokeCert: `${base}/revoke`,
            keyChange: `${base}/key-change`,
            meta: { termsOfService: `${base}/terms` },
          },
        }
      if (url === '/new-nonce') return { status: 200 }
      const [, route = '', id = '', rest = ''] = url.split('/')
      const handle = routes[route]
      if (!handle || method !== 'POST') throw new Refusal(405, 'malformed', 'POST only')
      const whole = `${base}${url}`
      return await handle(readSigned(text, whole, headers['content-type']), Number(id), rest, whole)
    }
    request.on('end', () => {
      answer().then(respond, (cause: unknown) => {
        const fault =
          cause instanceof Refusal
            ? cause.fault
            : { status: 500, type: 'serverInternal', detail: String(cause), headers: {} }
        respond({
          status: fault.status,
          body: problem(fault.type, fault.detail),
          ...(fault.headers && { headers: fault.headers }),
        })
      })
    })
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  base = `https://localhost:${(server.address() as AddressInfo).port}`
  return {
    directory: `${base}/directory`,
    caPem: root.certificate,
    faults,
    accounts,
    issued,
    requests,
    forgetAccounts: () => {
      for (const { id } of accounts) forgotten.add(id)
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const subjectAltName = '2.5.29.17'

function dnsNames(holder: x509.X509Certificate | x509.Pkcs10CertificateRequest): string[] {
  const extension = holder.getExtension(subjectAltName)
  if (!extension) return []
  return new x509.SubjectAlternativeNameExtension(extension.rawData).names.items.map(({ value }) => value)
}

function throwFault(fault: Fault | undefined): void {
  if (fault) throw new Refusal(fault.status, fault.type, fault.detail, fault.headers)
}

type Found = { readonly type: string; readonly detail: string } | undefined

async function lookForProof(
  type: string,
  name: string,
  token: string,
  expected: string,
  { proofAt, txt }: AcmeServerOptions,
): Promise<Found> {
  try {
    switch (type) {
      case 'http-01':
        return await lookOverHttp(name, token, expected, proofAt())
      case 'tls-alpn-01':
        return await lookInHandshake(name, expected, proofAt())
      default: {
        const digest = createHash('sha256').update(expected).digest('base64url')
        return txt?.(`_acme-challenge.${name}`).includes(digest)
          ? undefined
          : { type: 'unauthorized', detail: `No TXT record found at _acme-challenge.${name}` }
      }
    }
  } catch (cause) {
    return {
      type: 'connection',
      detail: `${name}: ${cause instanceof Error ? cause.message : String(cause)}`,
    }
  }
}

/** RFC 8555 §8.3 */
function lookOverHttp(
  name: string,
  token: string,
  expected: string,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<Found> {
  return new Promise((resolve, reject) => {
    get(
      {
        host: address,
        port,
        path: `/.well-known/acme-challenge/${token}`,
        headers: { Host: name },
        agent: false,
      },
      response => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => {
          const isRight = response.statusCode === 200 && text.trimEnd() === expected
          resolve(
            isRight
              ? undefined
              : { type: 'unauthorized', detail: `Invalid response: ${response.statusCode}` },
          )
        })
      },
    ).on('error', reject)
  })
}

const acmeIdentifier = '1.3.6.1.5.5.7.1.31'

/** RFC 8737 §3 */
function lookInHandshake(
  name: string,
  expected: string,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<Found> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: address, port, servername: name, ALPNProtocols: ['acme-tls/1'], rejectUnauthorized: false },
      () => {
        const shown = socket.getPeerX509Certificate()
        const certificate = new x509.X509Certificate(shown?.raw ?? Buffer.alloc(0))
        const names = dnsNames(certificate)
        const proof = certificate.getExtension(acmeIdentifier)
        const digest = createHash('sha256').update(expected).digest()
        const isRight =
          socket.alpnProtocol === 'acme-tls/1' &&
          names.join(' ') === name &&
          proof?.critical === true &&
          // An OCTET STRING of 32 bytes.
          Buffer.from(proof.value).equals(Buffer.concat([Buffer.from([4, 32]), digest]))
        socket.destroy()
        resolve(isRight ? undefined : { type: 'unauthorized', detail: 'Incorrect validation certificate' })
      },
    )
    socket.on('error', reject)
  })
}
