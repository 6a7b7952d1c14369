// One exchange of a mechanism with a client, as a protocol sees it (SMTP, and whatever else takes SASL): steps that end in an
// account, or in a reason that is for the trail and never for the client.

import type { MaybePromise } from '../runtime/maybe-promise.ts'
import { type Authority, isRefusal, isTemporary, type LoginProblem, type Verdict } from './authority.ts'
import type { SaslConnection, SaslMechanism, SaslStep } from './mechanism.ts'
import type { ScramOffer } from './scram-keys.ts'

export type ExchangeStep<Account> =
  | {
      readonly kind: 'challenge'
      readonly data: Buffer
      readonly next: (answer: Buffer) => MaybePromise<ExchangeStep<Account>>
    }
  /** `data` goes to the client with the success, or before it where a protocol has no room for it there (RFC 4422 §5). */
  | { readonly kind: 'proven'; readonly account: Account; readonly data?: Buffer | undefined }
  /** `data` goes to the client before the refusal, and whatever it answers is of no matter (RFC 7628 §3.2.3). */
  | {
      readonly kind: 'refused'
      readonly problem: LoginProblem
      readonly name?: string | undefined
      readonly data?: Buffer | undefined
    }
  | { readonly kind: 'malformed' }

export function startExchange<Account extends object>(
  mechanism: SaslMechanism,
  initial: Buffer | undefined,
  connection: SaslConnection,
  authority: Authority<Account>,
): MaybePromise<ExchangeStep<Account>> {
  return follow(mechanism.start(initial, connection), authority, undefined)
}

interface Asked<Account> {
  readonly name: string
  readonly offer: ScramOffer<Verdict<Account>>
}

function follow<Account extends object>(
  step: SaslStep,
  authority: Authority<Account>,
  asked: Asked<Account> | undefined,
): MaybePromise<ExchangeStep<Account>> {
  switch (step.kind) {
    case 'challenge':
      return {
        kind: 'challenge',
        data: Buffer.from(step.data),
        next: answer => follow(step.next(answer), authority, asked),
      }
    case 'malformed':
      return step
    case 'denied':
      return { kind: 'refused', problem: step.problem, name: step.name }
    case 'credentials': {
      const { name, password } = step.credentials
      return authority.verifyPassword(name, password).then(verdict => conclude(verdict, name))
    }
    case 'scram': {
      const { name, hash, next: goOn } = step
      if (!authority.openScram) return { kind: 'refused', problem: 'not-offered', name }
      return authority.openScram(hash, name).then(offer => follow(goOn(offer), authority, { name, offer }))
    }
    case 'scram-proof': {
      if (!asked) return { kind: 'malformed' }
      const { keys, data } = step
      return asked.offer.settle(keys).then(verdict => conclude(verdict, asked.name, Buffer.from(data)))
    }
    case 'token': {
      const { name, token, explain } = step
      if (!authority.verifyToken) return { kind: 'refused', problem: 'not-offered', name }
      return authority.verifyToken(name, token).then(verdict => {
        if (!isRefusal(verdict)) return { kind: 'proven', account: verdict }
        const { refused: problem, hints = { isScopeMissing: false } } = verdict
        if (isTemporary(problem)) return { kind: 'refused', problem, name }
        return { kind: 'refused', problem, name, data: Buffer.from(explain(hints)) }
      })
    }
    case 'external': {
      const { name } = step
      if (!authority.verifyCertificate) return { kind: 'refused', problem: 'not-offered', name }
      return authority.verifyCertificate(name).then(verdict => conclude(verdict, name))
    }
    default:
      return step satisfies never
  }
}

function conclude<Account extends object>(
  verdict: Verdict<Account>,
  name: string,
  data?: Buffer,
): ExchangeStep<Account> {
  if (isRefusal(verdict)) return { kind: 'refused', problem: verdict.refused, name }
  return { kind: 'proven', account: verdict, ...(data && { data }) }
}
