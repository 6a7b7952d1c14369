// BDAT (RFC 3030 §2): the message in chunks of a stated size; no dots, no guessing where it ends.

import { replies } from '../../replies.ts'
import type { Reply } from '../../reply.ts'
import { always, type Command } from '../command.ts'
import { MailFlow } from '../mail-flow.ts'
import type { MaybePromise } from '../services.ts'
import type { Session } from '../session.ts'
import { ready, type SessionState, type Step } from '../session-state.ts'
import { missingRecipients, openFlow } from './data.ts'

export const bdat: Command = {
  verb: 'BDAT',
  syntax: 'BDAT <size> [LAST]',
  explanation: [
    'A piece of the message: exactly so many bytes follow the line.',
    'The piece with LAST ends the message.',
  ],
  // In every phase: what is refused still has octets behind it, which must not be read as commands.
  phases: always,
  run(session, argument) {
    const parsed = /^([0-9]{1,15})(?: +(LAST))?$/i.exec(argument)
    // Without a size nobody knows where the next command begins.
    if (!parsed)
      return session.hangUp(
        replies.syntax('Syntax: BDAT <size> [LAST]; without a size I cannot go on, so I hang up'),
      )
    const size = Number(parsed[1])
    const last = parsed[2] !== undefined
    const opened = flowFor(session)
    const read = (found: { flow: MailFlow; next: SessionState } | Reply): Step => {
      if ('code' in found) return swallow(session, size, found)
      return {
        reply: undefined,
        next: found.next,
        effect: { kind: 'read-chunk', size, last, flow: found.flow, refusal: undefined },
      }
    }
    return opened instanceof Promise ? opened.then(read) : read(opened)
  },
}

type Found = { readonly flow: MailFlow; readonly next: SessionState } | Reply

function flowFor(session: Session): MaybePromise<Found> {
  const { state } = session
  if (state.phase === 'chunks') return { flow: state.flow, next: state }
  if (state.phase !== 'transaction')
    return replies.wrongOrder(state.phase === 'greeted' ? 'Say EHLO first' : 'Say MAIL and RCPT first')
  const { transaction } = state
  const missing = missingRecipients(transaction)
  if (missing) return missing
  const opened = openFlow(session, transaction)
  const wrap = (flow: MailFlow | Reply): Found =>
    flow instanceof MailFlow ? { flow, next: { phase: 'chunks', transaction, flow } } : flow
  return opened instanceof Promise ? opened.then(wrap) : wrap(opened)
}

// The octets are read away first, then comes the refusal (RFC 3030 §2).
function swallow(session: Session, size: number, refusal: Reply): Step {
  const next = session.state.phase === 'transaction' ? ready : session.state
  return {
    reply: undefined,
    next,
    effect: { kind: 'read-chunk', size, last: false, flow: undefined, refusal },
  }
}

export function finishChunk(session: Session, size: number, last: boolean): MaybePromise<Step> {
  const { state } = session
  if (state.phase !== 'chunks') return session.stay(replies.localError)
  const { flow, transaction } = state
  if (!last) {
    const problem = flow.problem
    if (!problem) return session.stay(replies.chunkOk(size))
    // The transaction is over; further chunks of it are read away.
    session.noteRefusal({ command: 'BDAT', reversePath: transaction.reversePath, reply: problem })
    return { reply: problem, next: ready }
  }
  return flow.finish().then(reply => {
    session.noteRefusal({ command: 'BDAT', reversePath: transaction.reversePath, reply })
    return { reply, next: ready }
  })
}
