// Whether a log-in of a while ago would still be one: the account is there and enabled, and what it was proven by is still good.
import { createHash } from 'node:crypto'
import { defineRead, type Tx } from '../storage/operation.ts'
import { type AppPasswordScope, readScopes } from './app-passwords.ts'

/** By what an account was proven, to be looked at again. Nobody logs in with what is kept here. */
export type LogInProof =
  | { readonly kind: 'password'; readonly mark: string }
  | { readonly kind: 'app-password'; readonly mark: string; readonly protocol: AppPasswordScope }
  /** Somebody else vouched for it: LDAP, a provider of tokens, a certificate, which is good until then. */
  | { readonly kind: 'elsewhere'; readonly until?: number | undefined }

export interface LogIn {
  readonly accountId: number
  /** Ids may be given out again. */
  readonly address: string
  readonly isOutside: boolean
  readonly proof: LogInProof
}

export type LogInStanding =
  /** `until`: then it is over, if nothing changes. */
  { readonly stands: true; readonly until?: number | undefined } | { readonly stands: false }

interface AccountRow {
  readonly id: number
  readonly address: string
  readonly enabled: number
  readonly outside: number
  readonly password_hash: string
}

interface AppRow {
  readonly account_id: number
  readonly digest: string
  readonly scopes: string
  readonly expires_at: number | null
}

/** So many are asked for at once at most. */
export const logInsAtOnce = 200

/** Of what is kept of a password: another one has another mark. */
export function markOf(kept: string): string {
  return createHash('sha256').update(kept).digest('base64')
}

/** In their order; not more than `logInsAtOnce`. */
export const judgeLogIns = defineRead(
  'directory.judge-log-ins',
  async (
    tx,
    { logIns, now }: { readonly logIns: readonly LogIn[]; readonly now: number },
  ): Promise<readonly LogInStanding[]> => {
    const ids = new Set(logIns.map(({ accountId }) => accountId))
    const accounts = await tx.all<AccountRow>(
      `SELECT id, address, enabled, outside, password_hash FROM account WHERE id IN (${placesFor(ids)})`,
      ...ids,
    )
    const apps = await readApps(tx, logIns)
    return logIns.map(logIn => {
      const account = accounts.find(({ id }) => id === logIn.accountId)
      if (!account || account.address !== logIn.address || account.enabled !== 1) return { stands: false }
      return judge(logIn, account, apps, now)
    })
  },
)

async function readApps(tx: Tx, logIns: readonly LogIn[]): Promise<readonly AppRow[]> {
  const ids = new Set(
    logIns.flatMap(({ accountId, proof }) => (proof.kind === 'app-password' ? accountId : [])),
  )
  if (ids.size === 0) return []
  return await tx.all<AppRow>(
    `SELECT account_id, digest, scopes, expires_at FROM app_password WHERE account_id IN (${placesFor(ids)})`,
    ...ids,
  )
}

function judge(
  { accountId, isOutside, proof }: LogIn,
  account: AccountRow,
  apps: readonly AppRow[],
  now: number,
): LogInStanding {
  switch (proof.kind) {
    case 'password':
      return { stands: markOf(account.password_hash) === proof.mark && isOutside === (account.outside === 1) }
    case 'app-password': {
      const app = apps.find(row => row.account_id === accountId && markOf(row.digest) === proof.mark)
      if (!app || !readScopes(app.scopes).includes(proof.protocol)) return { stands: false }
      return standsUntil(app.expires_at ?? undefined, now)
    }
    case 'elsewhere':
      // Whoever takes an account over from LDAP gives it a password of its own.
      return isOutside === (account.outside === 1) ? standsUntil(proof.until, now) : { stands: false }
    default:
      return proof satisfies never
  }
}

function standsUntil(until: number | undefined, now: number): LogInStanding {
  return until !== undefined && until <= now ? { stands: false } : { stands: true, until }
}

function placesFor(values: ReadonlySet<unknown>): string {
  return [...values].map(() => '?').join(', ')
}
