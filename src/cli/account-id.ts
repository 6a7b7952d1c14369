// The account that a command is about.
import type { Address } from '../address/address.ts'
import { findAccount } from '../directory/accounts.ts'
import { directoryFault } from '../directory/directory-fault.ts'
import { displayAddress } from '../directory/display.ts'
import type { CommandStorage } from './open-storage.ts'

export async function accountIdOf(storage: CommandStorage, address: Address): Promise<number> {
  const account = await storage.run(findAccount, { address })
  if (account) return account.id
  throw directoryFault(
    'DIRECTORY_NO_SUCH_ADDRESS',
    `There is no account ${displayAddress(address)}. "postrider account list" shows them.`,
  )
}
