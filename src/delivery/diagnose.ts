// From what the SMTP client saw to a diagnosis (RFC 3463 §3): which status, which cause, in which words.

import { formatEndpoint } from '../address/format-endpoint.ts'
import type { ReportCause } from '../bounce/report.ts'
import type { RemoteServer } from '../routing/remote-server.ts'
import type { ClientFailureFacts, ClientStage } from '../smtp/client/contract.ts'
import type { Reply } from '../smtp/reply.ts'
import { classifyReply, replyStatus } from './classify-reply.ts'
import type { Diagnosis } from './outcome.ts'

export function remoteAddress(server: RemoteServer): string {
  return formatEndpoint(server.address, server.port)
}

export function diagnoseReply(server: RemoteServer, stage: ClientStage, reply: Reply): Diagnosis {
  return {
    stage,
    cause: classifyReply(reply, stage),
    status: replyStatus(reply, stage),
    remoteMta: server.host,
    remoteAddress: remoteAddress(server),
    reply,
    detail: `${server.host} (${remoteAddress(server)}) refused ${stageWords[stage]}`,
  }
}

export function diagnoseFailure(server: RemoteServer, facts: ClientFailureFacts): Diagnosis {
  if (facts.reply && facts.kind === 'reply') return diagnoseReply(server, facts.stage, facts.reply)
  const { cause, status } = meanings[facts.kind]
  return {
    stage: facts.stage,
    cause,
    status,
    remoteMta: server.host,
    remoteAddress: remoteAddress(server),
    ...(facts.reply ? { reply: facts.reply } : {}),
    detail: facts.detail,
  }
}

/** Is waiting of no use? A reply says so itself; without one only a missing extension does. */
export function isPermanent(facts: ClientFailureFacts): boolean {
  // A refused password is the administrator's mistake, soon mended; the sender's mail waits for that.
  if (facts.stage === 'auth') return false
  if (facts.kind === 'extension-missing') return true
  return facts.kind === 'reply' && facts.reply !== undefined && facts.reply.code >= 500
}

const meanings: Readonly<Record<ClientFailureFacts['kind'], { cause: ReportCause; status: string }>> = {
  'refused-connection': { cause: 'refused-connection', status: '4.4.1' },
  unreachable: { cause: 'no-answer', status: '4.4.1' },
  timeout: { cause: 'no-answer', status: '4.4.1' },
  closed: { cause: 'no-answer', status: '4.4.2' },
  tls: { cause: 'tls-failure', status: '4.7.5' },
  reply: { cause: 'other', status: '4.0.0' },
  protocol: { cause: 'other', status: '4.5.0' },
  'extension-missing': { cause: 'extension-missing', status: '5.6.3' },
  'auth-unavailable': { cause: 'authentication', status: '4.7.0' },
}

const stageWords: Readonly<Record<ClientStage, string>> = {
  connect: 'the connection',
  greeting: 'the connection',
  hello: 'EHLO',
  tls: 'STARTTLS',
  auth: 'AUTH',
  mail: 'MAIL',
  rcpt: 'RCPT',
  data: 'DATA',
  'end-of-data': 'the message',
}
