// Certificates of an authority as the certificates thread has them, by the settings.
import { listenForChallenges } from '../acme/answer-listener.ts'
import type { CertificateKeeperOptions } from '../acme/certificate-keeper.ts'
import { alpnPlace, dnsPlace, httpPlace } from '../acme/challenge-places.ts'
import { createDnsHook } from '../acme/dns-hook.ts'
import type { ChallengePlace } from '../acme/issue-certificate.ts'
import { IssuingFault } from '../acme/issuing-fault.ts'
import { findAnswer } from '../acme/operations.ts'
import { listDomainsBeyond, listIssuedNames, maxIssuedDomains } from '../config/issued-names.ts'
import { describeListenError } from '../config/listen-error.ts'
import { type AcmeSettings, acmePort, type Settings } from '../config/settings.ts'
import type { Resolver } from '../dns/resolver.ts'
import { Fault } from '../runtime/fault.ts'
import { formatTlsa, tlsaNameOf } from '../tls/tlsa-record.ts'
import type { OpenListener } from '../web/open-listener.ts'

export interface AcmeParts
  extends Pick<CertificateKeeperOptions, 'storage' | 'clock' | 'random' | 'log' | 'by'> {
  readonly settings: Pick<Settings, 'hostname' | 'dataFolder' | 'database' | 'tls' | 'mtaSts' | 'autoconfig'>
  readonly resolver: Pick<Resolver, 'tlsa'>
}

export interface AcmeWork {
  readonly keeperOptions: CertificateKeeperOptions
  /** Opens the listener, where the challenge needs one. Never rejects: a port that is taken is tried again. */
  listen(): Promise<void>
  /** Where it listens; undefined: not, or not yet. */
  port(): number | undefined
  close(): Promise<void>
}

export function composeAcme({ settings, resolver, ...parts }: AcmeParts): AcmeWork {
  const { acme } = settings.tls
  if (!acme) throw new Error('the settings have no [tls.acme]')
  const { storage, log } = parts
  const { challenge, address, port = acmePort(challenge) } = acme
  let listener: Promise<OpenListener> | undefined
  let bound: number | undefined
  const open = async (): Promise<void> => {
    if (challenge === 'dns-01') return
    listener ??= listenForChallenges(challenge, { address, port }, asked => storage.run(findAnswer, asked))
    try {
      bound = (await listener).bound.port
    } catch (cause) {
      listener = undefined
      const { message } = describeListenError(cause, { address, port }, '[tls.acme]')
      throw new IssuingFault('port', message, { cause })
    }
  }
  let hasToldOfBeyond = false
  /** Once: until the settings change or a domain goes there is no more to say. */
  const tellOfBeyond = async (): Promise<void> => {
    const beyond = hasToldOfBeyond ? [] : await listDomainsBeyond(storage, settings)
    const [first] = beyond
    if (first === undefined) return
    hasToldOfBeyond = true
    log.warn(
      `certificates for the hosts that are asked for MTA-STS and by mail programs come for the first ${maxIssuedDomains} domains only; give the others some of your own ([[tls.certificates]])`,
      { others: beyond.length, first },
    )
  }
  return {
    keeperOptions: {
      ...parts,
      ...acme,
      hostname: settings.hostname,
      dataFolder: settings.dataFolder,
      isAlone: settings.database === undefined,
      async names() {
        await tellOfBeyond()
        return await listIssuedNames(storage, settings)
      },
      place: composePlace(acme, parts),
      prepare: open,
      async publishedTlsa(name) {
        const answer = await resolver.tlsa(tlsaNameOf(name))
        if (answer.kind === 'temporary-failure') throw new Fault('DNS_SILENT', answer.detail)
        return answer.kind === 'found' ? answer.records.map(formatTlsa) : []
      },
    },
    async listen() {
      await open().catch((cause: unknown) =>
        log.warn('the authority cannot be answered yet', {
          reason: cause instanceof Error ? cause.message : String(cause),
        }),
      )
    },
    port: () => bound,
    async close() {
      const opened = await listener?.catch(() => undefined)
      await opened?.close()
    },
  }
}

function composePlace(
  { challenge, hook = [] }: AcmeSettings,
  parts: Pick<AcmeParts, 'storage' | 'clock'>,
): ChallengePlace {
  switch (challenge) {
    case 'http-01':
      return httpPlace(parts)
    case 'tls-alpn-01':
      return alpnPlace(parts)
    case 'dns-01': {
      const [program, ...args] = hook
      if (program === undefined) throw new Error('dns-01 without a hook')
      return dnsPlace(createDnsHook([program, ...args], parts.clock))
    }
    default:
      return challenge satisfies never
  }
}
