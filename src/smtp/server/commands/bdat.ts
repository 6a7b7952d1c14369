// BDAT (RFC 3030 §2): the message in chunks of a stated size; no dots, no guessing where it ends.

import { replies } from '../../replies.ts'
import type { Reply } from '../../reply.ts'
import { always, type Command } from '../command.ts'
import { MailFlow } from '../mail-flow.ts'
import type { MaybePromise } from '../services.ts'
import type { Session } from '../session.ts'
import { type Chunk, ready, type SessionState, type Step } from '../session-state.ts'
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
  // RFC 3030 §2: BDAT may be pipelined, its octets and all.
  endsGroup: false,
  run(session, argument) {
    const parsed = /^([0-9]{1,15})(?: +(LAST))?$/i.exec(argument)
    // Without a size nobody knows where the next command begins.
    if (!parsed) return session.hangUp(replies.syntax('noChunkSize'))
    const size = Number(parsed[1])
    const last = parsed[2] !== undefined
    const opened = flowFor(session, 'BDAT')
    const read = (found: Opened | Reply): Step => {
      // RFC 3030 §2: a refused chunk's octets are read away first, then comes the refusal.
      if ('code' in found) {
        // A message that has lost a chunk must not be taken: the transaction is over.
        const { state } = session
        const times = last ? session.repliesToEnd() : 1
        const over = last ? ready : session.givenUp()
        const isOver = state.phase === 'transaction' || (last && state.phase === 'ready')
        return readChunk(isOver ? over : state, {
          size,
          last,
          into: { kind: 'refused', reply: found, times },
        })
      }
      return readChunk(found.next, { size, last, into: { kind: 'flow', flow: found.flow } })
    }
    return opened instanceof Promise ? opened.then(read) : read(opened)
  },
}

function readChunk(next: SessionState, chunk: Chunk): Step {
  return { reply: undefined, next, effect: { kind: 'read-chunk', chunk } }
}

export interface Opened {
  readonly flow: MailFlow
  readonly next: SessionState
}

/** The message that is under way, or begins. */
export function flowFor(session: Session, command: 'BDAT' | 'BURL'): MaybePromise<Opened | Reply> {
  const { state } = session
  if (state.phase === 'chunks') return { flow: state.flow, next: state }
  if (state.phase !== 'transaction')
    return replies.wrongOrder(
      state.phase === 'greeted' ? 'helloFirst' : 'mailAndRcptFirst',
      session.dialect.hello,
    )
  const { transaction } = state
  const missing = missingRecipients(session, transaction)
  if (missing) return missing
  const opened = openFlow(session, command, transaction)
  const wrap = (flow: MailFlow | Reply): Opened | Reply =>
    flow instanceof MailFlow ? { flow, next: { phase: 'chunks', transaction, flow } } : flow
  return opened instanceof Promise ? opened.then(wrap) : wrap(opened)
}

export function finishChunk(session: Session, { size, last, into }: Chunk): MaybePromise<Step> {
  if (into.kind === 'refused') {
    const { reply, times } = into
    if (times === 0) return { reply: undefined, next: session.state }
    return { ...session.stay(reply), further: Array.from({ length: times - 1 }, () => reply) }
  }
  const { state } = session
  if (state.phase !== 'chunks') return session.stay(replies.localError)
  const { flow, transaction } = state
  if (last) return flow.finish().then(end => session.endTransaction('BDAT', transaction, end))
  // Further chunks of a message that is refused are read away.
  if (flow.problem) return session.giveUpTransaction('BDAT', transaction, flow.problem)
  return session.stay(replies.chunkOk(size))
}
