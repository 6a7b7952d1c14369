// The zones in which our names are, each once.
import { keyRecordName } from '../signing/key-record.ts'
import { judgeSignatures } from './checks/signatures.ts'
import { findApexes, observeZone, type ZoneQuestion } from './checks/zone-view.ts'
import { judgeZone } from './checks/zones.ts'
import { fewAtATime } from './few-at-a-time.ts'
import { notChecked } from './finding.ts'
import type { Ledger } from './ledger.ts'
import type { OwnServer } from './own-server.ts'
import type { World } from './world.ts'

/** At a time. */
const fewZones = 5

export async function examineZones(world: World, own: OwnServer, ledger: Ledger): Promise<void> {
  const { zones, unknown } = await findApexes(world, questionsOf(own))
  // What is below a name that is not known is not known either, and need not be told.
  const isBelow = (name: string): boolean => unknown.some(other => name.endsWith(`.${other.name}`))
  for (const { name, detail } of unknown)
    if (!isBelow(name))
      for (const check of ['zones', 'DNSSEC'] as const) ledger.add(check, name, notChecked(detail))
  await fewAtATime([...zones], fewZones, async ([apex, questions]) => {
    const view = await observeZone(world, apex, questions)
    ledger.add('zones', apex, judgeZone(view))
    ledger.add('DNSSEC', apex, judgeSignatures(view, world.clock.now()))
  })
}

function questionsOf({ hostname, domains }: OwnServer): readonly ZoneQuestion[] {
  return [
    { name: hostname, type: 'A' },
    { name: hostname, type: 'AAAA' },
    ...domains.flatMap(({ name, keys }): ZoneQuestion[] => [
      { name, type: 'MX' },
      { name, type: 'TXT' },
      { name: `_dmarc.${name}`, type: 'TXT' },
      ...keys
        .filter(({ state }) => state === 'active' || state === 'next')
        .map(
          ({ domain, selector }): ZoneQuestion => ({ name: keyRecordName(domain, selector), type: 'TXT' }),
        ),
    ]),
  ]
}
