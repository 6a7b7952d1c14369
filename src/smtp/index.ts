// `postrider/smtp`: the SMTP server and client to embed, independent of queue and storage.
export type { Address, ReversePath } from '../address/address.ts'
export { formatAddress, formatAddressForPeople } from '../address/format-address.ts'
export { parseAddress } from '../address/parse-address.ts'
export type { CertificateProblem, VerifyChain } from '../connection/server-certificate.ts'
export { type Clock, systemClock, type Timer } from '../runtime/clock.ts'
export { Fault, UsageFault } from '../runtime/fault.ts'
export { type Log, silentLog } from '../runtime/log.ts'
export type { Random } from '../runtime/random.ts'
export type { LoginProblem, LoginRefusal, TokenVerdict } from '../sasl/authority.ts'
export type { ChannelBindingType } from '../sasl/channel-binding.ts'
export type { ClientCertificate } from '../sasl/client-certificate.ts'
export type { TokenHints } from '../sasl/mechanism.ts'
export type { PasswordMechanism } from '../sasl/mechanisms.ts'
export {
  deriveScramCredential,
  formatScramCredential,
  parseScramCredential,
  type ScramCredential,
  type ScramHash,
  type ScramKeys,
  type ScramOffer,
  type ScramParameters,
} from '../sasl/scram-keys.ts'
export { connectSmtp, connectSmtpOver } from './client/connect.ts'
export type {
  ClientFailureFacts,
  ClientStage,
  ClientTls,
  ConnectionTls,
  OutgoingMailData,
  OutgoingRecipient,
  OutgoingTransaction,
  RecipientResult,
  SmtpClientOptions,
  SmtpConnection,
  SmtpOverOptions,
} from './client/contract.ts'
export { SmtpClientFailure } from './client/smtp-client-failure.ts'
export { requestTurnAround, type TurnedAround } from './client/turn-around.ts'
export type { BodyType, DeliverByMode, DeliverByRequest, Disposition, NotifyCondition } from './parameters.ts'
export { replies } from './replies.ts'
export { formatReply, isPositive, type Reply } from './reply.ts'
export { collectMailData } from './server/collect-mail-data.ts'
export { createSmtpServer } from './server/create-smtp-server.ts'
export {
  type BoundListener,
  defaultLimits,
  type ListenerOptions,
  type PortOptions,
  type SmtpServer,
  type SmtpServerLimits,
  type SmtpServerOptions,
  type TransferExtensions,
  type UnixSocketOptions,
} from './server/options.ts'
export type {
  AddressQuestion,
  AuthenticatedAccount,
  Client,
  EndReply,
  ForwardPathParameters,
  ListenerRole,
  LoginAnswer,
  MailDataFacts,
  MailDataSink,
  MailTransaction,
  MaybePromise,
  QueueRequest,
  Recipient,
  Refusal,
  ReversePathParameters,
  SessionServices,
  TlsFacts,
  Turn,
  TurnedConnection,
  TurnRequest,
} from './server/services.ts'
export { streamMailData } from './server/stream-mail-data.ts'
