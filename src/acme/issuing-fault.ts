// Why no certificate was issued.
import { Fault } from '../runtime/fault.ts'
import type { IssuingProblemSort } from './records.ts'

export class IssuingFault extends Fault {
  override readonly name = 'IssuingFault'
  readonly sort: IssuingProblemSort
  /** What the authority asked for. */
  readonly retryAfterMs: number | undefined

  constructor(
    sort: IssuingProblemSort,
    detail: string,
    { retryAfterMs, ...options }: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super('ACME_NOT_ISSUED', detail, options)
    this.sort = sort
    this.retryAfterMs = retryAfterMs
  }
}

/** A problem document (RFC 7807) of an authority, as far as it can be trusted: all of it is a stranger's. */
export interface ProblemDocument {
  readonly type: string
  readonly detail: string
}

const maxDetail = 500

export function parseProblem(value: unknown): ProblemDocument | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { type, detail, subproblems } = value as Readonly<Record<string, unknown>>
  if (typeof type !== 'string') return undefined
  const [sub] = Array.isArray(subproblems) ? subproblems : []
  // RFC 8555 §6.7.1: the reason stands there when an order has several.
  const inner = typeof detail === 'string' ? undefined : parseProblem(sub)
  return { type, detail: (typeof detail === 'string' ? detail : (inner?.detail ?? type)).slice(0, maxDetail) }
}

const prefix = 'urn:ietf:params:acme:error:'

const sorts: Readonly<Record<string, IssuingProblemSort>> = {
  rateLimited: 'rate-limited',
  caa: 'caa',
  accountDoesNotExist: 'account',
  externalAccountRequired: 'account',
  invalidContact: 'account',
  unsupportedContact: 'account',
  userActionRequired: 'account',
  serverInternal: 'unreachable',
}

/** RFC 8555 §6.7 */
export function sortOfProblem({ type }: ProblemDocument): IssuingProblemSort {
  return (type.startsWith(prefix) ? sorts[type.slice(prefix.length)] : undefined) ?? 'refused'
}
