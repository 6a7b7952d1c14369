// How long a start takes with a long queue: from the start of the process to the greeting, and to the first 250 for a
// message.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { findFreePort } from '../test/harness/free-port.ts'
import { sendLoad } from './load.ts'
import { composeSettings, databasePath, launchPostrider } from './postrider-subject.ts'
import { sendOne } from './send-one.ts'

export interface StartUpFigures {
  readonly deferredMessages: number
  readonly greetingMs: number
  readonly firstAcceptMs: number
}

export async function measureStartUp(
  deferredMessages: number,
  parentFolder: string,
): Promise<StartUpFigures> {
  const folder = await mkdtemp(join(parentFolder, 'start-up-'))
  try {
    const port = await findFreePort()
    await writeFile(join(folder, 'postrider.toml'), composeSettings(port, 'hold'))
    const first = await launchPostrider(folder, port)
    if (deferredMessages > 0) {
      await sendLoad(port, {
        messages: deferredMessages,
        sessions: 100,
        messageBytes: 2000,
        connections: 'kept',
      })
    }
    await first.stop()
    deferAll(folder, deferredMessages)
    // Nobody is to deliver them: they are due in an hour, and hold is off.
    await writeFile(join(folder, 'postrider.toml'), composeSettings(port, { sinkPort: 9 }))

    const startedAt = performance.now()
    const server = await launchPostrider(folder, port)
    const greetingMs = performance.now() - startedAt
    await sendOne(port)
    const firstAcceptMs = performance.now() - startedAt
    await server.stop()
    return { deferredMessages, greetingMs, firstAcceptMs }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const hourMs = 3_600_000

// The server took them in itself, held; here each gets the state that a first failed attempt would have left.
function deferAll(folder: string, expected: number): void {
  const database = new DatabaseSync(databasePath(folder))
  try {
    const { changes } = database
      .prepare("UPDATE queue_recipient SET state = 'ready', attempts = 1, due_at = ?")
      .run(Date.now() + hourMs)
    if (changes !== expected) throw new Error(`${changes} messages in the queue, ${expected} expected`)
  } finally {
    database.close()
  }
}
