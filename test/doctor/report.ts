// What `postrider doctor --json` prints, read strictly.
import assert from 'node:assert/strict'
import { z } from 'zod'
import type { Ran } from '../cli/run-postrider.ts'

const place = { check: z.string(), subject: z.string().min(1) }

const reports = z.strictObject({
  findings: z.array(
    z.strictObject({
      ...place,
      code: z.string(),
      severity: z.enum(['error', 'warning', 'advice']),
      what: z.string().min(10),
      cost: z.string().min(10),
      remedy: z.string().min(10),
    }),
  ),
  notChecked: z.array(z.strictObject({ ...place, because: z.string().min(5) })),
  passed: z.array(z.strictObject(place)),
})

export type DoctorReport = z.output<typeof reports>

export function readReport({ stdout, stderr }: Ran): DoctorReport {
  assert.equal(stderr, '')
  return reports.parse(JSON.parse(stdout))
}

/** Each code once, whatever it was found of. */
export function codesOf({ findings }: DoctorReport): string[] {
  return [...new Set(findings.map(({ code }) => code))].sort()
}
