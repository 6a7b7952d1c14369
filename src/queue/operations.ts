// Every operation of the queue, for the store thread, which finds a write by its name.
import { acceptMessage } from './accept-message.ts'
import { cancelRecipients, holdRecipients, releaseRecipients, retryRecipients } from './administer.ts'
import { blameForDeath } from './blame-for-death.ts'
import { claimDueWork, claimSuspect } from './claim-due-work.ts'
import { extendLease } from './extend-lease.ts'
import { findQueueDamageInPage } from './find-damage.ts'
import { countRecipients, findRecipients } from './find-recipients.ts'
import { countQueue, listQueue, showQueuedMessage } from './list-queue.ts'
import { nextDueAt } from './next-due-at.ts'
import { releaseLeases } from './release-leases.ts'
import { settle } from './settle.ts'

export const queueOperations = [
  acceptMessage,
  claimDueWork,
  claimSuspect,
  blameForDeath,
  extendLease,
  releaseLeases,
  nextDueAt,
  settle,
  listQueue,
  showQueuedMessage,
  countQueue,
  findQueueDamageInPage,
  findRecipients,
  countRecipients,
  holdRecipients,
  releaseRecipients,
  retryRecipients,
  cancelRecipients,
] as const
