// Whom a token proves: a JWT (RFC 7519, RFC 9068) that a provider of the settings has signed, for this server, and that holds now.
import type { errors, JWTPayload, JWTVerifyGetKey } from 'jose'
import type { Address } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'
import type { OpenIdSettings } from '../config/settings.ts'
import type { Clock } from '../runtime/clock.ts'
import type { TokenProblem } from '../sasl/authority.ts'
import type { TokenHints } from '../sasl/mechanism.ts'
import { ProviderFault } from './provider-fault.ts'
import type { ProviderKeys } from './provider-keys.ts'

/** What only the holder of a private key can make. No "none", and no HS256: its key is one that others can know (RFC 8725 §2.1). */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/** Clocks differ; RFC 7519 §4.1.4 grants no more than a few minutes. */
const leewaySeconds = 30
/** Larger than any that fits into a line of AUTH. */
const maxTokenCharacters = 16_384

/** RFC 8725 §3.11: what is signed for another purpose is no token for us. RFC 9068 §2.1. */
const types: ReadonlySet<string> = new Set(['jwt', 'at+jwt'])

export interface Provider extends Omit<OpenIdSettings, 'caPem'> {
  readonly keys: Pick<ProviderKeys, 'find' | 'configuration'>
}

type Jose = typeof import('jose')

export type TokenFindings =
  | { readonly kind: 'proven'; readonly address: Address; readonly hints: TokenHints }
  | { readonly kind: 'refused'; readonly problem: TokenProblem; readonly hints: TokenHints }
  /** Nobody can say now. */
  | { readonly kind: 'unavailable' }

export async function verifyToken(
  providers: readonly Provider[],
  token: string | undefined,
  clock: Clock,
): Promise<TokenFindings> {
  // Read when a token comes: a server, or a command, that has nothing to do with tokens does not wait for it at its start.
  const jose = await import('jose')
  const claimed = token === undefined ? undefined : readIssuer(jose, token)
  const provider = providers.find(({ issuer }) => issuer === claimed)
  const refuse = (problem: TokenProblem): TokenFindings => ({
    kind: 'refused',
    problem,
    hints: hintsOf(provider ?? providers[0], problem === 'token-scope'),
  })
  if (token === undefined) return refuse('token-missing')
  if (claimed === undefined) return refuse('token-malformed')
  if (!provider) return refuse('token-foreign-issuer')
  try {
    const { payload } = await verifySignature(jose, token, provider, clock)
    if (provider.scope !== undefined && !scopesOf(payload).includes(provider.scope))
      return refuse('token-scope')
    const address = accountOf(payload, provider)
    return address ? { kind: 'proven', address, hints: hintsOf(provider) } : refuse('token-nobody')
  } catch (cause) {
    if (cause instanceof ProviderFault) return { kind: 'unavailable' }
    if (cause instanceof jose.errors.JOSEError) return refuse(problemOf(jose, cause))
    throw cause
  }
}

/** What it says itself, which proves nothing: only whose keys are to be tried. */
function readIssuer({ decodeJwt, errors }: Jose, token: string): string | undefined {
  if (token.length > maxTokenCharacters) return undefined
  try {
    const { iss } = decodeJwt(token)
    return typeof iss === 'string' ? iss : ''
  } catch (cause) {
    if (cause instanceof errors.JOSEError) return undefined
    throw cause
  }
}

async function verifySignature(
  { errors, jwtVerify }: Jose,
  token: string,
  { issuer, audience, keys }: Provider,
  clock: Clock,
): Promise<{ readonly payload: JWTPayload }> {
  const findKey: JWTVerifyGetKey = async (header, input) => {
    const { typ = 'JWT' } = header
    if (!types.has(typ.toLowerCase().replace(/^application\//, '')))
      throw new errors.JWTInvalid(`a token of the type ${typ}`)
    return await keys.find(header, input)
  }
  return await jwtVerify(token, findKey, {
    algorithms,
    issuer,
    audience: [...audience],
    requiredClaims: ['exp', 'aud'],
    clockTolerance: leewaySeconds,
    currentDate: new Date(clock.now()),
  })
}

function problemOf({ errors }: Jose, cause: errors.JOSEError): TokenProblem {
  if (cause instanceof errors.JWTExpired) return 'token-expired'
  if (cause instanceof errors.JWTClaimValidationFailed) {
    if (cause.claim === 'aud') return 'token-foreign-audience'
    if (cause.claim === 'iss') return 'token-foreign-issuer'
    if (cause.claim === 'nbf' && cause.reason === 'check_failed') return 'token-not-yet-valid'
    return 'token-malformed'
  }
  const isForged =
    cause instanceof errors.JWSSignatureVerificationFailed ||
    cause instanceof errors.JOSEAlgNotAllowed ||
    cause instanceof errors.JWKSNoMatchingKey ||
    cause instanceof errors.JWKSMultipleMatchingKeys
  return isForged ? 'token-forged' : 'token-malformed'
}

/** RFC 9068 §2.2.3: `scope`, parted by blanks; Microsoft calls it `scp`, others write a list. */
function scopesOf({ scope, scp }: JWTPayload): readonly string[] {
  return [scope, scp].flatMap(value => {
    if (typeof value === 'string') return value.split(' ')
    return Array.isArray(value) ? value.filter(each => typeof each === 'string') : []
  })
}

function accountOf(payload: JWTPayload, { claim, domain, verifiedEmailOnly }: Provider): Address | undefined {
  const named = payload[claim]
  if (typeof named !== 'string') return undefined
  // Some write it as a text (Amazon Cognito).
  const isVerified = payload.email_verified === true || payload.email_verified === 'true'
  if (claim === 'email' && verifiedEmailOnly && !isVerified) return undefined
  return parseAddress(named.includes('@') || domain === undefined ? named : `${named}@${domain}`)
}

/** Where the token does not say from whom it is: the first of the settings. */
export function hintsOf(provider: Provider | undefined, isScopeMissing = false): TokenHints {
  return { isScopeMissing, scope: provider?.scope, configuration: provider?.keys.configuration }
}
