// Answers to the question of each RCPT, kept until the directory changes. Only what exists is kept: a stranger can ask
// for endlessly many addresses that don't.
import { formatAddress } from '../address/format-address.ts'
import type { Operation, Storage } from '../storage/operation.ts'
import { type RecipientQuestion, type ResolvedRecipient, resolveRecipient } from './resolve-recipient.ts'

const maxEntries = 10_000

/** Storage that knows some answers by heart. */
export function rememberRecipients(storage: Storage): Pick<Storage, 'run'> {
  const known = new Map<string, ResolvedRecipient>()
  let version = 0
  storage.onWake('directory', () => {
    version++
    known.clear()
  })
  const resolve = async (question: RecipientQuestion): Promise<ResolvedRecipient> => {
    const key = `${formatAddress(question.address)} ${question.hostname}`
    const remembered = known.get(key)
    if (remembered) return remembered
    const asked = version
    const resolved = await storage.run(resolveRecipient, question)
    // An answer from before a change that came meanwhile is not to be kept.
    if (asked !== version) return resolved
    if (resolved.kind === 'account' || resolved.kind === 'redirection') {
      if (known.size >= maxEntries) known.clear()
      known.set(key, resolved)
    }
    return resolved
  }
  return {
    run: <Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> =>
      (operation as unknown) === resolveRecipient
        ? (resolve(input as RecipientQuestion) as Promise<Output>)
        : storage.run(operation, input),
  }
}
