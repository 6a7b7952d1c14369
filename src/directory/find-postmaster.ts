// The address of the postmaster of this server, as far as the directory knows one (RFC 5321 §4.5.1).
import type { Address } from '../address/address.ts'
import type { Storage } from '../storage/operation.ts'
import { listDomainNames } from './domains.ts'

/** Of the domain that was created first; undefined: there is none. */
export async function findPostmaster(storage: Pick<Storage, 'run'>): Promise<Address | undefined> {
  const [domain] = await storage.run(listDomainNames, { limit: 1 })
  return domain === undefined ? undefined : { localPart: 'postmaster', domain }
}
