// An app password of a chosen text.
import assert from 'node:assert/strict'
import { parseAddress } from '../../src/address/parse-address.ts'
import { type AppPasswordScope, createAppPassword } from '../../src/directory/app-passwords.ts'
import { storedAppPassword } from '../../src/directory/new-password.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import type { ComposedServer } from './composed-server.ts'

export interface TestAppPassword {
  readonly name: string
  readonly password: string
  readonly scopes: readonly AppPasswordScope[]
  readonly expiresAt?: number | undefined
}

export async function addAppPassword(
  { storage, clock }: Pick<ComposedServer, 'storage' | 'clock'>,
  account: string,
  { password, ...app }: TestAppPassword,
): Promise<void> {
  const at = clock.now()
  const secret = await storedAppPassword(storage, account, password, { random: systemRandom, at })
  const owner = parseAddress(account) ?? assert.fail(account)
  await storage.run(createAppPassword, { account: owner, at, ...app, ...secret })
}
