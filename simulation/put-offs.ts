// How often each recipient was put off, as the server writes it down: receivers that cannot be reached never hear of whom.
import { parseAddress } from '../src/address/parse-address.ts'
import { type Settling, settle } from '../src/queue/settle.ts'
import type { Operation, Storage } from '../src/storage/operation.ts'
import type { TrailEvent } from '../src/trail/events.ts'
import type { Ledger } from './ledger.ts'
import { numberOf } from './network.ts'

export function countingPutOffs(storage: Storage, ledger: Ledger): Storage {
  return {
    run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
      if (operation.name === settle.name) {
        const { settlements } = input as Settling
        for (const { events } of settlements) for (const event of events) note(event, ledger)
      }
      return storage.run(operation, input)
    },
    onWake: (topic, listener) => storage.onWake(topic, listener),
    close: () => storage.close(),
  }
}

function note(event: TrailEvent, ledger: Ledger): void {
  if (!isPutOff(event)) return
  const address = parseAddress(event.recipient)
  const number = address && numberOf(address.localPart)
  if (number !== undefined) ledger.putOff(number)
}

/** It was tried in vain, or its turn came while nobody was let in where it was to go. */
function isPutOff(event: TrailEvent): event is Extract<TrailEvent, { kind: 'attempted' | 'postponed' }> {
  return event.kind === 'postponed' || (event.kind === 'attempted' && event.outcome.kind === 'deferred')
}
