// Whose words a reply is, and what is done about it, for whoever is told of it.
import type { ReportedProvider } from '../../bounce/report.ts'
import type { Diagnosis } from '../outcome.ts'
import { findKnownReply } from './known-reply.ts'
import { findProvider, providerOf } from './providers.ts'

/** As the text of the reply says, else as the name of the host. */
export function describeProvider({
  remoteMta,
  reply,
  stage,
  cause,
}: Pick<Diagnosis, 'remoteMta' | 'reply' | 'stage' | 'cause'>): ReportedProvider | undefined {
  // What the way out has against us is told by its own text.
  if (!reply || cause === 'smart-host') return undefined
  const known = findKnownReply(remoteMta, reply, stage)
  const ofHost = remoteMta === undefined ? undefined : findProvider(remoteMta)
  const provider = known?.provider === undefined ? ofHost : providerOf(known.provider)
  if (!known && !provider) return undefined
  return { name: provider?.name, step: known?.step, page: known?.page ?? provider?.postmasterPage }
}
