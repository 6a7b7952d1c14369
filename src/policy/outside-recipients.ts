// RCPT, where LDAP knows accounts too: whom nobody knows here, or only a catch-all would take, is looked for there first.
import { isRoleAddress } from '../directory/keys.ts'
import {
  type RecipientQuestion,
  type ResolvedRecipient,
  resolveRecipient,
} from '../directory/resolve-recipient.ts'
import type { Operation, Storage } from '../storage/operation.ts'
import type { OutsideAccounts } from './outside-accounts.ts'

/** `remembered`: `storage` with a memory. The storage that comes back answers the question of each RCPT for those too. Rejects with an LdapFault where nobody can say. */
export function findOutsideRecipients(
  remembered: Pick<Storage, 'run'>,
  storage: Pick<Storage, 'run'>,
  outside: Pick<OutsideAccounts, 'find'>,
): Pick<Storage, 'run'> {
  const resolve = async (question: RecipientQuestion): Promise<ResolvedRecipient> => {
    const resolved = await remembered.run(resolveRecipient, question)
    if (!mayBeElsewhere(resolved) || isRoleAddress(question.address)) return resolved
    // What is remembered may be of before.
    return (await outside.find(question.address)) ? await storage.run(resolveRecipient, question) : resolved
  }
  return {
    run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
      const known: unknown = operation
      if (known === resolveRecipient) return resolve(input as RecipientQuestion) as Promise<Output>
      return remembered.run(operation, input)
    },
  }
}

function mayBeElsewhere(resolved: ResolvedRecipient): boolean {
  return resolved.kind === 'unknown-address'
    ? resolved.reason === 'no-such-address'
    : resolved.kind === 'redirection' && resolved.redirection === 'catch-all'
}
