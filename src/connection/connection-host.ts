// What a connection asks of its server, and what the two tell a protocol.
import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { LogFields } from '../runtime/log.ts'
import type { Admission, KeptConnection } from './connection-keeper.ts'
import type { Door } from './door.ts'
import type { TlsFacts } from './tls-facts.ts'

/** What the connections of one server share. */
export interface ConnectionHost<Role extends string, Answer> {
  readonly answers: ConnectionAnswers<Answer>
  /** On whose ports TLS comes first. */
  readonly tlsRole?: Role | undefined
  now(): number
  /** A connection's deadline has been set. */
  expectDeadline(at: number): void
  nextSessionId(): string
  /** Throws when the certificate cannot be used. */
  secureContext(): SecureContext
  /** Wraps the server's end of a socket in TLS. */
  secure(socket: Socket, secureContext: SecureContext, role: Role): TLSSocket
  /** Of such a socket, after the handshake. */
  tlsFacts(secure: TLSSocket, role: Role): TlsFacts
  admit(remoteAddress: string, door: Door<Role>): Admission
  /** False: it had been released already. */
  release(connection: KeptConnection, counted: 'counted' | 'not-counted'): boolean
  note(message: string, connection: KeptConnection, fields?: LogFields): void
  /** An error of ours, without a session that it could be told to. */
  fault(cause: unknown, connection: KeptConnection): void
}

/** What a connection says of itself, in the words of its protocol. After each it closes. */
export interface ConnectionAnswers<Answer> {
  notYourDoor(remoteAddress: string): Answer
  readonly tooManyConnections: Answer
  tooManyConnectionsFromYou(host: string): Answer
  readonly shuttingDown: Answer
  /** An error of ours. */
  readonly fault: Answer
  readonly logInEnded: Answer
  /** The client begins with TLS where that is not what comes first. */
  tlsOnPlainPort(): Answer
  /** Something came behind the command that begins TLS. */
  readonly textBehindStartTls: Answer
}

/** Why a session is over. 'quit': the client took its leave. 'lost': it went away. */
export type Ending<Answer> =
  | { readonly how: 'closed'; readonly answer: Answer | undefined }
  | { readonly how: 'quit' }
  | { readonly how: 'lost' }

/** Whoever came no further than the beginning of a connection. */
export interface TurnedAway<Role extends string, Answer> {
  readonly role: Role
  readonly remoteAddress: string
  readonly response?: Answer | undefined
  /** Where there was none to give: why the TLS handshake failed. */
  readonly problem?: string | undefined
}
