// An exchange for a protocol whose success has no room for what the mechanism says last (SMTP, RFC 4954 §4; IMAP, RFC 9051 §6.2.2):
// that goes out as one more challenge, which the client answers with nothing.
import type { MaybePromise } from '../runtime/maybe-promise.ts'
import type { Authority, LoginProblem } from './authority.ts'
import { type ExchangeStep, startExchange } from './exchange.ts'
import type { SaslConnection, SaslMechanism } from './mechanism.ts'

export type DialogueStep<Account> =
  | {
      readonly kind: 'challenge'
      readonly data: Buffer
      readonly next: (answer: Buffer) => MaybePromise<DialogueStep<Account>>
    }
  | { readonly kind: 'proven'; readonly account: Account }
  | { readonly kind: 'refused'; readonly problem: LoginProblem }
  | { readonly kind: 'malformed' }

export interface DialogueParts<Account> {
  readonly mechanism: SaslMechanism
  readonly initial: Buffer | undefined
  readonly connection: SaslConnection
  readonly authority: Authority<Account>
  /** Called at once: a client that is told why in a challenge may go away with it. */
  noteRefused(problem: LoginProblem, name: string | undefined): void
}

export function startDialogue<Account extends object>(
  parts: DialogueParts<Account>,
): MaybePromise<DialogueStep<Account>> {
  const { mechanism, initial, connection, authority } = parts
  return go(startExchange(mechanism, initial, connection, authority), parts)
}

function go<Account extends object>(
  step: MaybePromise<ExchangeStep<Account>>,
  parts: DialogueParts<Account>,
): MaybePromise<DialogueStep<Account>> {
  return step instanceof Promise ? step.then(outcome => spell(outcome, parts)) : spell(step, parts)
}

function spell<Account extends object>(
  step: ExchangeStep<Account>,
  parts: DialogueParts<Account>,
): DialogueStep<Account> {
  switch (step.kind) {
    case 'challenge':
      return { ...step, next: answer => go(step.next(answer), parts) }
    case 'malformed':
      return step
    case 'refused': {
      const { problem, name, data } = step
      parts.noteRefused(problem, name === '' ? undefined : name)
      const refused = { kind: 'refused' as const, problem }
      // RFC 7628 §3.2.3: whatever the client answers is of no matter.
      return data ? { kind: 'challenge', data, next: () => refused } : refused
    }
    case 'proven': {
      const { account, data } = step
      const proven = { kind: 'proven' as const, account }
      return data
        ? { kind: 'challenge', data, next: last => (last.length === 0 ? proven : { kind: 'malformed' }) }
        : proven
    }
    default:
      return step satisfies never
  }
}
