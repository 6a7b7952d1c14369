// Whose an address is: the account to which it leads, by itself or as an alias of that account alone.
import { defineRead } from '../storage/operation.ts'
import { type RecipientQuestion, resolveRecipient } from './resolve-recipient.ts'

/** Its id; undefined: nobody's here, or that of several, of whom none speaks for all. */
export const findAccountBehind = defineRead(
  'directory.find-account-behind',
  async (tx, { address, hostname }: RecipientQuestion): Promise<number | undefined> => {
    const resolved = await resolveRecipient.run(tx, { address, hostname })
    if (resolved.kind === 'account') return resolved.accountId
    if (resolved.kind !== 'redirection') return undefined
    const [target, second] = resolved.targets
    if (!target || second) return undefined
    const behind = await resolveRecipient.run(tx, { address: target, hostname })
    return behind.kind === 'account' ? behind.accountId : undefined
  },
)
