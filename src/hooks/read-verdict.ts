// What a function of a hook file has returned, as a verdict: whoever wrote it may have made a mistake.
import { z } from 'zod'
import type { Verdict } from './index.ts'

const maxText = 1000
const text = z.string().min(1).max(maxText)

const verdictSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('accept'), reason: text.optional() }),
  z.strictObject({ action: z.literal('reject'), code: z.int().min(500).max(599), text }),
  z.strictObject({ action: z.literal('defer'), text }),
  z.strictObject({ action: z.literal('score'), points: z.number().min(-1000).max(1000), reason: text }),
])

/** undefined: it has nothing to say. A string: why it is no verdict. */
export function readVerdict(value: unknown): Verdict | undefined | string {
  if (value === undefined || value === null) return undefined
  const read = verdictSchema.safeParse(value)
  if (read.success) return read.data as Verdict
  const [issue] = read.error.issues
  const where = issue && issue.path.length > 0 ? ` (${issue.path.join('.')}: ${issue.message})` : ''
  return `it returned what is no verdict${where}; a verdict is made with accept(), reject(code, text), defer(text) or score(points, reason) of postrider/hooks`
}
