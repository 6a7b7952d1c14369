// Mail data in a form that a server takes: read twice before it is sent, once for the plan and once for the size, and in
// no more memory than a piece of it.
import { MessageConverter } from '../../message/mime/message-converter.ts'
import {
  type ConversionPlan,
  ConversionPlanner,
  type ConversionProblem,
  type ConversionTarget,
  type FormChange,
} from '../../message/mime/plan-conversion.ts'
import type { OutgoingMailData } from '../../smtp/client/contract.ts'

export type Conversion =
  | {
      readonly kind: 'converted'
      readonly mailData: OutgoingMailData
      readonly changes: readonly FormChange[]
    }
  | { readonly kind: 'impossible'; readonly problem: ConversionProblem }

export async function convertMailData(
  original: OutgoingMailData,
  target: ConversionTarget,
): Promise<Conversion> {
  const planner = new ConversionPlanner(target)
  for await (const piece of original.open()) planner.take(piece)
  const plan = planner.finish()
  if (plan.problem) return { kind: 'impossible', problem: plan.problem }
  let size = 0
  for await (const piece of convert(original, plan)) size += piece.length
  return {
    kind: 'converted',
    mailData: { size, open: () => convert(original, plan) },
    changes: plan.changes,
  }
}

async function* convert(original: OutgoingMailData, plan: ConversionPlan): AsyncIterable<Uint8Array> {
  const converter = new MessageConverter(plan)
  for await (const piece of original.open()) yield* converter.take(piece)
  yield* converter.finish()
}
