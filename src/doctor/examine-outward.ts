// The way out to other servers, and what they tell of the time on that occasion.
import { askTime, type TimeServer } from './ask-time.ts'
import { type ClockOffset, type ClockView, judgeClock } from './checks/clock.ts'
import { judgeOutward, type OutwardView, observeOutward } from './checks/outward.ts'
import type { Ledger } from './ledger.ts'
import type { OwnServer, SendingAddress } from './own-server.ts'
import type { World } from './world.ts'

export async function examineOutward(
  world: World,
  own: OwnServer,
  peers: readonly string[],
  ledger: Ledger,
): Promise<readonly OutwardView[]> {
  const views: OutwardView[] = []
  for (const source of sourcesOf(own)) {
    const view = await observeOutward(world, own, source, peers)
    ledger.add('way out', source?.address ?? own.smartHost?.host ?? 'this machine', judgeOutward(view, own))
    views.push(view)
  }
  return views
}

/** Each address that is chosen by the settings; else the system's choice. */
function sourcesOf({ sources }: OwnServer): readonly (SendingAddress | undefined)[] {
  return sources.length > 0 ? sources : [undefined]
}

export async function examineClock(
  { clock }: Pick<World, 'clock'>,
  timeServer: TimeServer | undefined,
  outward: readonly OutwardView[],
  ledger: Ledger,
): Promise<void> {
  ledger.add('clock', 'this machine', judgeClock(await observeClock(clock, timeServer, outward)))
}

async function observeClock(
  clock: World['clock'],
  timeServer: TimeServer | undefined,
  outward: readonly OutwardView[],
): Promise<ClockView> {
  if (timeServer) {
    const told = await askTime(timeServer, clock)
    // Who was named is believed before those who happen to say the time.
    return typeof told === 'string'
      ? { offsets: [], failures: [told] }
      : { offsets: [{ source: timeServer.address, offsetMs: told }], failures: [] }
  }
  const offsets = outward.flatMap(({ attempts }) =>
    attempts.flatMap(({ outcome }): ClockOffset[] =>
      outcome.kind === 'open' && outcome.time ? [outcome.time] : [],
    ),
  )
  return { offsets, failures: [] }
}
