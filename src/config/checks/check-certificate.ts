// Are the certificates readable, valid for a while yet, with their chains, and is one for the right name?
import { formatEndpoint } from '../../address/format-endpoint.ts'
import { formatDomainForPeople, formatDomainsForPeople } from '../../address/parse-domain.ts'
import { UsageFault } from '../../runtime/fault.ts'
import {
  type Certificate,
  type CertificateFiles,
  certificateCovers,
  readValidCertificate,
} from '../../tls/certificate.ts'
import { endsSoonMs } from '../../tls/certificate-store.ts'
import { assertCompleteChain } from '../../tls/chain.ts'
import { probeListeners } from '../probe-listeners.ts'
import { acmePort, certificateFilesOf, issuedNamesOf, type Settings } from '../settings.ts'
import { type Finding, findingOf, ok } from './finding.ts'

const subject = 'certificate'
const dayMs = 86_400_000

/** `running`: this server holds its ports itself. */
export async function checkCertificate(
  settings: Settings,
  now: number,
  running: boolean,
): Promise<Finding[]> {
  const { tls, hostname } = settings
  const files = certificateFilesOf(tls)
  const read = await Promise.all(files.map(async one => await checkFiles(one, now)))
  const certificates = read.flatMap(({ certificate }) => certificate ?? [])
  const findings = read.flatMap(({ findings: own }) => own)
  findings.push(...(await checkAuthority(settings, running)))
  const isIssued = certificateCovers({ names: issuedNamesOf(settings) }, hostname)
  if (files.length === 0 && !isIssued)
    findings.push(
      warning(
        'there is none in the settings, so a generated one is used.',
        'Other servers take it, but mail programs of your users warn of it or refuse to connect.',
        `Have this server get one: [tls.acme] in the settings. Or get one for ${formatDomainForPeople(hostname)} (certbot, acme.sh, …) and name its files in [tls].`,
      ),
    )
  else if (
    !isIssued &&
    certificates.length === files.length &&
    !certificates.some(one => certificateCovers(one, hostname))
  ) {
    const names = certificates.flatMap(one => one.names)
    findings.push(
      warning(
        `${files.map(one => one.certificateFile).join(', ')} is for ${formatDomainsForPeople(names.join(', ')) || 'no name at all'}, not for ${hostname}.`,
        'Mail programs of your users warn of it or refuse to connect.',
        `Get one that has ${formatDomainForPeople(hostname)} among its names.`,
      ),
    )
  }
  return findings
}

/** Whether the authority could be answered. */
async function checkAuthority(settings: Settings, running: boolean): Promise<Finding[]> {
  const { acme } = settings.tls
  if (!acme) return []
  const { challenge, address, port = acmePort(challenge) } = acme
  const names = issuedNamesOf(settings).join(', ')
  if (running || challenge === 'dns-01' || !settings.roles.includes('front'))
    return [ok(subject, `for ${names} by ${challenge}: "postrider certificate show" says how it stands`)]
  const [fault] = await probeListeners([{ address, port }], 'give this another port (port in [tls.acme]).')
  if (!fault)
    return [ok(subject, `for ${names} by ${challenge}: ${formatEndpoint(address, port)} can be opened`)]
  const [what = '', ...remedy] = fault.message.split('\n')
  return [
    warning(
      what,
      'The authority cannot be answered, so it issues no certificate.',
      remedy.map(line => line.trim()).join('\n'),
    ),
  ]
}

async function checkFiles(
  files: CertificateFiles,
  now: number,
): Promise<{ readonly certificate?: Certificate; readonly findings: Finding[] }> {
  const { certificateFile } = files
  try {
    const certificate = await readValidCertificate(files, now)
    const findings = checkChain(certificate, certificateFile)
    const days = Math.floor((certificate.validTo - now) / dayMs)
    if (certificate.validTo - now < endsSoonMs)
      findings.push(
        warning(
          `${certificateFile} ends in ${days} days.`,
          'After that, mail programs of your users refuse to connect.',
          'Renew it, and see why it was not renewed by itself. The server reads the new one without a restart.',
        ),
      )
    return {
      certificate,
      findings: findings.length > 0 ? findings : [ok(subject, `${certificateFile}, ${days} days left`)],
    }
  } catch (cause) {
    if (!(cause instanceof UsageFault)) throw cause
    return { findings: [findingOf(cause, subject, 'The server does not start.')] }
  }
}

/** One of an authority that nobody knows but the administrator may be whole all the same. */
function checkChain({ certificatePem }: Certificate, file: string): Finding[] {
  try {
    assertCompleteChain(certificatePem, file)
    return []
  } catch (cause) {
    if (!(cause instanceof UsageFault)) throw cause
    return [
      warning(
        cause.what,
        'Mail programs of your users, and servers that check certificates (DANE, MTA-STS), refuse to connect, unless the issuer is an authority of your own that they know.',
        cause.remedy ?? '',
      ),
    ]
  }
}

function warning(what: string, cost: string, remedy: string): Finding {
  return { severity: 'warning', subject, what, cost, remedy }
}
