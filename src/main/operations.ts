// Every operation on storage, by name: what the store thread runs for the others and for the command line.
import { acmeOperations } from '../acme/operations.ts'
import { alertOperations } from '../alert/operations.ts'
import { clusterOperations } from '../cluster/operations.ts'
import { directoryOperations } from '../directory/operations.ts'
import { dmarcReportOperations } from '../dmarc-report/operations.ts'
import { fillWarningOperations } from '../fill-warning/operations.ts'
import { filteringOperations } from '../filtering/operations.ts'
import { probeStorage } from '../health/server-health.ts'
import { mailboxOperations } from '../mailbox/operations.ts'
import { importedMailOperations } from '../message-stores/imported-mail.ts'
import { queueOperations } from '../queue/operations.ts'
import { screeningOperations } from '../screening/operations.ts'
import { senderListOperations } from '../sender-list/operations.ts'
import { outgoingOperations } from '../sending/outgoing-suspects.ts'
import { sendingOperations } from '../sending/sending-counts.ts'
import { sharingOperations } from '../sharing/operations.ts'
import { signingOperations } from '../signing/operations.ts'
import { createOperationRegistry, type OperationRegistry } from '../storage/operation.ts'
import { suppressionOperations } from '../suppression/operations.ts'
import { tlsPolicyOperations } from '../tls-policy/operations.ts'
import { tlsReportOperations } from '../tls-report/operations.ts'
import { trailOperations } from '../trail/operations.ts'

export function createRegistry(): OperationRegistry {
  return createOperationRegistry([
    ...acmeOperations,
    ...alertOperations,
    ...clusterOperations,
    ...directoryOperations,
    ...dmarcReportOperations,
    ...fillWarningOperations,
    ...filteringOperations,
    ...mailboxOperations,
    ...importedMailOperations,
    ...queueOperations,
    ...screeningOperations,
    ...senderListOperations,
    ...sharingOperations,
    ...signingOperations,
    ...sendingOperations,
    ...outgoingOperations,
    ...suppressionOperations,
    ...tlsPolicyOperations,
    ...tlsReportOperations,
    ...trailOperations,
    probeStorage,
  ])
}
