// An error of ours in an attempt: it costs that attempt, nothing else.
import type { DeliveryOutcome } from './outcome.ts'

export function localError(cause: unknown): Extract<DeliveryOutcome, { kind: 'deferred' }> {
  return {
    kind: 'deferred',
    diagnosis: {
      stage: 'routing',
      cause: 'local-error',
      status: '4.3.0',
      detail: `an unexpected error here: ${cause instanceof Error ? cause.message : String(cause)}`,
    },
  }
}
