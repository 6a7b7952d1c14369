// What the trail is told of those who come to read mail or to put a script here: who did not get in, and who came no further than the beginning.
import { type Logins, loginNameToKeep } from '../policy/logins.ts'
import type { Clock } from '../runtime/clock.ts'
import { RepeatMemory } from '../runtime/repeat-memory.ts'
import type { RefusedLogIn } from '../sasl/log-in-services.ts'
import type { PeerFacts, TrailEvent } from '../trail/events.ts'
import type { TrailWriter } from './trail-writer.ts'

const minuteMs = 60_000

export interface LogInTrailParts {
  readonly logins: Logins
  readonly trail: Pick<TrailWriter, 'append'>
  readonly clock: Clock
}

type TurnedAway = Pick<Extract<TrailEvent, { kind: 'turned-away' }>, 'role' | 'remoteAddress' | 'problem'>

export interface LogInTrail {
  noteRefused(peer: PeerFacts, refused: RefusedLogIn): void
  noteTurnedAway(peer: TurnedAway): void
  /** What it has yet to be told of those who came again and again, at the end. */
  tellRest(): void
}

export function createLogInTrail({ logins, trail, clock }: LogInTrailParts): LogInTrail {
  const turnedAway = new RepeatMemory(minuteMs, clock)
  return {
    noteRefused(peer, { mechanism, loginName, problem }) {
      const block = loginName === undefined ? undefined : logins.blockOf(peer.remoteAddress, loginName)
      trail.append({
        at: clock.now(),
        event: {
          kind: 'login-refused',
          ...peer,
          mechanism,
          loginName: loginName === undefined ? undefined : loginNameToKeep(loginName),
          loginProblem: problem,
          blockedUntil: block?.until,
          blockedBy: block?.by,
        },
      })
    },
    noteTurnedAway(peer) {
      const at = clock.now()
      const event: TrailEvent = { kind: 'turned-away', ...peer }
      turnedAway.note(`${event.remoteAddress} ${event.problem}`, repeated =>
        trail.append({ at, event: repeated > 0 ? { ...event, repeated } : event }),
      )
    },
    tellRest: () => turnedAway.tellRest(),
  }
}
