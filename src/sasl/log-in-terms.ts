// How a session may log in as its connection is now: whatever it speaks.
import type { TlsFacts } from '../connection/tls-facts.ts'
import type { Random } from '../runtime/random.ts'
import type { ClientCertificateProblem } from './authority.ts'
import { channelBindingTypes } from './channel-binding.ts'
import type { SaslConnection, SaslMechanism } from './mechanism.ts'
import { offeredMechanisms, type PasswordMechanism } from './mechanisms.ts'

/** The peer, as far as log-ins depend on it. */
export interface LogInClient {
  readonly tls?: TlsFacts | undefined
  /** A peer on this very machine. */
  readonly loopback: boolean
}

/** What there is that could prove somebody: the functions of `LogInServices`, or of `Authority`. */
export interface Proofs {
  readonly openScram?: unknown
  readonly verifyToken?: unknown
  readonly verifyCertificate?: unknown
}

export interface LogInTerms {
  readonly services: Proofs
  readonly authMechanisms: readonly PasswordMechanism[]
  readonly allowPlaintextAuthOnLoopback: boolean
  readonly random: Random
}

/** Of SCRAM: nobody meets the same one twice. */
const nonceBytes = 18

/** A password needs a layer that protects it (RFC 4954 §4, RFC 9051 §11.1). */
export function mayLogIn(
  { allowPlaintextAuthOnLoopback }: Pick<LogInTerms, 'allowPlaintextAuthOnLoopback'>,
  client: LogInClient,
): boolean {
  return client.tls !== undefined || (allowPlaintextAuthOnLoopback && client.loopback)
}

/** Where log-ins may be offered. */
export function mechanismsFor(
  { authMechanisms: allowed, services }: Pick<LogInTerms, 'authMechanisms' | 'services'>,
  { tls }: Pick<LogInClient, 'tls'>,
): readonly SaslMechanism[] {
  return offeredMechanisms({
    allowed,
    hasScram: services.openScram !== undefined,
    hasChannelBinding: bindsChannel(tls),
    hasTokens: services.verifyToken !== undefined,
    hasCertificate: services.verifyCertificate !== undefined && tls?.clientCertificate?.kind === 'trusted',
  })
}

/**
 * Why a mechanism is not offered, where that is for the trail: the owner of a certificate that proves nobody wonders, and whoever
 * looks after the server finds it there.
 */
export function whyNotOffered(
  mechanism: string,
  { tls }: Pick<LogInClient, 'tls'>,
): ClientCertificateProblem | undefined {
  const certificate = tls?.clientCertificate
  return mechanism === 'EXTERNAL' && certificate?.kind === 'worthless' ? certificate.problem : undefined
}

/** The connection as a mechanism sees it. */
export function saslConnectionOf(
  { random }: Pick<LogInTerms, 'random'>,
  { tls }: Pick<LogInClient, 'tls'>,
): SaslConnection {
  return {
    channelBinding: type => tls?.channelBinding?.(type),
    offersChannelBinding: bindsChannel(tls),
    nonce: () => Buffer.from(random.bytes(nonceBytes)).toString('base64'),
  }
}

function bindsChannel({ channelBinding }: Pick<TlsFacts, 'channelBinding'> = {}): boolean {
  return channelBinding !== undefined && channelBindingTypes.some(type => channelBinding(type))
}
