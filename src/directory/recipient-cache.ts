// Answers to the question of each RCPT, kept until the directory changes. Only what exists is kept: a stranger can ask
// for endlessly many addresses that don't. Of a domain that is not ours one answer serves every address.
import { formatAddress } from '../address/format-address.ts'
import type { Operation, Storage } from '../storage/operation.ts'
import { hasDomains, isNobodyHere } from './domains.ts'
import { type RecipientQuestion, type ResolvedRecipient, resolveRecipient } from './resolve-recipient.ts'

const maxEntries = 10_000

/** What these answer of a directory that has been filled: that is kept, and that it is empty is asked each time. */
const whenFilled: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [hasDomains, true],
  [isNobodyHere, false],
])

/** Storage that knows some answers by heart. */
export function rememberRecipients(storage: Storage): Pick<Storage, 'run'> {
  // Two memories: a flood of foreign domains must not push our own recipients out.
  const recipients = new Map<string, ResolvedRecipient>()
  const foreignDomains = new Map<string, ResolvedRecipient>()
  const foundFilled = new Set<unknown>()
  let version = 0
  storage.onWake('directory', () => {
    version++
    recipients.clear()
    foreignDomains.clear()
    foundFilled.clear()
  })
  const resolve = async (question: RecipientQuestion): Promise<ResolvedRecipient> => {
    const { address, hostname } = question
    const domainKey = `${address.domain} ${hostname}`
    const foreign = foreignDomains.get(domainKey)
    if (foreign) return foreign
    const key = `${formatAddress(address)} ${hostname}`
    const remembered = recipients.get(key)
    if (remembered) return remembered
    const asked = version
    const resolved = await storage.run(resolveRecipient, question)
    // An answer from before a change that came meanwhile is not to be kept.
    if (asked !== version) return resolved
    if (resolved.kind === 'foreign-domain' || resolved.kind === 'relay-domain')
      keep(foreignDomains, domainKey, resolved)
    else if (resolved.kind !== 'unknown-address') keep(recipients, key, resolved)
    return resolved
  }
  const askWhetherFilled = async <Input, Output>(
    operation: Operation<Input, Output>,
    input: Input,
    filled: boolean,
  ): Promise<boolean> => {
    if (foundFilled.has(operation)) return filled
    const asked = version
    const isFilled = (await storage.run(operation, input)) === filled
    if (isFilled && asked === version) foundFilled.add(operation)
    return isFilled ? filled : !filled
  }
  return {
    run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
      const known: unknown = operation
      if (known === resolveRecipient) return resolve(input as RecipientQuestion) as Promise<Output>
      const filled = whenFilled.get(operation)
      if (filled !== undefined) return askWhetherFilled(operation, input, filled) as Promise<Output>
      return storage.run(operation, input)
    },
  }
}

function keep(known: Map<string, ResolvedRecipient>, key: string, resolved: ResolvedRecipient): void {
  if (known.size >= maxEntries) known.clear()
  known.set(key, resolved)
}
