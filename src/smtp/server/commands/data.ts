// DATA (RFC 5321 §4.1.1.4): the message comes next, up to CRLF.CRLF.

import { replies } from '../../replies.ts'
import type { Reply } from '../../reply.ts'
import type { Command } from '../command.ts'
import { assertRefusal, isSink, MailFlow } from '../mail-flow.ts'
import type { MailDataSink, MaybePromise } from '../services.ts'
import type { Session } from '../session.ts'
import { type OpenTransaction, ready, type Step } from '../session-state.ts'
import { TextCheck } from '../text-check.ts'

export const data: Command = {
  verb: 'DATA',
  syntax: 'DATA',
  explanation: [
    'The message follows: header lines, an empty line, the text.',
    'A line with a single dot ends it.',
  ],
  phases: ['transaction'],
  endsGroup: true,
  run(session, argument) {
    const { state } = session
    if (state.phase !== 'transaction') return session.stay(replies.localError)
    if (argument !== '') return session.stay(replies.syntax('standsAlone', 'DATA'))
    const { transaction } = state
    if (transaction.parameters.body === 'BINARYMIME') return session.stay(replies.binaryNeedsBdat)
    const missing = missingRecipients(session, transaction)
    if (missing) return session.stay(missing)
    const opened = openFlow(session, 'DATA', transaction)
    const begin = (flow: MailFlow | Reply): Step => {
      if (!(flow instanceof MailFlow)) return { reply: flow, next: ready }
      return {
        reply: replies.sendData,
        next: { phase: 'data', transaction, flow },
        effect: { kind: 'read-data', flow },
      }
    }
    return opened instanceof Promise ? opened.then(begin) : begin(opened)
  },
}

export function missingRecipients(
  { dialect }: Session,
  { recipients, refusedRecipients }: OpenTransaction,
): Reply | undefined {
  if (recipients.length > 0) return undefined
  // RFC 2033 §4.2: where nobody is left who could be answered, 503 in any case.
  return refusedRecipients > 0 && !dialect.answersEach ? replies.noValidRecipients : replies.noRecipients
}

/** Asks the services for a sink; a refusal ends the transaction (RFC 5321 §3.3). Never throws. */
export function openFlow(
  session: Session,
  command: string,
  transaction: OpenTransaction,
): MaybePromise<MailFlow | Reply> {
  const { services, limits, fault } = session.context
  const { client } = session
  const open = (sink: MailDataSink | Reply): MailFlow | Reply => {
    if (!isSink(sink)) {
      session.noteRefusal({ command, reversePath: transaction.reversePath, reply: sink })
      return assertRefusal(sink)
    }
    const check =
      transaction.parameters.body === 'BINARYMIME' ? undefined : new TextCheck(limits.maxTextLineBytes)
    return new MailFlow(sink, limits.maxMessageBytes, check, cause => fault(cause, client))
  }
  const failed = (cause: unknown): MailFlow | Reply => {
    fault(cause, client)
    return open(replies.localError)
  }
  try {
    const received = services.receive(client, transaction)
    return received instanceof Promise ? received.then(open, failed) : open(received)
  } catch (cause) {
    return failed(cause)
  }
}
