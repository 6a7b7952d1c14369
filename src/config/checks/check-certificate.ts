// Is the certificate readable, valid for a while yet, and for the right name?
import { formatDomainForPeople } from '../../address/parse-domain.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { certificateCovers, readValidCertificate } from '../../tls/certificate.ts'
import type { Settings } from '../settings.ts'
import { type Finding, findingOf, ok } from './finding.ts'

const subject = 'certificate'
const dayMs = 86_400_000
const soonDays = 14

export async function checkCertificate({ tls, hostname }: Settings, now: number): Promise<Finding[]> {
  const { certificateFile, keyFile } = tls
  if (certificateFile === undefined || keyFile === undefined) {
    return [
      {
        severity: 'warning',
        subject,
        what: 'there is none in the settings, so a generated one is used.',
        cost: 'Other servers take it, but mail programs of your users warn of it or refuse to connect.',
        remedy: `Get one for ${formatDomainForPeople(hostname)} (certbot, acme.sh, …) and name its files in [tls].`,
      },
    ]
  }
  try {
    const certificate = await readValidCertificate({ certificateFile, keyFile }, now)
    const findings: Finding[] = []
    if (!certificateCovers(certificate, hostname)) {
      findings.push({
        severity: 'warning',
        subject,
        what: `${certificateFile} is for ${certificate.names.join(', ') || 'no name at all'}, not for ${hostname}.`,
        cost: 'Mail programs of your users warn of it or refuse to connect.',
        remedy: `Get one that has ${formatDomainForPeople(hostname)} among its names.`,
      })
    }
    const days = Math.floor((certificate.validTo - now) / dayMs)
    if (days < soonDays) {
      findings.push({
        severity: 'warning',
        subject,
        what: `${certificateFile} ends in ${days} days.`,
        cost: 'After that, mail programs of your users refuse to connect.',
        remedy:
          'Renew it, and see why it was not renewed by itself. The server reads the new one without a restart.',
      })
    }
    return findings.length > 0 ? findings : [ok(subject, `${certificateFile}, ${days} days left`)]
  } catch (cause) {
    if (!(cause instanceof UsageFault)) throw cause
    return [findingOf(cause, subject, 'The server does not start.')]
  }
}
