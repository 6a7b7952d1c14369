// A report (RFC 8460 §4.4) as others send it: whoever they are, and whatever they write.
import { z } from 'zod'
import type { ReceivedTlsReport } from './report-json.ts'

const maxPolicies = 20
const maxFailures = 20

const word = z
  .string()
  .catch('')
  .transform(text => text.slice(0, 200))
const number = z.int().min(0).catch(0)

/** What others write differs in small things: what is missing is empty, what is too long is cut. */
const received = z.object({
  'organization-name': word,
  'report-id': word,
  'date-range': z.object({ 'start-datetime': word, 'end-datetime': word }),
  policies: z
    .array(
      z.object({
        policy: z.object({ 'policy-type': word, 'policy-domain': word }),
        summary: z.object({
          'total-successful-session-count': number,
          'total-failure-session-count': number,
        }),
        'failure-details': z
          .array(
            z.object({
              'result-type': word,
              'receiving-mx-hostname': word,
              'failed-session-count': number,
              'failure-reason-code': word,
            }),
          )
          .catch([]),
      }),
    )
    .min(1),
})

/** undefined: it is no report. */
export function parseReportJson(text: string): ReceivedTlsReport | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // A stranger wrote it.
    return undefined
  }
  const { data } = received.safeParse(value)
  if (!data || data['report-id'] === '') return undefined
  return {
    organization: data['organization-name'],
    reportId: data['report-id'],
    from: data['date-range']['start-datetime'],
    to: data['date-range']['end-datetime'],
    policies: data.policies.slice(0, maxPolicies).map(({ policy, summary, ...more }) => ({
      type: policy['policy-type'],
      domain: policy['policy-domain'],
      successful: summary['total-successful-session-count'],
      failed: summary['total-failure-session-count'],
      failures: more['failure-details'].slice(0, maxFailures).map(failure => ({
        type: failure['result-type'],
        mx: failure['receiving-mx-hostname'],
        sessions: failure['failed-session-count'],
        reason: failure['failure-reason-code'],
      })),
    })),
  }
}
