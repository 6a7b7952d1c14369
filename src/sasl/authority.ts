// Who knows whether what a client has shown proves anybody: the ports of an exchange. All of them answer the same for a name
// that exists and one that does not, and take as long.
import type { SaslProblem } from './mechanism.ts'
import type { ScramHash, ScramOffer } from './scram-keys.ts'

/** Why somebody did not get in: for the trail, never for the client. */
export type LoginProblem =
  | SaslProblem
  | 'wrong-password'
  | 'no-such-account'
  | 'account-disabled'
  /** Too many wrong passwords: nothing was looked at. */
  | 'blocked'
  /** The password was set before this server kept keys for SCRAM. */
  | 'no-scram-keys'
  /** An app password, and not for this protocol. */
  | 'app-password-elsewhere'
  | 'app-password-expired'
  | 'not-offered'

export interface LoginRefusal {
  readonly refused: LoginProblem
}

export type Verdict<Account> = Account | LoginRefusal

export function isRefusal(verdict: object): verdict is LoginRefusal {
  return 'refused' in verdict
}

export interface Authority<Account> {
  verifyPassword(name: string, password: string): Promise<Verdict<Account>>
  /** Undefined where SCRAM is not offered. */
  readonly openScram?: ((hash: ScramHash, name: string) => Promise<ScramOffer<Verdict<Account>>>) | undefined
}
