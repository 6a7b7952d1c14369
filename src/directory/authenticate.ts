// Who a name and a password prove. What is done is the same for a name that exists and one that does not.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import { parseAddress } from '../address/parse-address.ts'
import type { Language } from '../queue/records.ts'
import { isRefusal, type LoginProblem, type LoginRefusal, type Verdict } from '../sasl/authority.ts'
import { prepareText } from '../sasl/prepare-text.ts'
import {
  parseScramCredential,
  type ScramCredential,
  type ScramHash,
  type ScramKeys,
  type ScramOffer,
} from '../sasl/scram-keys.ts'
import { defineRead, type Storage } from '../storage/operation.ts'
import {
  type AppPasswordRow,
  type AppPasswordScope,
  appPasswordsOf,
  findAppPassword,
  listAppScramKeys,
  readScopes,
} from './app-passwords.ts'
import { maxPasswordBytes, nobodysHash, verifyPassword } from './credentials.ts'
import { findFormerKeys } from './former-passwords.ts'
import { type LogInProof, markOf } from './log-in-standing.ts'
import {
  findScramKeys,
  listScramKeys,
  type ScramColumns,
  type ScramPolicy,
  scramParametersOf,
} from './scram-credentials.ts'

interface CredentialsRow extends ScramColumns {
  readonly id: number
  readonly address: string
  readonly language: Language
  readonly enabled: number
  readonly outside: number
}

export interface FoundCredentials extends CredentialsRow {
  readonly address_key: string
  readonly appPasswords: readonly AppPasswordRow[]
}

export const findCredentials = defineRead(
  'directory.find-credentials',
  async (tx, input: { readonly key: string }): Promise<FoundCredentials | undefined> => {
    // The next name in order is read, and handed over, where there is none like this: it costs as much.
    const row = await tx.get<CredentialsRow & { readonly address_key: string }>(
      `SELECT id, address, address_key, language, password_hash, enabled, outside, scram_keys, scram_hash
         FROM account WHERE address_key >= ? ORDER BY address_key LIMIT 1`,
      input.key,
    )
    // No account has the id 0.
    const appPasswords = await appPasswordsOf(tx, row?.id ?? 0)
    return row && { ...row, appPasswords }
  },
)

export interface ProvenAccount {
  readonly id: number
  /** Canonical text of the account's own address. */
  readonly address: string
  readonly language: Language
  /** A directory elsewhere knows the account, and has been asked whether it still does, or is yet to be. */
  readonly outside?: 'asked' | 'unasked' | undefined
  /** By which it logged in; undefined: by the account's own password. */
  readonly appPassword?: UsedAppPassword | undefined
  readonly proof: LogInProof
}

export interface UsedAppPassword {
  readonly id: number
  readonly name: string
  /** Before this time. */
  readonly lastUsedAt?: number | undefined
}

/** Who knows accounts that have no password here. */
export interface OutsideAuthority {
  /** Of a name that is nobody's here: whether it could be somebody's there. */
  mayKnow(name: string): boolean
  verifyPassword(name: string, password: string): Promise<Verdict<ProvenAccount>>
}

/** Where and when somebody logs in. */
export interface LoginTerms {
  readonly protocol: AppPasswordScope
  readonly now: number
}

/**
 * The account that name and password prove. The name is the account's address, in any case, its domain as U-label or
 * A-label.
 */
export async function verifyLogin(
  storage: Pick<Storage, 'run'>,
  name: string,
  password: string,
  terms: LoginTerms,
  outside?: OutsideAuthority,
): Promise<Verdict<ProvenAccount>> {
  const found = await findByName(storage, name)
  // Too long to be anybody's: hash something of the size that a password has.
  const candidate = Buffer.byteLength(password) <= maxPasswordBytes ? password : ''
  const appPassword = findAppPassword(found?.appPasswords ?? [], candidate)
  if (found && appPassword) return admitApp(found, appPassword, terms)
  const isOutside = found ? found.outside === 1 : outside?.mayKnow(name) === true
  if (isOutside && outside)
    return candidate === password ? await outside.verifyPassword(name, password) : refuse('wrong-password')
  const matches = await verifyPassword(found?.password_hash ?? nobodysHash, candidate)
  if (!found) return refuse('no-such-account')
  if (isOutside) return refuse('directory-gone')
  if (!matches || candidate !== password) return refuse('wrong-password')
  return admit(found, passwordOf(found))
}

/** Only who is proven by the account's own password; undefined when nobody is, whatever the reason. */
export async function authenticate(
  storage: Pick<Storage, 'run'>,
  name: string,
  password: string,
): Promise<ProvenAccount | undefined> {
  const verdict = await verifyLogin(storage, name, password, { protocol: 'smtp', now: 0 })
  return isRefusal(verdict) || verdict.appPassword ? undefined : verdict
}

/**
 * What SCRAM needs to go on. A name that is nobody's gets a salt and a number of iterations as an account of that name would
 * have them, and so does an account without keys.
 */
export async function openScram(
  storage: Pick<Storage, 'run'>,
  policy: ScramPolicy,
  hash: ScramHash,
  name: string,
  terms: LoginTerms,
): Promise<ScramOffer<Verdict<ProvenAccount>>> {
  const prepared = await prepareText(name)
  const found = await findByName(storage, prepared)
  const keysIn = (columns: ScramColumns): ScramCredential | undefined =>
    findScramKeys(listScramKeys(columns), hash)
  const hasKeys = found !== undefined && listScramKeys(found).length > 0
  const first = keysIn(hasKeys ? found : policy.nobody)
  const own = hasKeys ? first : undefined
  const admissions = new Map<ScramKeys, () => Verdict<ProvenAccount>>()
  const credentials: ScramCredential[] = []
  const offer = (keys: ScramCredential, proven: () => Verdict<ProvenAccount>): void => {
    credentials.push(keys)
    admissions.set(keys, proven)
  }
  if (found && own) offer(own, () => admit(found, passwordOf(found)))
  for (const app of found?.appPasswords ?? []) {
    const keys = findScramKeys(listAppScramKeys(app), hash)
    if (found && keys) offer(keys, () => admitApp(found, app, terms))
  }
  const parameters = scramParametersOf(policy, hash, prepared)
  const { salt, iterations } = credentials[0] ?? parameters
  // No account has the id 0.
  const former = await storage.run(findFormerKeys, { accountId: found?.id ?? 0, now: terms.now })
  const isOffered = (keys: ScramKeys): boolean =>
    credentials.some(({ storedKey }) => Buffer.compare(storedKey, keys.storedKey) === 0)
  // The client can prove what it has with this salt only. A password that has come back is none of before.
  const recognised = former
    .flatMap(text => (text.startsWith(`SCRAM-${hash}$`) ? (parseScramCredential(text) ?? []) : []))
    .filter(
      keys => Buffer.compare(keys.salt, salt) === 0 && keys.iterations === iterations && !isOffered(keys),
    )
  for (const keys of recognised) admissions.set(keys, () => refuse('former-password'))
  return {
    salt,
    iterations,
    // A proof is computed whether or not there is anything to compare it with.
    keys: [
      ...(credentials.length > 0
        ? credentials
        : [first ?? keysIn(policy.nobody)].filter(key => key !== undefined)),
      ...recognised,
    ],
    async settle(proven) {
      const admission = proven && admissions.get(proven)
      if (admission) return admission()
      if (!found) return refuse('no-such-account')
      return refuse(own ? 'wrong-password' : 'no-scram-keys')
    },
  }
}

/** The account whose address somebody else has proven; `name`: as whom he wants to act, or ''. */
export async function admitProven(
  storage: Pick<Storage, 'run'>,
  proven: Address,
  name: string,
): Promise<Verdict<ProvenAccount>> {
  // Nobody acts for somebody else here.
  const wanted = name === '' ? proven : parseAddress(name)
  if (!wanted || addressKey(wanted) !== addressKey(proven)) return refuse('other-identity')
  const found = await findByName(storage, formatAddress(proven))
  return found ? admit(found, { kind: 'elsewhere' }) : refuse('no-such-account')
}

async function findByName(
  storage: Pick<Storage, 'run'>,
  name: string,
): Promise<FoundCredentials | undefined> {
  const address = parseAddress(name)
  if (!address) return undefined
  const key = addressKey(address)
  const nearest = await storage.run(findCredentials, { key })
  return nearest?.address_key === key ? nearest : undefined
}

function passwordOf({ password_hash }: CredentialsRow): LogInProof {
  return { kind: 'password', mark: markOf(password_hash) }
}

function admit(
  { id, address, language, enabled, outside }: CredentialsRow,
  proof: LogInProof,
): Verdict<ProvenAccount> {
  if (enabled === 0) return refuse('account-disabled')
  return { id, address, language, proof, ...(outside === 1 ? { outside: 'unasked' } : {}) }
}

function admitApp(
  account: CredentialsRow,
  app: AppPasswordRow,
  { protocol, now }: LoginTerms,
): Verdict<ProvenAccount> {
  if (app.expires_at !== null && app.expires_at <= now) return refuse('app-password-expired')
  if (!readScopes(app.scopes).includes(protocol)) return refuse('app-password-elsewhere')
  const verdict = admit(account, { kind: 'app-password', mark: markOf(app.digest), protocol })
  if (isRefusal(verdict)) return verdict
  const { id, name, last_used_at: lastUsedAt } = app
  return { ...verdict, appPassword: { id, name, ...(lastUsedAt === null ? {} : { lastUsedAt }) } }
}

function refuse(refused: LoginProblem): LoginRefusal {
  return { refused }
}
