// Reads the structure of what has come into mailboxes, so that no session has to (docs/adr/0031).
import { readStructure } from '../mail-access/structures.ts'
import { findWantedStructures, type KeptStructure, keepStructures } from '../mailbox/structures.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { oneAtATime } from '../runtime/one-at-a-time.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { StorageFault } from '../storage/storage-fault.ts'

export interface StructureKeeperOptions {
  readonly storage: Pick<Storage, 'run' | 'onWake'>
  readonly mailData: Pick<MailDataStore, 'read'>
  readonly log: Log
}

const messagesAtATime = 50

export interface StructureKeeper {
  /** Resolves when nothing is left to be read. Rejects with a StorageFault. */
  look(): Promise<void>
  start(): void
  stop(): Promise<void>
}

export function createStructureKeeper({ storage, mailData, log }: StructureKeeperOptions): StructureKeeper {
  const trouble = new LastingTrouble(log, {
    begins: 'new messages in mailboxes are not looked into: mail programs are answered more slowly',
    ends: 'new messages in mailboxes are looked into again',
  })
  const state = { isStopped: false, isWoken: false }
  let looking = Promise.resolve()
  const look = async (): Promise<void> => {
    while (!state.isStopped) {
      const wanted = await storage.run(findWantedStructures, { limit: messagesAtATime })
      if (wanted.length === 0) return
      const structures: KeptStructure[] = []
      for (const mailDataId of wanted)
        structures.push({ mailDataId, structure: await readIfWhole(mailData, mailDataId) })
      await storage.run(keepStructures, { structures })
    }
  }
  const guarded = async (): Promise<void> => {
    try {
      while (state.isWoken) {
        state.isWoken = false
        await look()
      }
      trouble.over()
    } catch (cause) {
      if (!state.isStopped) trouble.hit(cause)
    }
  }
  const begin = oneAtATime(() => {
    looking = guarded()
    return looking
  })
  const wake = (): void => {
    state.isWoken = true
    begin()
  }
  return {
    look,
    start() {
      storage.onWake('mailbox', wake)
      wake()
    },
    async stop() {
      state.isStopped = true
      await looking
    },
  }
}

/** undefined: it is damaged, which verify says. */
async function readIfWhole(mailData: Pick<MailDataStore, 'read'>, mailDataId: number) {
  try {
    return await readStructure(mailData.read(mailDataId))
  } catch (cause) {
    if (cause instanceof StorageFault && cause.code === 'STORAGE_DAMAGED') return undefined
    throw cause
  }
}
