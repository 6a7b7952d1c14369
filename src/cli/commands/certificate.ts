// postrider certificate: which certificates the server shows, until when, and what to publish of their keys.
import type { Command } from 'commander'
import { formatDomainForPeople } from '../../address/parse-domain.ts'
import { certificateFilesOf, type Settings } from '../../config/settings.ts'
import { type ShownCertificate, showCertificate } from '../../main/shown-certificate.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { certificateCovers } from '../../tls/certificate.ts'
import { createCertificateStore } from '../../tls/certificate-store.ts'
import { tlsaOfCertificate } from '../../tls/tlsa-record.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import type { Invocation } from '../invocation.ts'
import { formatRelative, formatTime } from '../quantities.ts'
import { askRunningServer } from '../running-server.ts'

export function addCertificateCommand(program: Command, run: CommandRun): void {
  const certificate = addCommand(program, {
    usage: 'certificate',
    aliases: ['certificates'],
    summary: 'Show the certificates of this server, and what to publish of their keys',
    examples: ['certificate show', 'certificate tlsa'],
  })
  addCommand(certificate, {
    usage: 'show',
    summary: 'Show which certificate is in use for which name, from where and until when',
    examples: ['certificate show', 'certificate show --json'],
  }).action(
    perform(run, async invocation => {
      const settings = await invocation.settings()
      const certificates = await listCertificates(invocation, settings)
      const now = invocation.clock.now()
      invocation.output.result(
        certificates.map(certificateJson),
        certificates.length === 0
          ? 'There is none yet: the server makes one when it starts.'
          : certificates.map(one => certificateText(one, settings, now)).join('\n\n'),
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
      const records = tlsaRecords(settings, await listCertificates(invocation, settings))
      if (records.length === 0)
        throw new UsageFault(
          'CLI_NO_CERTIFICATE',
          `There is no certificate for ${settings.hostname} yet. Start the server, which makes one: postrider serve`,
        )
      invocation.output.result(records, records.map(({ line }) => line).join('\n'))
    }),
  )
}

/** As the running server shows them; without one, as it would. */
async function listCertificates(
  { clock }: Invocation,
  settings: Settings,
): Promise<readonly ShownCertificate[]> {
  const { hostname, dataFolder, tls, roles } = settings
  const shown = roles.includes('front')
    ? await askRunningServer(settings, async control => await control.certificates())
    : 'none'
  if (typeof shown !== 'string') return shown
  const store = await createCertificateStore({
    hostname,
    dataFolder,
    files: certificateFilesOf(tls),
    generates: false,
    clock,
  })
  store.close()
  return store.inUse().map(showCertificate)
}

const sourceTexts = {
  issued: 'issued to this server',
  generated: 'made by this server itself: mail programs warn of it',
} as const

function sourceText({ source }: ShownCertificate): string {
  return source.kind === 'file' ? source.file : sourceTexts[source.kind]
}

function certificateText(one: ShownCertificate, { hostname }: Settings, now: number): string {
  const { inUse, problem } = one
  const names = inUse?.names.map(formatDomainForPeople).join(', ')
  const lines = [
    names === undefined ? sourceText(one) : names === '' ? 'no name at all' : names,
    ...(inUse
      ? [
          `from     ${sourceText(one)}`,
          `ends     ${formatTime(inUse.validTo)} (${formatRelative(inUse.validTo, now)})`,
          `SHA-256  ${inUse.fingerprint}`,
          ...(certificateCovers(inUse, hostname) ? ['shown to whoever names no other server'] : []),
        ]
      : ['in use   no: it could not be used yet']),
    ...(problem === undefined ? [] : [`problem  ${problem}`]),
  ]
  return lines.join('\n  ')
}

function certificateJson({ source, inUse, problem }: ShownCertificate) {
  return {
    source,
    names: inUse?.names ?? [],
    validFrom: inUse ? new Date(inUse.validFrom).toISOString() : null,
    validTo: inUse ? new Date(inUse.validTo).toISOString() : null,
    fingerprint: inUse?.fingerprint ?? null,
    tlsa: inUse ? tlsaOfCertificate(inUse.certificatePem) : null,
    problem: problem ?? null,
  }
}

interface TlsaLine {
  readonly name: string
  readonly record: string
  /** For a zone file. */
  readonly line: string
}

/** For each name that servers may know this one by: the host name, and those of certificates, but for patterns. */
function tlsaRecords(
  { hostname, listeners }: Settings,
  certificates: readonly ShownCertificate[],
): readonly TlsaLine[] {
  const shown = certificates.flatMap(({ inUse }) => inUse ?? [])
  const names = new Set([hostname, ...shown.flatMap(one => one.names).filter(name => !name.startsWith('*'))])
  const port = listeners.find(({ role }) => role === 'relay')?.port ?? 25
  return [...names].flatMap(name => {
    // As the handshake chooses: a name that is said whole goes before a pattern.
    const found =
      shown.find(one => one.names.includes(name)) ??
      shown.find(one => certificateCovers(one, name)) ??
      (name === hostname ? shown[0] : undefined)
    if (!found) return []
    const record = tlsaOfCertificate(found.certificatePem)
    return [{ name, record, line: `_${port}._tcp.${name}. IN TLSA ${record}` }]
  })
}
