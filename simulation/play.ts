// Plays a scenario: the real delivery agent over real storage, in a simulated world.

import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDeliveryAgent } from '../src/delivery/create-delivery-agent.ts'
import type { Log } from '../src/runtime/log.ts'
import type { ConnectSmtp } from '../src/smtp/client/contract.ts'
import { openLocalStorage } from '../src/storage/local-storage.ts'
import { createMailDataStore } from '../src/storage/mail-data-store.ts'
import type { Storage } from '../src/storage/operation.ts'
import { expireTrail } from '../src/trail/expire-trail.ts'
import { createSeededRandom } from '../test/harness/seeded-random.ts'
import { type Audit, audit } from './audit.ts'
import { Ledger } from './ledger.ts'
import { startLoad } from './load.ts'
import { createMemoryFiles } from './memory-files.ts'
import { createNetwork } from './network.ts'
import { countingPutOffs } from './put-offs.ts'
import { createSimulatedResolver } from './resolver.ts'
import { hourMs, type Scenario } from './scenario.ts'
import { SimulatedClock } from './simulated-clock.ts'
import { withTime } from './timed-storage.ts'

export interface Played {
  readonly scenario: Scenario
  readonly ledger: Ledger
  readonly audit: Audit
  readonly hash: string
  readonly seconds: number
  /** Of processor time: what it takes on a machine that has nothing else to do. */
  readonly processorSeconds: number
}

export interface PlayOptions {
  /** Called once each simulated hour. */
  readonly progress?: (ledger: Ledger) => void
  /** What the agent has in the place of the real one. */
  readonly faultyStorage?: (real: Storage) => Storage
  readonly faultyConnect?: (real: ConnectSmtp) => ConnectSmtp
}

const dayHours = 24
/** Nobody asks for the trail here: only so much is kept that the database does not grow. */
const trailHours = 1
const trailBatch = 2000

export async function play(scenario: Scenario, options: PlayOptions = {}): Promise<Played> {
  const began = performance.now()
  const usedBefore = process.cpuUsage()
  const clock = new SimulatedClock(Date.UTC(2026, 0, 5))
  const ledger = new Ledger(scenario, clock)
  // The database outlasts nothing here: in memory, where there is such a folder.
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'postrider-simulation-'))
  const network = createNetwork(scenario, clock, createSeededRandom(scenario.seed + 1), ledger)
  const real = await openLocalStorage(folder)
  try {
    const storage = withTime(countingPutOffs(options.faultyStorage?.(real) ?? real, ledger), clock)
    const mailData = createMailDataStore(createMemoryFiles(), storage)
    const agent = createDeliveryAgent({
      storage,
      mailData,
      resolver: createSimulatedResolver(scenario.receivers, ledger),
      clock,
      random: createSeededRandom(scenario.seed),
      log: logInto(ledger),
      hostname: 'mail.home.test',
      queue: scenario.queue,
      delivery: scenario.delivery,
      senderRules: { limits: scenario.senderLimits, bulkSenders: [] },
      owner: 'simulation',
      idSpace: 0,
      listeners: [],
      // There is no administrator.
      alerts: { raise: () => Promise.resolve() },
      connect: options.faultyConnect?.(network.connect) ?? network.connect,
    })
    const start = clock.now()
    await clock.runUntilSettled(agent.start())
    startLoad({ scenario, clock, storage, random: createSeededRandom(scenario.seed + 2), ledger })
    keepTrailShort(real, clock)
    for (let hour = 1; hour <= scenario.days * dayHours; hour++) {
      await clock.runUntil(start + hour * hourMs)
      options.progress?.(ledger)
    }
    const audited = await audit(scenario, ledger, clock, real, createMailDataStore(createMemoryFiles(), real))
    const hash = ledger.hash()
    await clock.runUntilSettled(agent.stop(0))
    const { user, system } = process.cpuUsage(usedBefore)
    return {
      scenario,
      ledger,
      audit: audited,
      hash,
      seconds: (performance.now() - began) / 1000,
      processorSeconds: (user + system) / 1e6,
    }
  } finally {
    await real.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function keepTrailShort(storage: Storage, clock: SimulatedClock): void {
  clock.every(hourMs / 6, () => {
    void clock.hold(async () => {
      const before = clock.now() - trailHours * hourMs
      while ((await storage.run(expireTrail, { before, limit: trailBatch })) === trailBatch);
    })
  })
}

/** An error of the server's own is one that the simulation has found. */
function logInto(ledger: Ledger): Log {
  return {
    isDebugEnabled: false,
    debug() {},
    info: message => ledger.note('info', message),
    warn: message => ledger.note('warn', message),
    error(message, _fields, cause) {
      ledger.note('error', message)
      // Without a cause it is for an administrator to know: that a receiver refuses our name.
      if (cause !== undefined)
        ledger.violate(`the server had an error: ${message}: ${cause instanceof Error ? cause.message : ''}`)
    },
  }
}
