// The scanners that follow a mail transaction (milters): they hear of each recipient when it is named, and may refuse it alone.
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { isRoleAddress } from '../directory/keys.ts'
import { type AuthenticationDns, boundDns } from '../mail-authentication/bounded-dns.ts'
import { checkReverse, type IprevEvidence } from '../mail-authentication/iprev.ts'
import type { Clock } from '../runtime/clock.ts'
import type { AttendedClient, SpecimenClient } from '../scanner/contract.ts'
import type { Attending, RefusedRecipient, Scanners } from '../screening/run-scanners.ts'
import type { ScreeningEvidence } from '../screening/screen.ts'
import { formatForwardPathParameters, formatReversePathParameters } from '../smtp/parameter-words.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import type { Client, MailTransaction, Recipient } from '../smtp/server/services.ts'
import { isStranger } from './check-strangers.ts'

export interface SessionScannersParts {
  /** For mail of strangers. */
  readonly strangers: Pick<Scanners, 'attend' | 'attends'>
  /** For mail of our accounts. */
  readonly outgoing: Pick<Scanners, 'attend' | 'attends'>
  /** For the name of a stranger's address; undefined: it is not asked for. */
  readonly dns?: AuthenticationDns | undefined
  readonly clock: Clock
  /** For the trail of what is refused. Gives the reply as it goes out. */
  readonly noteEvidence: (reply: Reply, evidence: { readonly screening: ScreeningEvidence }) => Reply
}

const nameBounds = { timeMs: 10_000, maxQuestions: 12 }
const maxLines = 5

export class SessionScanners {
  readonly #parts: SessionScannersParts
  /** By session: who follows its transaction. Of one that is over there is nothing, though a command of it still be under way. */
  readonly #following = new Map<string, Promise<Attending | undefined> | undefined>()

  constructor(parts: SessionScannersParts) {
    this.#parts = parts
  }

  /** Of every session, and first. */
  connect({ sessionId }: Client): void {
    this.#following.set(sessionId, undefined)
  }

  /** A new transaction: what was before it is over. */
  mail(client: Client): void {
    endAttendance(this.take(client))
  }

  /** Of a recipient that nobody else has anything against. Never rejects. */
  async rcpt(
    client: Client,
    transaction: MailTransaction,
    { forwardPath, parameters }: Recipient,
  ): Promise<Reply | undefined> {
    const { sessionId } = client
    if (!this.#following.has(sessionId)) return undefined
    const following = this.#following.get(sessionId) ?? this.#begin(client, transaction)
    this.#following.set(sessionId, following)
    const attending = await following
    const refused = await attending?.recipient({
      address: formatAddress(forwardPath),
      parameters: formatForwardPathParameters(parameters),
    })
    if (!refused || isOpenToAll(client, forwardPath)) return undefined
    const reply = replyTo(refused)
    return this.#parts.noteEvidence(reply, { screening: evidenceOf(refused) })
  }

  /** The message comes: whoever takes them ends them. */
  take({ sessionId }: Client): Promise<Attending | undefined> | undefined {
    const following = this.#following.get(sessionId)
    if (following) this.#following.set(sessionId, undefined)
    return following
  }

  /** The session is over. */
  forget(client: Client): void {
    endAttendance(this.take(client))
    this.#following.delete(client.sessionId)
  }

  /** Never rejects. */
  async #begin(client: Client, { reversePath, parameters }: MailTransaction): Promise<Attending | undefined> {
    const { strangers, outgoing } = this.#parts
    const isFromStranger = isStranger(client)
    const scanners = isFromStranger ? strangers : client.account ? outgoing : undefined
    if (!scanners?.attends) return undefined
    return scanners.attend({
      client: describeAttended(client, isFromStranger ? await this.#askName(client) : undefined),
      reversePath: reversePath === null ? '' : formatAddress(reversePath),
      parameters: formatReversePathParameters(parameters),
    })
  }

  async #askName({ remoteAddress }: Client): Promise<IprevEvidence | undefined> {
    const { dns, clock } = this.#parts
    return dns && (await checkReverse(boundDns(dns, clock, nameBounds), remoteAddress))
  }
}

/** Nobody waits for it, and it never rejects. */
export function endAttendance(following: Promise<Attending | undefined> | undefined): void {
  void following?.then(attending => attending?.close())
}

/** Whoever has trouble with this server reaches somebody there. */
function isOpenToAll(client: Client, forwardPath: Address): boolean {
  return !client.account && isRoleAddress(forwardPath)
}

/** Of its address only a name that leads back to it. */
export function describeClient(
  { remoteAddress, remotePort, heloName, account, mechanism, tls }: Client,
  reverse: IprevEvidence | undefined,
): SpecimenClient {
  return {
    address: remoteAddress,
    port: remotePort,
    heloName,
    ...(reverse?.result === 'pass' ? { hostName: reverse.name } : {}),
    account: account?.address,
    mechanism,
    ...(tls ? { tls: `${tls.protocol} ${tls.cipher}` } : {}),
  }
}

function describeAttended(client: Client, reverse: IprevEvidence | undefined): AttendedClient {
  const { localAddress, localPort, tls } = client
  const { clientCertificate } = tls ?? {}
  return {
    ...describeClient(client, reverse),
    localAddress,
    localPort,
    ...(reverse?.name === undefined ? {} : { pointerName: reverse.name }),
    ...(clientCertificate?.kind === 'trusted'
      ? {
          certificate: {
            subject: onOneLine(clientCertificate.certificate.subject),
            issuer: onOneLine(clientCertificate.certificate.issuer),
          },
        }
      : {}),
  }
}

/** 'C=DE\nCN=scanner-3' as '/C=DE/CN=scanner-3'. */
function onOneLine(name: string): string {
  return name
    .split('\n')
    .map(part => `/${part}`)
    .join('')
}

/** In its own words, and with its own codes: it may say by them what the sender is to do. */
function replyTo({ reply: { code, enhanced, lines } }: RefusedRecipient): Reply {
  const some = lines.slice(0, maxLines)
  return code >= 500
    ? { ...replies.recipientFiltered(some), code, enhanced }
    : { ...replies.recipientFilteredLater(some), code, enhanced }
}

function evidenceOf({ scanner, reply: { lines } }: RefusedRecipient): ScreeningEvidence {
  return {
    score: 0,
    lines: [{ source: scanner, name: 'refuses the recipient', points: 0, detail: lines.join(' ') }],
  }
}
