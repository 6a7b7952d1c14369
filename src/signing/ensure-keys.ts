// The first keys of a domain, and those that are to take the place of others: made where there are none that wait.
import type { Storage } from '../storage/operation.ts'
import { type DkimKey, planKeys } from './dkim-key.ts'
import { makeKeyPair } from './key-pair.ts'
import { addKey, listDkimKeys } from './operations.ts'
import type { KeyAlgorithm } from './signing-key.ts'

/** Another server may have thought of the same a moment ago, and its key be in use already. */
const momentMs = 60_000

/** A domain that has just been created gets its keys at once, so that its records can be published. */
export async function ensureFirstKeys(
  storage: Pick<Storage, 'run'>,
  domain: string,
  at: number,
): Promise<readonly DkimKey[]> {
  const keys = await storage.run(listDkimKeys, { domain })
  const steps = planKeys(keys, at, { rotateDays: 0, signUnseenAfterHours: 0 })
  const missing = steps.flatMap(step => (step.kind === 'make' ? [step.algorithm] : []))
  if (missing.length === 0) return keys
  for (const algorithm of missing) await makeKey(storage, domain, algorithm, at)
  return await storage.run(listDkimKeys, { domain })
}

/** Its selector; undefined: there is one that waits, or another server was faster. */
export async function makeKey(
  storage: Pick<Storage, 'run'>,
  domain: string,
  algorithm: KeyAlgorithm,
  at: number,
  unlessNewSince = at - momentMs,
): Promise<string | undefined> {
  const pair = await makeKeyPair(algorithm)
  return await storage.run(addKey, { domain, pair, at, unlessNewSince })
}
