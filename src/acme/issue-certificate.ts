// One certificate from an authority: order, proof that the name is ours, request, chain (RFC 8555 §7.4, §7.5).
import type { Authorization, Client, Order } from 'acme-client'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { type Certificate, certificateCovers, parseCertificate } from '../tls/certificate.ts'
import { assertSoundChain } from '../tls/chain.ts'
import { IssuingFault, type ProblemDocument, parseProblem, sortOfProblem } from './issuing-fault.ts'
import { loadLibrary } from './open-client.ts'
import type { ChallengeType } from './records.ts'

/** Where the authority will look for what proves the name. */
export interface ChallengePlace {
  readonly type: ChallengeType
  /** Puts it there, and returns what takes it away; rejects with an IssuingFault. */
  put(challenge: PutChallenge): Promise<() => Promise<void>>
}

export interface PutChallenge {
  readonly name: string
  readonly token: string
  /** RFC 8555 §8.1; of DNS its digest. */
  readonly keyAuthorization: string
}

export interface IssueOptions {
  readonly client: Client
  readonly name: string
  readonly keyPem: string
  readonly place: ChallengePlace
  readonly clock: Clock
  readonly log: Log
}

const looks = 60
const firstWaitMs = 500
const longestWaitMs = 5000

/** Rejects with an IssuingFault, or with what the library throws. */
export async function issueCertificate(options: IssueOptions): Promise<Certificate> {
  const { client, name, keyPem } = options
  let order = await client.createOrder({ identifiers: [{ type: 'dns', value: name }] })
  for (const authorization of await client.getAuthorizations(order)) await authorize(authorization, options)
  order = await untilSettled(order, options, ['pending'])
  const { crypto } = await loadLibrary()
  const [, csr] = await crypto.createCsr({ altNames: [name] }, keyPem)
  if (order.status === 'ready') {
    await client.finalizeOrder(order, csr)
    order = await untilSettled(order, options, ['ready', 'processing'])
  }
  const chain = await client.getCertificate(order)
  return readIssued(chain, options)
}

/** What the authority sent is looked at before anybody is shown it. */
function readIssued(chain: string, { name, keyPem, clock }: IssueOptions): Certificate {
  const files = { certificateFile: 'what the authority issued', keyFile: 'the key of this server' }
  try {
    const certificate = parseCertificate(chain, keyPem, files)
    assertSoundChain(chain, clock.now(), files.certificateFile)
    const probe = name.startsWith('*') ? name.replace('*', 'any') : name
    if (!certificateCovers(certificate, probe))
      throw new IssuingFault('certificate', `it is for ${certificate.names.join(', ')}, and not for ${name}`)
    return certificate
  } catch (cause) {
    if (cause instanceof IssuingFault) throw cause
    throw new IssuingFault('certificate', cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

async function authorize(authorization: Authorization, options: IssueOptions): Promise<void> {
  // RFC 8555 §7.1.3: what was proven lately need not be proven again.
  if (authorization.status === 'valid') return
  const { client, place, log } = options
  const challenge = authorization.challenges.find(({ type }) => type === place.type)
  if (!challenge) {
    const offered = authorization.challenges.map(({ type }) => type).join(', ')
    throw new IssuingFault(
      'refused',
      `the authority does not offer ${place.type} for this name, but ${offered}: choose one of these (challenge in [tls.acme])`,
    )
  }
  const keyAuthorization = await client.getChallengeKeyAuthorization(challenge)
  const { value: name } = authorization.identifier
  const remove = await place.put({ name, token: challenge.token, keyAuthorization })
  try {
    await client.completeChallenge(challenge)
    await untilAuthorized(authorization, options)
  } finally {
    // What the authority found counts, and what is left there does no harm.
    await remove().catch((cause: unknown) =>
      log.warn('what proved a name is not taken away', {
        name,
        reason: cause instanceof Error ? cause.message : String(cause),
      }),
    )
  }
}

async function untilAuthorized(authorization: Authorization, options: IssueOptions): Promise<void> {
  const { client, place } = options
  for await (const _ of pauses(options.clock)) {
    // The library asks for those of an order only.
    const [seen] = await client.getAuthorizations({ authorizations: [authorization.url] } as unknown as Order)
    if (seen?.status === 'valid') return
    if (seen && seen.status !== 'pending') {
      const challenge = seen.challenges.find(({ type }) => type === place.type)
      const problem = parseProblem(challenge?.error)
      throw new IssuingFault(sortOfChallenge(problem, place.type), problem?.detail ?? `it is ${seen.status}`)
    }
  }
  throw new IssuingFault(
    place.type,
    'the authority asked for the proof, and did not say within minutes what it found',
  )
}

function sortOfChallenge(problem: ProblemDocument | undefined, type: ChallengeType): IssuingFault['sort'] {
  const sort = problem ? sortOfProblem(problem) : 'refused'
  return sort === 'refused' ? type : sort
}

async function untilSettled(
  order: Order,
  { client, clock }: IssueOptions,
  underWay: readonly Order['status'][],
): Promise<Order> {
  for await (const _ of pauses(clock)) {
    const seen = await client.getOrder(order)
    if (seen.status === 'invalid') {
      const problem = parseProblem(seen.error)
      throw new IssuingFault(
        problem ? sortOfProblem(problem) : 'refused',
        problem?.detail ?? 'the authority gave the order up',
      )
    }
    if (!underWay.includes(seen.status)) return seen
  }
  throw new IssuingFault('unreachable', 'the authority did not finish the order within minutes')
}

/** The first at once, the others further and further apart, for some minutes. */
async function* pauses(clock: Clock): AsyncGenerator<void> {
  let ms = firstWaitMs
  for (let look = 0; look < looks; look++) {
    yield
    await new Promise<void>(resolve => {
      clock.after(ms, resolve)
    })
    ms = Math.min(ms * 2, longestWaitMs)
  }
}
