// Who a name and a password prove. What is done is the same for a name that exists and one that does not.
import { addressKey } from '../address/address-key.ts'
import { parseAddress } from '../address/parse-address.ts'
import type { Language } from '../queue/records.ts'
import type { LoginProblem, LoginRefusal, Verdict } from '../sasl/authority.ts'
import { isRefusal } from '../sasl/authority.ts'
import { prepareText } from '../sasl/prepare-text.ts'
import type { ScramHash, ScramOffer } from '../sasl/scram-keys.ts'
import { defineRead, type Storage } from '../storage/operation.ts'
import { maxPasswordBytes, nobodysHash, verifyPassword } from './credentials.ts'
import { readScramKeys, type ScramPolicy, scramParametersOf } from './scram-credentials.ts'

export interface CredentialsRow {
  readonly id: number
  readonly address: string
  readonly language: Language
  readonly password_hash: string
  readonly enabled: number
  readonly scram_keys: string | null
  readonly scram_hash: string | null
}

export const findCredentials = defineRead(
  'directory.find-credentials',
  async (tx, input: { readonly key: string }) =>
    await tx.get<CredentialsRow>(
      `SELECT id, address, language, password_hash, enabled, scram_keys, scram_hash
         FROM account WHERE address_key = ?`,
      input.key,
    ),
)

export interface ProvenAccount {
  readonly id: number
  /** Canonical text of the account's own address. */
  readonly address: string
  readonly language: Language
}

/**
 * The account that name and password prove. The name is the account's address, in any case, its domain as U-label or
 * A-label.
 */
export async function verifyLogin(
  storage: Pick<Storage, 'run'>,
  name: string,
  password: string,
): Promise<Verdict<ProvenAccount>> {
  const found = await findByName(storage, name)
  // Too long to be anybody's: hash something of the size that a password has.
  const candidate = Buffer.byteLength(password) <= maxPasswordBytes ? password : ''
  const matches = await verifyPassword(found?.password_hash ?? nobodysHash, candidate)
  if (!found) return refuse('no-such-account')
  if (!matches || candidate !== password) return refuse('wrong-password')
  return admit(found)
}

/** Only who is proven; undefined when nobody is, whatever the reason. */
export async function authenticate(
  storage: Pick<Storage, 'run'>,
  name: string,
  password: string,
): Promise<ProvenAccount | undefined> {
  const verdict = await verifyLogin(storage, name, password)
  return isRefusal(verdict) ? undefined : verdict
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
): Promise<ScramOffer<Verdict<ProvenAccount>>> {
  const prepared = await prepareText(name)
  const found = await findByName(storage, prepared)
  const keys = found && readScramKeys(found).find(key => key.hash === hash)
  const { salt, iterations } = keys ?? scramParametersOf(policy, hash, prepared)
  return {
    salt,
    iterations,
    keys: [keys ?? policy.nobodysKeys[hash]],
    async settle(proven) {
      if (!found) return refuse('no-such-account')
      if (!keys) return refuse('no-scram-keys')
      return proven === keys ? admit(found) : refuse('wrong-password')
    },
  }
}

async function findByName(storage: Pick<Storage, 'run'>, name: string): Promise<CredentialsRow | undefined> {
  const address = parseAddress(name)
  return address && (await storage.run(findCredentials, { key: addressKey(address) }))
}

function admit({ id, address, language, enabled }: CredentialsRow): Verdict<ProvenAccount> {
  return enabled === 0 ? refuse('account-disabled') : { id, address, language }
}

function refuse(refused: LoginProblem): LoginRefusal {
  return { refused }
}
