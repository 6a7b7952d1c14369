// Who is told of alerts, and in which language.
import type { Address } from '../address/address.ts'
import { findPostmaster } from '../directory/find-postmaster.ts'
import { resolveRecipient } from '../directory/resolve-recipient.ts'
import type { Language } from '../queue/records.ts'
import type { Storage } from '../storage/operation.ts'

export interface AdministratorOptions {
  /** undefined: the postmaster of the first domain of this server. */
  readonly to: readonly Address[] | undefined
  readonly hostname: string
  /** Of those who have no account here. */
  readonly language: Language
}

export async function findAdministrators(
  storage: Pick<Storage, 'run'>,
  { to, hostname, language }: AdministratorOptions,
): Promise<{ readonly to: readonly Address[]; readonly language: Language }> {
  const addresses = to ?? (await postmasters(storage))
  const [first] = addresses
  return {
    to: addresses,
    language: (first && (await findLanguage(storage, first, hostname))) ?? language,
  }
}

async function postmasters(storage: Pick<Storage, 'run'>): Promise<readonly Address[]> {
  const postmaster = await findPostmaster(storage)
  return postmaster ? [postmaster] : []
}

/** Aliases behind aliases. */
const maxSteps = 5

/** Of the account where its mail ends; of several the first. */
async function findLanguage(
  storage: Pick<Storage, 'run'>,
  first: Address,
  hostname: string,
): Promise<Language | undefined> {
  let address = first
  for (let steps = 0; steps < maxSteps; steps++) {
    const resolved = await storage.run(resolveRecipient, { address, hostname })
    if (resolved.kind === 'account') return resolved.language
    if (resolved.kind !== 'redirection' || !resolved.targets[0]) return undefined
    address = resolved.targets[0]
  }
  return undefined
}
