// The real storage, whose writes take time on the simulated clock: as long as those of a modest machine. They do it one
// after the other, as its one writer does.
import type { Operation, Storage } from '../src/storage/operation.ts'
import type { SimulatedClock } from './simulated-clock.ts'

/** Of a commit, and of each recipient in it. */
const commitMs = 2
const recipientMs = 0.03

export function withTime(storage: Storage, clock: SimulatedClock): Storage {
  let busyUntil = 0
  return {
    async run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
      const output = await clock.hold(() => storage.run(operation, input))
      if (operation.access === 'read') return output
      const recipients = Math.max(countRecipients(input), countRecipients(output))
      busyUntil = Math.max(busyUntil, clock.now()) + commitMs + recipients * recipientMs
      await clock.wait(busyUntil - clock.now())
      return output
    },
    onWake: (topic, listener) => storage.onWake(topic, listener),
    close: () => storage.close(),
  }
}

/** Of what is accepted, claimed or settled. */
function countRecipients(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + countRecipients(one), 0)
  if (typeof value !== 'object' || value === null) return 0
  if ('settlements' in value && Array.isArray(value.settlements)) return value.settlements.length
  if ('recipients' in value)
    return Array.isArray(value.recipients) ? value.recipients.length : Number(value.recipients)
  return 0
}
