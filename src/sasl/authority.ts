// Who knows whether what a client has shown proves anybody: the ports of an exchange. All of them answer the same for a name
// that exists and one that does not, and take as long.
import type { SaslProblem, TokenHints } from './mechanism.ts'
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
  /** That of before: of a program that nobody has told the new one. */
  | 'former-password'
  /** An app password, and not for this protocol. */
  | 'app-password-elsewhere'
  | 'app-password-expired'
  | 'not-offered'
  | TokenProblem
  | ClientCertificateProblem
  /** Nobody can say now: whoever could does not answer. It says nothing of the client. */
  | 'provider-down'
  | 'directory-down'
  /** The account was LDAP's, and LDAP does not know it any more. */
  | 'directory-gone'

/** Why a token proves nobody. */
export type TokenProblem =
  /** There was none: the client asked what would be taken. */
  | 'token-missing'
  | 'token-malformed'
  | 'token-foreign-issuer'
  | 'token-foreign-audience'
  /** No key of the provider made its signature, or one of a kind that is not taken. */
  | 'token-forged'
  | 'token-expired'
  | 'token-not-yet-valid'
  | 'token-scope'
  /** The claim that names the account is not there, is no address, or is not verified. */
  | 'token-nobody'

/** Why a certificate proves nobody. */
export type ClientCertificateProblem =
  | 'certificate-missing'
  /** No authority that is trusted for clients vouches for it. */
  | 'certificate-untrusted'
  | 'certificate-expired'
  /** It names no account. */
  | 'certificate-nobody'

export interface LoginRefusal {
  readonly refused: LoginProblem
}

export type Verdict<Account> = Account | LoginRefusal

const temporary: ReadonlySet<LoginProblem> = new Set<LoginProblem>(['provider-down', 'directory-down'])

/** The client may come again with the same: it is not refused, and has not guessed. */
export function isTemporary(problem: LoginProblem): boolean {
  return temporary.has(problem)
}

// With these nobody has tried what was not his: he asked, or what he has was right before, or is only of no use here.
const innocent: ReadonlySet<LoginProblem> = new Set<LoginProblem>([
  ...temporary,
  'token-missing',
  'token-expired',
  'token-not-yet-valid',
  'certificate-missing',
  'certificate-untrusted',
  'certificate-expired',
  'certificate-nobody',
])

/** It counts against whoever guesses. */
export function isGuess(problem: LoginProblem): boolean {
  return !innocent.has(problem)
}

export function isRefusal(verdict: object): verdict is LoginRefusal {
  return 'refused' in verdict
}

/** A refusal helps the client to a better token. */
export type TokenVerdict<Account> = Account | (LoginRefusal & { readonly hints?: TokenHints | undefined })

export interface Authority<Account> {
  verifyPassword(name: string, password: string): Promise<Verdict<Account>>
  /** Undefined where SCRAM is not offered. */
  readonly openScram?: ((hash: ScramHash, name: string) => Promise<ScramOffer<Verdict<Account>>>) | undefined
  /** `name` is '' where the token alone is to say who it is. Undefined where tokens are not taken. */
  readonly verifyToken?:
    | ((name: string, token: string | undefined) => Promise<TokenVerdict<Account>>)
    | undefined
  /** By the client's certificate; `name` as for tokens. Undefined where certificates are not taken. */
  readonly verifyCertificate?: ((name: string) => Promise<Verdict<Account>>) | undefined
}
