// What a check has to say: what is wrong, what it costs, how to mend it; and what it could not look at, and why.

export type Severity =
  /** Mail is lost, refused or unsafe. */
  | 'error'
  /** Some mail is, or will be. */
  | 'warning'
  /** Nothing is wrong; it could be better. */
  | 'advice'

export interface Finding {
  /** Stable, for programs: 'mx-missing'. docs/doctor.md has them all. */
  readonly code: string
  readonly severity: Severity
  readonly what: string
  readonly cost: string
  readonly remedy: string
}

export interface Verdict {
  readonly findings: readonly Finding[]
  /** A sentence each, without its end: why something could not be looked at. */
  readonly notChecked: readonly string[]
}

export const allWell: Verdict = { findings: [], notChecked: [] }

export function found(...findings: readonly Finding[]): Verdict {
  return { findings, notChecked: [] }
}

export function notChecked(...because: readonly string[]): Verdict {
  return { findings: [], notChecked: because }
}

export function joinVerdicts(verdicts: readonly Verdict[]): Verdict {
  return {
    findings: verdicts.flatMap(({ findings }) => findings),
    notChecked: [...new Set(verdicts.flatMap(({ notChecked: because }) => because))],
  }
}

/** `what` and the others are sentences. */
export function error(code: string, what: string, cost: string, remedy: string): Finding {
  return { code, severity: 'error', what, cost, remedy }
}

export function warning(code: string, what: string, cost: string, remedy: string): Finding {
  return { code, severity: 'warning', what, cost, remedy }
}

export function advice(code: string, what: string, cost: string, remedy: string): Finding {
  return { code, severity: 'advice', what, cost, remedy }
}
