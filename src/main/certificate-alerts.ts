// What is wrong with the files of certificates, as alerts: raised at once, and again each hour for as long as it lasts.
import { raisedAgainMs } from '../alert/kinds.ts'
import { raiseAlert } from '../alert/operations.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'
import type { CertificateTrouble } from '../tls/certificate-store.ts'

export function createCertificateAlerts(
  storage: Pick<Storage, 'run'>,
  clock: Clock,
  log: Log,
): (trouble: CertificateTrouble) => void {
  const told = new Map<string, { readonly at: number; readonly detail: string }>()
  const lasting = new LastingTrouble(log, {
    begins: 'an alert about a certificate is not kept',
    ends: 'alerts about certificates are kept again',
  })
  return ({ file, kind, detail, validTo }) => {
    const at = clock.now()
    const last = told.get(file)
    if (last?.detail === detail && at - last.at < raisedAgainMs) return
    told.set(file, { at, detail })
    const evidence = { detail, sort: kind, ...(validTo !== undefined && { validTo }) }
    storage.run(raiseAlert, { kind: 'certificate-file', subject: file, at, evidence }).then(
      () => lasting.over(file),
      (cause: unknown) => {
        // The next look tries again.
        told.delete(file)
        lasting.hit(cause, file)
      },
    )
  }
}
