// What those who stand in line wait for, in words: why nothing goes there, until when, and what would speed it up.

import type { Diagnosis } from '../delivery/outcome.ts'
import { describeLimit } from '../delivery/pacing/allowance.ts'
import { describeCauseOf } from './causes.ts'
import { describeDiagnosis } from './format-trail.ts'
import type { GateClosure, GateState } from './prospects.ts'
import { formatRelative, formatTime } from './quantities.ts'

/** 'gmail from newsletter by IPv4', so that the name of the pool is taken for no person's. */
function describeDestination(name: string): string {
  const [, site, pool, kind] = /^(.+) from (\S+?)(?: by IPv([46]))?$/.exec(name) ?? []
  if (pool === undefined) return name
  return `${site} (from the addresses of the source pool "${pool}"${kind === undefined ? '' : `, by IPv${kind}`})`
}

/** Goes on after "it stands in line": where, and why. `isToldAlready`: what was met there stands in the text. */
export function describePlace({ of, name, closure }: GateState, isToldAlready: boolean): string {
  if (!closure)
    return of === 'sender'
      ? `behind other mail of its sender (${name}), who sends so much that mail of others is let pass`
      : `for ${describeDestination(name)}, behind other mail: as much as may go there at a time is under way`
  if (closure.reason === 'limit') {
    const { limit: usedUp } = closure
    const because = usedUp?.because === undefined ? '' : `; ${usedUp.because}`
    const limit = usedUp ? ` (${describeLimit(usedUp)}${because})` : ''
    return of === 'sender'
      ? `because the limit of its sender ${name} is used up${limit}`
      : `for ${describeDestination(name)}, because the limit of this server there is used up${limit}`
  }
  const met = isToldAlready ? '' : ` (${describeDiagnosis(closure.diagnosis)})`
  const { cause } = closure.diagnosis
  if (cause === 'relay-dns') return `until the DNS names a server for it${met}`
  if (cause === 'unknown-host') return `for ${describeDestination(name)}, which has no address${met}`
  return `for ${describeDestination(name)}, ${describeClosure(closure)}${met}`
}

type ClosureOfServer = Exclude<GateClosure, { reason: 'limit' }>

function describeClosure(closure: ClosureOfServer): string {
  return wasTurnedAway(closure) ? 'which turned this server away' : closureWords[closure.reason]
}

/** Out of reach all the same, and yet a server was there: it answered, and did not let us in. */
function wasTurnedAway(closure: GateClosure): boolean {
  return closure.reason === 'unreachable' && closure.diagnosis.reply !== undefined
}

/** There is nothing yet that could be reached. */
function hasNoServer(closure: GateClosure): boolean {
  if (closure.reason !== 'unreachable') return false
  const { cause } = closure.diagnosis
  return cause === 'relay-dns' || cause === 'unknown-host'
}

const closureWords: Readonly<Record<ClosureOfServer['reason'], string>> = {
  unreachable: 'where no server could be reached',
  'slow-down': 'which has asked for less mail',
  suspended: 'which wants no mail from this server',
}

/** A sentence: when it goes. */
export function describeOpening({ closure }: GateState, now: number): string {
  if (!closure) return 'It goes when it is its turn, without anybody doing anything.'
  const at = `${formatTime(closure.until)} (${formatRelative(closure.until, now)})`
  switch (closure.reason) {
    case 'limit':
      return `There is more at ${at}.`
    case 'unreachable':
      if (hasNoServer(closure)) return `The DNS is asked again at ${at}, without anybody doing anything.`
      return `Nothing goes there until ${at}; then one message finds out whether it ${wasTurnedAway(closure) ? 'lets this server in' : 'can be reached'} again, and the others follow.`
    case 'slow-down':
    case 'suspended':
      return `Nothing goes there until ${at}; then it is tried again, with a few messages first.`
    default:
      return closure satisfies never
  }
}

/** Sentences: what would speed it up, and whether an attempt at once would. */
export function describeSpeedUp({ of, closure }: GateState, queueId: string): string {
  const retry = `"postrider queue retry ${queueId}"`
  if (!closure)
    return of === 'sender'
      ? `Nothing speeds it up but less mail of that sender; ${retry} would put it into the same line.`
      : `What would speed it up: more connections at a time (delivery.limits, delivery.maxConnectionsPerDestination), if the receiver bears it. ${retry} would put it into the same line.`
  switch (closure.reason) {
    case 'limit': {
      const useless = `${retry} does not help: it would wait for the limit again.`
      // No setting of limits lifts what a warm-up leaves.
      if (closure.limit?.because !== undefined)
        return `The address takes more each day by itself. What would speed it up: higher numbers in its warmUp, or false, in the settings (delivery.sourcePools), if receivers know the address already. ${useless}`
      const setting = of === 'sender' ? 'submission.limits)' : 'delivery.limits), if the receiver bears it'
      return `What would speed it up: a higher limit in the settings (${setting}. ${useless}`
    }
    case 'unreachable':
      if (hasNoServer(closure))
        return `${remedyOf(closure.diagnosis)}When the DNS is mended, ${retry} tries it at once.`
      return `${remedyOf(closure.diagnosis)}As soon as that server ${wasTurnedAway(closure) ? 'lets this one in' : 'is there'} again, ${retry} tries it at once.`
    case 'slow-down':
      return patience
    case 'suspended':
      return `${remedyOf(closure.diagnosis)}When that is mended, ${retry} tries it at once; before, it makes matters worse.`
    default:
      return closure satisfies never
  }
}

/** Who stands there is given up before it opens; `end`: when, ms since 1970. */
export function opensTooLate({ closure }: GateState, end: number): boolean {
  return closure !== undefined && closure.until >= end
}

/** Sentences, in place of the above: what is left to do then. */
export function describeLastWays(gate: GateState, queueId: string): string {
  const speedUp = gate.closure?.reason === 'slow-down' ? '' : `${describeSpeedUp(gate, queueId)} `
  // The limit of a sender holds whatever way its mail goes.
  const other =
    gate.of === 'sender'
      ? ''
      : `Another way may be open: "postrider queue reroute ${queueId} --via <host:port>". `
  return `${speedUp}${other}If nothing of that can be done, tell its sender now.`
}

/** Ends with a blank, or is empty. */
function remedyOf(diagnosis: Diagnosis): string {
  const { remedy } = describeCauseOf(diagnosis)
  return remedy === undefined ? '' : `What would speed it up: ${remedy} `
}

export const patience = 'Nothing speeds it up: it goes by itself, and trying more often makes it worse.'

/** For a table. */
export function closureInShort(closure: GateClosure): string {
  if (wasTurnedAway(closure)) return 'turned us away'
  if (hasNoServer(closure)) return 'no server in the DNS'
  return {
    unreachable: 'could not be reached',
    'slow-down': 'asked for less mail',
    suspended: 'refuses this server',
    limit: 'limit used up',
  }[closure.reason]
}
