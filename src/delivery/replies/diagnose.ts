// From what the SMTP client saw to a diagnosis (RFC 3463 §3): which status, which cause, in which words.

import { formatEndpoint } from '../../address/format-endpoint.ts'
import type { RefusedStep, ReportCause } from '../../bounce/report.ts'
import type { RemoteServer } from '../../routing/remote-server.ts'
import type { ClientFailureFacts, ClientStage } from '../../smtp/client/contract.ts'
import type { Reply } from '../../smtp/reply.ts'
import type { DeliveryStage, Diagnosis, NegativeOutcome } from '../outcome.ts'
import { classifyReply, replyStatus } from './classify-reply.ts'
import { findKnownReply } from './known-reply.ts'
import { classOf } from './reply-class.ts'

export function remoteAddress(server: RemoteServer): string {
  return server.path === undefined ? formatEndpoint(server.address, server.port) : `unix:${server.path}`
}

/** What is known word for word comes before what codes and general words say. */
export function causeOfReply(host: string | undefined, reply: Reply, stage: DeliveryStage): ReportCause {
  return findKnownReply(host, reply, stage)?.cause ?? classifyReply(reply, stage)
}

/** What a negative reply comes to for the recipients that it is about. */
export function judgeReply(server: RemoteServer, stage: ClientStage, reply: Reply): NegativeOutcome {
  const isAboutUs = server.isSmartHost === true && refusesUs(stage, reply)
  const cause = causeOfReply(server.host, reply, stage)
  const status = replyStatus(reply, stage, cause)
  const mayPass =
    isAboutUs ||
    isAboutOurName(server, stage, reply, cause) ||
    (server.isStore === true && isBeforeMail(stage))
  return {
    kind: reply.code >= 500 && !mayPass ? 'failed' : 'deferred',
    diagnosis: {
      stage,
      cause: isAboutUs ? 'smart-host' : cause,
      status: mayPass ? `4${status.slice(1)}` : status,
      ...whereMet(server),
      reply,
      detail: `${server.host} (${remoteAddress(server)}) refused ${stageWords[stage]}`,
    },
  }
}

/** It has heard of no message yet: which of those that wait knocks there should not cost that one its delivery. */
function isAboutOurName(server: RemoteServer, stage: ClientStage, reply: Reply, cause: ReportCause): boolean {
  return (
    isBeforeMail(stage) && classOf({ stage, cause, remoteMta: server.host, reply }) === 'reputation-block'
  )
}

/** The same when there was no reply to the command, or another than the protocol has. */
export function judgeFailure(server: RemoteServer, facts: ClientFailureFacts): NegativeOutcome {
  if (facts.reply && facts.kind === 'reply') return judgeReply(server, facts.stage, facts.reply)
  // STARTTLS is missing where somebody took it away, or a certificate could not be loaded: it may be back.
  const kind = facts.stage === 'tls' && facts.kind === 'extension-missing' ? 'tls' : facts.kind
  const isUnconfirmed = facts.stage === 'end-of-data' && (kind === 'closed' || kind === 'timeout')
  const { cause, status } = isUnconfirmed ? unconfirmed : meanings[kind]
  return {
    // Without a reply waiting is of no use only when the server lacks what the message needs.
    kind: kind === 'extension-missing' ? 'failed' : 'deferred',
    diagnosis: {
      stage: facts.stage,
      cause: server.isSmartHost && isBeforeMail(facts.stage) ? 'smart-host' : cause,
      status,
      ...whereMet(server),
      ...(facts.reply ? { reply: facts.reply } : {}),
      detail: facts.detail,
    },
  }
}

/** RFC 3463 §2: 4 for what may succeed yet. */
export function deferredFrom({ diagnosis }: NegativeOutcome): NegativeOutcome {
  return { kind: 'deferred', diagnosis: { ...diagnosis, status: `4${diagnosis.status.slice(1)}` } }
}

/**
 * Why a message was not tried, from what became of another: the words of a server about that one's recipient or content are
 * nobody else's.
 */
export function diagnoseUntried(ofOther: Diagnosis): Diagnosis {
  const { reply, ...common } = ofOther
  if (!reply || isBeforeMail(ofOther.stage)) return ofOther
  const code = reply.enhanced === undefined ? reply.code : `${reply.code} ${reply.enhanced}`
  return {
    ...common,
    stage: 'routing',
    detail: `it was not tried: ${ofOther.remoteMta ?? 'the server'} answered ${code} to other mail, and gets none for a while`,
  }
}

export function whereMet(
  server: RemoteServer,
): Pick<Diagnosis, 'remoteMta' | 'remoteAddress' | 'viaSmartHost' | 'isAtStore'> {
  return {
    remoteMta: server.host,
    remoteAddress: remoteAddress(server),
    ...(server.isSmartHost ? { viaSmartHost: true } : {}),
    ...(server.isStore ? { isAtStore: true } : {}),
  }
}

/**
 * The smart host does not take mail from us, whoever it is for: a matter between its administrator and ours, soon mended.
 * The sender's mail waits for that. RFC 4954 §6: 530, 534, 535, 538.
 */
function refusesUs(stage: ClientStage, reply: Reply): boolean {
  const { code, lines } = reply
  if (isBeforeMail(stage) || code === 530 || code === 534 || code === 535 || code === 538) return true
  if (stage !== 'mail' && stage !== 'rcpt') return false
  const cause = classifyReply(reply, stage)
  // 'Relay access denied', and not a relay's word about the recipient or the message.
  return (
    cause === 'login-required' || (cause === 'policy' && lines.some(line => /\brelay|rcpthosts/i.test(line)))
  )
}

/** What the other server refused, as a word that selects a text. */
export function refusedStep({ stage, reply }: Pick<Diagnosis, 'stage' | 'reply'>): RefusedStep | undefined {
  // Another reply than a refusal is one that made no sense there, of which the detail tells.
  if (!reply || reply.code < 400) return undefined
  return stage === 'routing' || stage === 'dns' || stage === 'mailbox' ? undefined : stage
}

function isBeforeMail(stage: DeliveryStage): boolean {
  return (
    stage === 'connect' || stage === 'greeting' || stage === 'hello' || stage === 'tls' || stage === 'auth'
  )
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
  'auth-unavailable': { cause: 'login-required', status: '4.7.0' },
}

/** After the final dot. */
const unconfirmed = { cause: 'unconfirmed', status: '4.4.2' } as const

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
