// RCPT (RFC 5321 §4.1.1.3): one recipient of the message.
import type { Address } from '../../../address/address.ts'
import { parseForwardPath } from '../../../address/parse-path.ts'
import { replies } from '../../replies.ts'
import type { Reply } from '../../reply.ts'
import type { Command } from '../command.ts'
import { afterKeyword } from '../command-line.ts'
import { parseForwardPathParameters } from '../esmtp-parameters.ts'
import { assertRefusal } from '../mail-flow.ts'
import type { MaybePromise, Recipient } from '../services.ts'
import type { Session } from '../session.ts'
import type { OpenTransaction, Step } from '../session-state.ts'

const example = 'RCPT TO:<user@example.test>'

export const rcpt: Command = {
  verb: 'RCPT',
  syntax: 'RCPT TO:<address> [NOTIFY=NEVER|SUCCESS,FAILURE,DELAY] [ORCPT=rfc822;address]',
  explanation: ['Names a recipient of the message; say it once for each.'],
  phases: ['transaction'],
  endsGroup: false,
  run(session, argument) {
    const { state } = session
    if (state.phase !== 'transaction') return session.stay(replies.localError)
    const { transaction } = state
    const recipient = parseRecipient(session, transaction, argument)
    if ('code' in recipient) {
      transaction.refusedRecipients++
      return session.refuse({ command: 'RCPT', reversePath: transaction.reversePath, reply: recipient })
    }
    return accept(session, transaction, recipient)
  },
}

function parseRecipient(session: Session, transaction: OpenTransaction, argument: string): Recipient | Reply {
  const text = afterKeyword(argument, 'TO:')
  if (text === undefined) return replies.syntax('usage', 'RCPT TO:<address>')
  const {
    disposition,
    parameters: { smtpUtf8 },
  } = transaction
  const parsed = parseForwardPath(text, {
    allowUnicode: smtpUtf8,
    allowMissingBrackets: session.context.allowMissingAngleBrackets,
  })
  if (parsed.kind === 'problem') {
    if (parsed.problem === 'non-ascii') return replies.needsSmtpUtf8(disposition.toUpperCase())
    return replies.badRecipient(parsed.problem, example)
  }
  if (!session.client.extended && parsed.rest.trim() !== '')
    return replies.unknownParameter(parsed.rest.trim().slice(0, 64))
  const parameters = parseForwardPathParameters(parsed.rest, smtpUtf8)
  if ('code' in parameters) return parameters
  const forwardPath: Address =
    parsed.path === 'postmaster'
      ? { localPart: 'postmaster', domain: session.context.ownDomain }
      : parsed.path
  return { forwardPath, parameters }
}

function accept(session: Session, transaction: OpenTransaction, recipient: Recipient): MaybePromise<Step> {
  const { limits, services } = session.context
  // RFC 5321 §4.5.3.1.10: 452, so that the client sends the rest in a new transaction.
  if (transaction.recipients.length >= limits.maxRecipients)
    return session.stay(replies.tooManyRecipients(limits.maxRecipients))
  const { reversePath } = transaction
  const { forwardPath } = recipient
  const refusal = services.acceptForwardPath?.(session.client, transaction, recipient)
  const decide = (reply: Reply | undefined): Step => {
    if (reply) {
      transaction.refusedRecipients++
      return session.refuse({ command: 'RCPT', reversePath, forwardPath, reply: assertRefusal(reply) })
    }
    transaction.recipients.push(recipient)
    return session.stay(replies.recipientOk)
  }
  return refusal instanceof Promise ? refusal.then(decide) : decide(refusal)
}
