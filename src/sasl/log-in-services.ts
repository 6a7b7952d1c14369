// How a server's clients log in, whatever it speaks: what a session asks of the system around it.
import type { Authority, LoginProblem, LoginRefusal, TokenVerdict } from './authority.ts'
import type { ScramHash, ScramOffer } from './scram-keys.ts'

export interface AuthenticatedAccount {
  readonly id: number
  /** 'anna@example.test': the account's own address, which is also its name at AUTH. */
  readonly address: string
  /** Of reports to this account. */
  readonly language?: 'en' | 'ru' | undefined
}

/** A refusal says why, for the trail; the client is told the same for all of them. */
export type LoginAnswer = AuthenticatedAccount | LoginRefusal | undefined

/** Evidence for the trail of a log-in that failed. */
export interface RefusedLogIn {
  /** 'SCRAM-SHA-256', 'LOGIN command' … */
  readonly mechanism: string
  /** As the client gave it. */
  readonly loginName?: string | undefined
  readonly problem: LoginProblem
}

/** `Client` is the peer as its session knows it. */
export interface LogInServices<Client> {
  /** PLAIN and LOGIN hand in name and password as sent; undefined: wrong, whatever the reason. Nobody logs in without it. */
  authenticate?(client: Client, name: string, password: string): Promise<LoginAnswer>
  /**
   * What is kept of the password of this name (as sent) for SCRAM, and what becomes of the client's proof. For a name that is
   * nobody's it answers as for any other, and always the same. SCRAM is not offered without it.
   */
  openScram?(client: Client, hash: ScramHash, name: string): Promise<ScramOffer<LoginAnswer>>
  /**
   * OAUTHBEARER and XOAUTH2: whom the token proves, if it is whom the client names ('': it names nobody). Not offered without it.
   */
  verifyToken?(
    client: Client,
    name: string,
    token: string | undefined,
  ): Promise<TokenVerdict<AuthenticatedAccount>>
  /** EXTERNAL: whom the client's TLS certificate proves, as above. Not offered without it, nor without a certificate. */
  verifyCertificate?(client: Client, name: string): Promise<LoginAnswer>
  /**
   * An account that one of the others has proven, as it was handed over: `ended` is called, once and not before this returns, when
   * it would be proven no more. What is returned ends the watch.
   */
  watchLogIn?(client: Client, account: AuthenticatedAccount, ended: () => void): () => void
}

const judge = (answer: LoginAnswer) => answer ?? { refused: 'wrong-password' as const }

/** The ports of an exchange with this client. */
export function authorityFor<Client>(
  client: Client,
  services: LogInServices<Client>,
): Authority<AuthenticatedAccount> {
  return {
    async verifyPassword(name, password) {
      return judge(await services.authenticate?.(client, name, password))
    },
    openScram:
      services.openScram &&
      (async (hash, name) => {
        const offer = await services.openScram?.(client, hash, name)
        if (!offer) throw new Error('openScram gave nothing: a name that is nobody’s has an offer too')
        return { ...offer, settle: async keys => judge(await offer.settle(keys)) }
      }),
    verifyToken: services.verifyToken?.bind(services, client),
    verifyCertificate:
      services.verifyCertificate && (async name => judge(await services.verifyCertificate?.(client, name))),
  }
}
