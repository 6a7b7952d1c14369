// postrider certificate: which certificates the server shows, until when, how they are renewed, and what to publish of
// their keys.
import type { Command } from 'commander'
import { renewAcmeCertificates } from '../../acme/operations.ts'
import type { AcmeCertificate } from '../../acme/records.ts'
import { formatDomainForPeople } from '../../address/parse-domain.ts'
import { issuingSteps } from '../../alert/texts-en.ts'
import { listIssuedNames } from '../../config/issued-names.ts'
import { canonicalCertificateName } from '../../config/setting-text.ts'
import type { Settings } from '../../config/settings.ts'
import type { ShownCertificate } from '../../main/shown-certificate.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { certificateCovers } from '../../tls/certificate.ts'
import { tlsaNameOf, tlsaOfCertificate, tlsaOfKey } from '../../tls/tlsa-record.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { formatRelative, formatTime } from '../quantities.ts'
import { listShown, type Shown, tlsaOfName } from '../shown-certificates.ts'

export function addCertificateCommand(program: Command, run: CommandRun): void {
  const certificate = addCommand(program, {
    usage: 'certificate',
    aliases: ['certificates'],
    summary: 'Show and renew the certificates of this server, and what to publish of their keys',
    examples: ['certificate show', 'certificate tlsa'],
  })
  addCommand(certificate, {
    usage: 'show',
    summary: 'Show which certificate is in use for which name, from where and until when',
    description:
      'Show which certificate is in use for which name, from where and until when; of those that an authority issues ' +
      '([tls.acme]), when the next is asked for, what went wrong the last time and what to do about it.',
    examples: ['certificate show', 'certificate show --json'],
  }).action(
    perform(run, async invocation => {
      const settings = await invocation.settings()
      const shown = await listShown(invocation, settings)
      const now = invocation.clock.now()
      invocation.output.result(
        shown.map(shownJson),
        shown.length === 0
          ? 'There is none yet: the server makes one when it starts.'
          : shown.map(one => shownText(one, settings, now)).join('\n\n'),
      )
    }),
  )
  addCommand(certificate, {
    usage: 'renew [names...]',
    summary: 'Have certificates renewed by the authority now, or all of them',
    description:
      'Have certificates renewed by the authority now (those named, or all), without waiting for their time or for what ' +
      'failed before. The running server does it; "postrider certificate show" says what comes of it. Authorities count: ' +
      'Let’s Encrypt issues five certificates a week for one name.',
    examples: ['certificate renew', 'certificate renew mail.example.com'],
  }).action(
    perform(run, async (invocation, _options: unknown, given: readonly string[]) => {
      const settings = await invocation.settings()
      if (!settings.tls.acme)
        throw new UsageFault(
          'CLI_NO_AUTHORITY',
          'The settings have no [tls.acme], so no authority issues certificates to this server. docs/operations.md says how ("Certificates").',
        )
      const names = await invocation.withStorage(async storage => {
        const all = await listIssuedNames(storage, settings)
        const wanted = given.length === 0 ? all : given.map(name => canonicalCertificateName(name) ?? name)
        const strange = wanted.find(name => !all.includes(name))
        if (strange !== undefined)
          throw new UsageFault(
            'CLI_UNKNOWN_CERTIFICATE',
            `No authority issues certificates for ${strange} to this server, only for ${all.join(', ')} (names in [tls.acme]).`,
          )
        await storage.run(renewAcmeCertificates, { names: wanted, now: invocation.clock.now() })
        return wanted
      })
      invocation.output.result(
        { names },
        `Asked for: ${names.join(', ')}. What comes of it: postrider certificate show`,
      )
    }),
  )
  addCommand(certificate, {
    usage: 'tlsa',
    summary: 'Print the TLSA records to publish, so that others can prove this server (DANE)',
    description:
      'Print the TLSA records to publish, so that other servers can prove that they talk to this one (DANE, RFC 7672): one ' +
      'line of a zone file for each name and key. They help only where the zone is signed (DNSSEC), and harm where they are ' +
      'wrong: publish those of a new key before it is in use.',
    examples: ['certificate tlsa'],
  }).action(
    perform(run, async invocation => {
      const settings = await invocation.settings()
      const records = tlsaRecords(settings, await listShown(invocation, settings))
      if (records.length === 0)
        throw new UsageFault(
          'CLI_NO_CERTIFICATE',
          `There is no certificate for ${settings.hostname} yet. Start the server, which makes one: postrider serve`,
        )
      invocation.output.result(records, records.map(({ line }) => line).join('\n'))
    }),
  )
}

const sourceTexts = {
  issued: 'the authority that [tls.acme] names',
  generated: 'this server itself: mail programs warn of it',
} as const

function sourceText({ source }: ShownCertificate): string {
  return source.kind === 'file' ? source.file : sourceTexts[source.kind]
}

function shownText({ certificate, renewal }: Shown, { hostname }: Settings, now: number): string {
  const inUse = certificate?.inUse
  const names = inUse ? inUse.names.map(formatDomainForPeople).join(', ') || 'no name at all' : undefined
  const lines = [
    names ?? renewal?.name ?? (certificate ? sourceText(certificate) : ''),
    ...(certificate && inUse
      ? [
          `from     ${sourceText(certificate)}`,
          `ends     ${formatTime(inUse.validTo)} (${formatRelative(inUse.validTo, now)})`,
          `SHA-256  ${inUse.fingerprint}`,
          ...(certificateCovers(inUse, hostname) ? ['shown to whoever names no other server'] : []),
        ]
      : [`in use   no: ${renewal ? 'the authority has not issued it yet' : 'it could not be used yet'}`]),
    ...(certificate?.problem === undefined ? [] : [`problem  ${certificate.problem}`]),
    ...(renewal ? renewalLines(renewal, now) : []),
  ]
  return lines.join('\n  ')
}

function renewalLines({ nextAt, failures, problem, nextKey }: AcmeCertificate, now: number): string[] {
  const next = nextAt <= now ? 'now' : `${formatTime(nextAt)} (${formatRelative(nextAt, now)})`
  return [
    `${problem ? 'tried   ' : 'renewed '} ${next}`,
    ...(problem
      ? [
          `problem  ${formatRelative(problem.at, now)}, the ${failures}. time in a row: ${problem.detail}`,
          `mend     ${issuingSteps[problem.sort] ?? issuingSteps.refused}`,
        ]
      : []),
    ...(nextKey ? [`next key since ${formatTime(nextKey.since)}: publish its TLSA record too`] : []),
  ]
}

const isoOrNull = (at: number | undefined): string | null =>
  at === undefined ? null : new Date(at).toISOString()

function shownJson({ certificate, renewal }: Shown) {
  const inUse = certificate?.inUse
  return {
    source: certificate?.source ?? { kind: 'issued' },
    names: inUse?.names ?? (renewal ? [renewal.name] : []),
    validFrom: isoOrNull(inUse?.validFrom),
    validTo: isoOrNull(inUse?.validTo),
    fingerprint: inUse?.fingerprint ?? null,
    tlsa: inUse ? tlsaOfCertificate(inUse.certificatePem) : null,
    problem: certificate?.problem ?? null,
    renewal: renewal
      ? {
          at: isoOrNull(renewal.nextAt),
          failures: renewal.failures,
          problem: renewal.problem ? { ...renewal.problem, at: isoOrNull(renewal.problem.at) } : null,
          nextKeyTlsa: renewal.nextKey ? tlsaOfKey(renewal.nextKey.pem) : null,
        }
      : null,
  }
}

interface TlsaLine {
  readonly name: string
  readonly record: string
  /** For a zone file. */
  readonly line: string
}

/** For each name that servers may know this one by: the host name, and those of certificates, but for patterns. */
function tlsaRecords({ hostname }: Settings, shown: readonly Shown[]): readonly TlsaLine[] {
  const certified = shown.flatMap(({ certificate, renewal }) => [
    ...(certificate?.inUse?.names ?? []),
    ...(renewal ? [renewal.name] : []),
  ])
  const names = new Set([hostname, ...certified.filter(name => !name.startsWith('*'))])
  return [...names].flatMap(name =>
    tlsaOfName(name, hostname, shown).map(({ record }) => ({
      name,
      record,
      line: `${tlsaNameOf(name)}. IN TLSA ${record}`,
    })),
  )
}
