// Events of the trail, which come into it a little after what they are about.
import assert from 'node:assert/strict'
import type { TrailEvent } from '../../src/trail/events.ts'
import type { ComposedServer } from './composed-server.ts'
import { eventually } from './eventually.ts'

type EventOf<Kind extends TrailEvent['kind']> = Extract<TrailEvent, { kind: Kind }>

/** All of a kind, oldest first, once there are so many. */
export async function awaitEvents<Kind extends TrailEvent['kind']>(
  server: ComposedServer,
  kind: Kind,
  count: number,
): Promise<EventOf<Kind>[]> {
  return await eventually(
    `${count} ${kind} in the trail`,
    async () => {
      const events = await server.events()
      const found = events.filter((event): event is EventOf<Kind> => event.kind === kind)
      return found.length >= count ? found : undefined
    },
    { everyMs: 5 },
  )
}

/** The first of a kind. */
export async function awaitEvent<Kind extends TrailEvent['kind']>(
  server: ComposedServer,
  kind: Kind,
): Promise<EventOf<Kind>> {
  const [first] = await awaitEvents(server, kind, 1)
  return first ?? assert.fail()
}
