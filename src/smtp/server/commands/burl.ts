// BURL (RFC 4468): a piece of the message is what a URL names, so that its writer need not fetch it from this server to send it back.

import { replies } from '../../replies.ts'
import type { Reply } from '../../reply.ts'
import type { Command } from '../command.ts'
import { assertRefusal, type MailFlow } from '../mail-flow.ts'
import { isForUsers } from '../roles.ts'
import type { UrlContent } from '../services.ts'
import type { Session } from '../session.ts'
import { ready, type Step } from '../session-state.ts'
import { flowFor } from './bdat.ts'
import { missingRecipients } from './data.ts'

export const burl: Command = {
  verb: 'BURL',
  syntax: 'BURL <url> [LAST]',
  explanation: [
    'A piece of the message is what this URL names: of a message on the IMAP server here, authorized for you (URLAUTH).',
    'BDAT may bring other pieces. The piece with LAST ends the message.',
  ],
  phases: ['transaction', 'chunks'],
  endsGroup: false,
  denied(session) {
    if (!mayHaveUrls(session)) return replies.notOffered('BURL')
    return session.client.account ? undefined : (session.loginDemand ?? replies.authRequired)
  },
  async run(session, argument) {
    const [, url, last] = /^([!-~]+)(?: +(LAST))?$/i.exec(argument) ?? []
    if (url === undefined) return session.stay(replies.syntax('usage', burl.syntax))
    const missing =
      session.state.phase === 'transaction'
        ? missingRecipients(session, session.state.transaction)
        : undefined
    if (missing) return { reply: missing, next: ready }
    const found = await openUrl(session, url)
    if ('code' in found) return giveUp(session, found)
    const opened = await flowFor(session, 'BURL')
    // It has been noted why.
    if ('code' in opened) return { reply: opened, next: ready }
    // From here on whoever gives the session up ends the message too.
    session.state = opened.next
    const { flow } = opened
    await pour(session, found, flow)
    const { state } = session
    if (state.phase !== 'chunks') return session.stay(replies.localError)
    if (last !== undefined) return session.endTransaction('BURL', state.transaction, await flow.finish())
    return flow.problem ? giveUp(session, flow.problem) : session.stay(replies.chunkOk(found.size))
  },
}

/** EHLO says so (RFC 4468 §3.3). */
export function offersUrls(session: Session): boolean {
  return mayHaveUrls(session) && session.client.account !== undefined
}

function mayHaveUrls({ client, context }: Session): boolean {
  return context.services.openUrl !== undefined && isForUsers(client.role)
}

async function openUrl({ client, context }: Session, url: string): Promise<UrlContent | Reply> {
  const found = await context.services.openUrl?.(client, url)
  if (!found) return replies.notOffered('BURL')
  return 'code' in found ? assertRefusal(found) : found
}

/** RFC 4468 §3.2: a message that lacks a piece must not be taken. */
function giveUp(session: Session, reply: Reply): Step {
  const { state } = session
  if (state.phase !== 'transaction' && state.phase !== 'chunks') return session.stay(reply)
  session.dropTransaction()
  return session.giveUpTransaction('BURL', state.transaction, reply)
}

async function pour(session: Session, { content }: UrlContent, flow: MailFlow): Promise<void> {
  const pieces = content instanceof Uint8Array ? [content] : content
  try {
    for await (const piece of pieces) {
      await flow.write(Buffer.from(piece.buffer, piece.byteOffset, piece.length))
      if (flow.problem) return
    }
  } catch (cause) {
    // What was stored cannot be read: 451, as what is missing may be there later.
    session.context.fault(cause, session.client)
    flow.abort()
  }
}
