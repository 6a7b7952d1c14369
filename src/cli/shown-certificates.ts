// The certificates that this server shows, what is known of their renewal, and the TLSA records of their keys.
import { listAcmeCertificates } from '../acme/operations.ts'
import { readIssued } from '../acme/read-issued.ts'
import type { AcmeCertificate } from '../acme/records.ts'
import { listIssuedNames } from '../config/issued-names.ts'
import { certificateFilesOf, type Settings } from '../config/settings.ts'
import { type ShownCertificate, showCertificate } from '../main/shown-certificate.ts'
import { UsageFault } from '../runtime/fault.ts'
import { certificateCovers } from '../tls/certificate.ts'
import { createCertificateStore } from '../tls/certificate-store.ts'
import { tlsaOfCertificate, tlsaOfKey } from '../tls/tlsa-record.ts'
import type { Invocation } from './invocation.ts'
import type { CommandStorage } from './open-storage.ts'
import { askRunningServer } from './running-server.ts'

/** What is shown in handshakes, and what is known of its renewal; of a name without a certificate the last only. */
export interface Shown {
  readonly certificate: ShownCertificate | undefined
  readonly renewal: AcmeCertificate | undefined
}

export async function listShown(invocation: Invocation, settings: Settings): Promise<readonly Shown[]> {
  const certificates = await listCertificates(invocation, settings)
  const renewals = await listRenewals(invocation, settings)
  const renewalOf = ({ source, inUse }: ShownCertificate): AcmeCertificate | undefined =>
    source.kind === 'issued' ? renewals.find(({ name }) => inUse?.names.includes(name)) : undefined
  const shown = certificates.map(certificate => ({ certificate, renewal: renewalOf(certificate) }))
  const missing = renewals.filter(renewal => !shown.some(one => one.renewal === renewal))
  return [...shown, ...missing.map(renewal => ({ certificate: undefined, renewal }))]
}

/** As the running server shows them; without one, as it would. */
async function listCertificates(
  invocation: Invocation,
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
    readIssued: async () =>
      (await withData(invocation, settings, async storage =>
        readIssued(storage, await listIssuedNames(storage, settings)),
      )) ?? [],
    generates: false,
    clock: invocation.clock,
  })
  store.close()
  return store.inUse().map(showCertificate)
}

async function listRenewals(invocation: Invocation, settings: Settings): Promise<readonly AcmeCertificate[]> {
  const kept = await withData(invocation, settings, async storage => {
    const names = await listIssuedNames(storage, settings)
    const all = await storage.run(listAcmeCertificates, undefined)
    return all.filter(({ name }) => names.includes(name))
  })
  return kept ?? []
}

/** undefined: no authority issues anything, or there is no data yet. */
async function withData<Result>(
  invocation: Invocation,
  { tls }: Settings,
  use: (storage: CommandStorage) => Promise<Result>,
): Promise<Result | undefined> {
  if (!tls.acme) return undefined
  try {
    return await invocation.withStorage(use)
  } catch (cause) {
    if (cause instanceof UsageFault && cause.code === 'CLI_NO_DATA') return undefined
    throw cause
  }
}

/** Of a name as the world knows this server: '3 1 1 1a2b…' */
export interface TlsaOfName {
  readonly record: string
  /** In use now; false: a key that is about to be. */
  readonly isShown: boolean
  /** This server keeps the key when it renews the certificate: nobody else renews it. */
  readonly isKept: boolean
}

/** Of a name whose key is about to change, or whose first certificate is yet to come, those of both keys. */
export function tlsaOfName(name: string, hostname: string, shown: readonly Shown[]): readonly TlsaOfName[] {
  const inUse = shown.flatMap(({ certificate }) =>
    certificate?.inUse ? [{ ...certificate.inUse, source: certificate.source }] : [],
  )
  const renewal = shown.flatMap(one => one.renewal ?? []).find(one => one.name === name)
  // As the handshake chooses: a name that is said whole goes before a pattern.
  const found =
    inUse.find(one => one.names.includes(name)) ??
    inUse.find(one => certificateCovers(one, name)) ??
    inUse.find(one => certificateCovers(one, hostname)) ??
    inUse[0]
  const coming = [
    ...(renewal && !renewal.certificatePem ? [renewal.keyPem] : []),
    ...(renewal?.nextKey ? [renewal.nextKey.pem] : []),
  ]
  const all = [
    ...(found
      ? [
          {
            record: tlsaOfCertificate(found.certificatePem),
            isShown: true,
            isKept: found.source.kind !== 'file',
          },
        ]
      : []),
    ...coming.map(pem => ({ record: tlsaOfKey(pem), isShown: false, isKept: true })),
  ]
  return all.filter((one, index) => all.findIndex(({ record }) => record === one.record) === index)
}
