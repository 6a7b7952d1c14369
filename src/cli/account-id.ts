// The account that a command is about.
import type { Address } from '../address/address.ts'
import { findAccount } from '../directory/accounts.ts'
import { directoryFault } from '../directory/directory-fault.ts'
import { displayAddress } from '../directory/display.ts'
import type { Account } from '../directory/records.ts'
import type { CommandStorage } from './open-storage.ts'

export async function accountOf(storage: Pick<CommandStorage, 'run'>, address: Address): Promise<Account> {
  const account = await storage.run(findAccount, { address })
  if (account) return account
  throw directoryFault(
    'DIRECTORY_NO_SUCH_ADDRESS',
    `There is no account ${displayAddress(address)}. "postrider account list" shows them.`,
  )
}

export async function accountIdOf(storage: Pick<CommandStorage, 'run'>, address: Address): Promise<number> {
  return (await accountOf(storage, address)).id
}
