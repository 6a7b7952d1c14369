// A gate at which mail waits, and what closes it, as --json has them.
import type { GateClosure, GateState } from './prospects.ts'

export function gateJson(gate: GateState | undefined): unknown {
  return gate ? { of: gate.of, name: gate.name, closed: closureJson(gate.closure) } : null
}

export function closureJson(closure: GateClosure | undefined): unknown {
  if (!closure) return null
  const until = new Date(closure.until).toISOString()
  if (closure.reason !== 'limit') {
    const { cause, detail } = closure.diagnosis
    return { reason: closure.reason, until, cause, detail }
  }
  const { limit } = closure
  return {
    reason: closure.reason,
    until,
    limit: limit
      ? { most: limit.most, inSeconds: limit.spanMs / 1000, because: limit.because ?? null }
      : null,
  }
}
