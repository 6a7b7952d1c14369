// MAIL (RFC 5321 §4.1.1.2), and SEND, SOML, SAML (RFC 821 §3.4), which differ in where the message is to be shown.
import { type PathProblem, parseReversePath } from '../../../address/parse-path.ts'
import { isAscii } from '../../../runtime/text.ts'
import type { Disposition } from '../../parameters.ts'
import { replies } from '../../replies.ts'
import type { Reply } from '../../reply.ts'
import type { Command } from '../command.ts'
import { afterKeyword } from '../command-line.ts'
import { parseReversePathParameters } from '../esmtp-parameters.ts'
import { assertRefusal } from '../mail-flow.ts'
import type { TransferExtensions } from '../options.ts'
import type { MaybePromise, ReversePathParameters } from '../services.ts'
import type { Session } from '../session.ts'
import type { OpenTransaction, Step } from '../session-state.ts'

export const mail: Command = {
  verb: 'MAIL',
  syntax: 'MAIL FROM:<address> [SIZE=n] [BODY=8BITMIME] [SMTPUTF8] [RET=FULL|HDRS] [ENVID=id]',
  explanation: session => [
    'Begins a message; reports about it go to the address. <> means: no reports.',
    ...(session.offersRequireTls
      ? ['REQUIRETLS: it goes on encrypted, to servers that prove who they are, or not at all.']
      : []),
    ...transferParameters(session),
  ],
  phases: ['ready'],
  endsGroup: false,
  needsLogin: true,
  run: (session, argument) => begin(session, 'MAIL', 'mail', argument),
}

function transferParameters({ transferExtensions }: Session): string[] {
  const { maxPriority, deliverBy, maxHoldSeconds } = transferExtensions
  return [
    ...(maxPriority === undefined
      ? []
      : [`MT-PRIORITY=n, from -9 to ${maxPriority}: what is urgent goes first.`]),
    ...(deliverBy
      ? ['BY=seconds;R returns it when it is not delivered by then, BY=seconds;N says that it is late.']
      : []),
    ...(maxHoldSeconds > 0
      ? ['HOLDFOR=seconds or HOLDUNTIL=2026-12-24T18:00:00Z: it is kept here, and delivered then.']
      : []),
  ]
}

export const send = terminalCommand(
  'SEND',
  'send',
  'Shows the message on the terminals that the recipients have opened, and only there.',
)
export const soml = terminalCommand(
  'SOML',
  'soml',
  'Shows the message on a terminal if one is open, else puts it into the mailbox.',
)
export const saml = terminalCommand(
  'SAML',
  'saml',
  'Shows the message on a terminal if one is open, and puts it into the mailbox in any case.',
)

function terminalCommand(verb: string, disposition: Disposition, explanation: string): Command {
  return {
    verb,
    syntax: `${verb} FROM:<address>`,
    explanation: ({ loginPlace }) => [
      explanation,
      `For users who have logged in (on ${loginPlace}), and for the networks in localNetworks.`,
    ],
    phases: ['ready'],
    endsGroup: false,
    denied: session =>
      session.isTrusted
        ? undefined
        : (session.loginDemand ?? replies.terminalsForUsers(verb, session.loginPlace)),
    run: (session, argument) => begin(session, verb, disposition, argument),
  }
}

function begin(
  session: Session,
  verb: string,
  disposition: Disposition,
  argument: string,
): MaybePromise<Step> {
  const { context } = session
  const text = afterKeyword(argument, 'FROM:')
  if (text === undefined) return session.stay(replies.syntax('usage', `${verb} FROM:<address>`))
  const parsed = parseReversePath(text, {
    allowUnicode: session.client.extended,
    allowMissingBrackets: context.allowMissingAngleBrackets,
  })
  if (parsed.kind === 'problem')
    return session.refuse({ command: verb, reply: describeSenderProblem(verb, parsed.problem) })
  // HELO offers no extensions, so it knows no parameters.
  if (!session.client.extended && parsed.rest.trim() !== '')
    return session.stay(replies.unknownParameter(parsed.rest.trim().slice(0, 64)))
  const asked = parseReversePathParameters(parsed.rest, {
    extensions: session.transferExtensions,
    now: context.now,
  })
  if ('code' in asked) return session.stay(asked)
  const parameters = withinPriority(asked, session.transferExtensions)
  if (parameters.requireTls && !session.offersRequireTls)
    return session.stay(replies.unknownParameter('REQUIRETLS'))
  const refuse = (reply: Reply): Step => session.refuse({ command: verb, reversePath: parsed.path, reply })
  // A domain in U-labels as well: whoever sends them says SMTPUTF8 (RFC 6531 §3.3).
  if (!parameters.smtpUtf8 && !isAscii(text)) return refuse(replies.senderNeedsSmtpUtf8(verb))
  if ((parameters.declaredSize ?? 0) > context.limits.maxMessageBytes)
    return refuse(replies.messageTooBig(context.limits.maxMessageBytes))
  if (session.transactions >= context.limits.maxTransactionsPerSession)
    return session.hangUp(replies.tooManyTransactions(context.hostname))
  const transaction: OpenTransaction = {
    reversePath: parsed.path,
    parameters,
    disposition,
    recipients: [],
    refusedRecipients: 0,
  }
  const refusal = context.services.acceptReversePath?.(session.client, parsed.path, parameters, disposition)
  const decide = (reply: Reply | undefined): Step => {
    if (reply) return refuse(assertRefusal(reply))
    session.transactions++
    const { priority } = parameters
    const taken =
      priority === undefined || priority === asked.priority
        ? replies.senderOk
        : replies.priorityLowered(priority)
    return { reply: taken, next: { phase: 'transaction', transaction } }
  }
  return refusal instanceof Promise ? refusal.then(decide) : decide(refusal)
}

function withinPriority(
  parameters: ReversePathParameters,
  { maxPriority }: TransferExtensions,
): ReversePathParameters {
  const { priority } = parameters
  return priority === undefined || maxPriority === undefined || priority <= maxPriority
    ? parameters
    : { ...parameters, priority: maxPriority }
}

function describeSenderProblem(verb: string, problem: PathProblem): Reply {
  return problem === 'non-ascii'
    ? replies.senderNeedsSmtpUtf8(verb)
    : replies.badSender(problem, `${verb} FROM:<user@example.test>`)
}
