// Every operation of the queue, for the store thread, which finds a write by its name.
import { acceptMessage } from './accept-message.ts'
import { endAccountHold, findHeldAccount, holdAccount, listAccountHolds } from './account-holds.ts'
import {
  cancelRecipients,
  holdRecipients,
  releaseRecipients,
  rerouteRecipients,
  retryRecipients,
} from './administer.ts'
import { forgetAllowances, lookAtAllowance, returnAllowance, takeAllowance } from './allowances.ts'
import { blameForDeath, countSetAside } from './blame-for-death.ts'
import { claimDueWork } from './claim-due-work.ts'
import { claimSuspects } from './claim-suspects.ts'
import {
  findDestinationHealth,
  forgetDestinationHealth,
  listDestinationHealth,
  noteDestinationHealth,
} from './destination-health.ts'
import { extendLease } from './extend-lease.ts'
import { fileAtOnce } from './file-at-once.ts'
import { findQueueDamageInPage } from './find-damage.ts'
import { countRecipients, findRecipients } from './find-recipients.ts'
import { countAtGate, listGates, takeFromGate } from './gates.ts'
import { buryOwners, enterOwner, keepOwner, removeOwner, retireOwner } from './lease-owners.ts'
import { countQueue, findQueuedMessages, listQueue, showQueuedMessage } from './list-queue.ts'
import { nextDueAt } from './next-due-at.ts'
import { quarantineOperations } from './quarantine.ts'
import { claimRelayQueue, countRelayQueue, findOwnedDomains, startRelayQueue } from './relay-queue.ts'
import { giveBack, releaseLeases } from './release-leases.ts'
import { settle } from './settle.ts'
import { findSourceUse, noteSourceUse } from './source-addresses.ts'
import { summarizeQueue } from './summarize-queue.ts'

export const queueOperations = [
  acceptMessage,
  claimDueWork,
  claimSuspects,
  takeFromGate,
  listGates,
  countAtGate,
  takeAllowance,
  returnAllowance,
  lookAtAllowance,
  forgetAllowances,
  listDestinationHealth,
  findDestinationHealth,
  noteDestinationHealth,
  forgetDestinationHealth,
  noteSourceUse,
  findSourceUse,
  blameForDeath,
  countSetAside,
  extendLease,
  giveBack,
  releaseLeases,
  enterOwner,
  keepOwner,
  retireOwner,
  buryOwners,
  removeOwner,
  nextDueAt,
  settle,
  fileAtOnce,
  listQueue,
  findQueuedMessages,
  showQueuedMessage,
  countQueue,
  findQueueDamageInPage,
  findRecipients,
  countRecipients,
  holdRecipients,
  releaseRecipients,
  retryRecipients,
  rerouteRecipients,
  cancelRecipients,
  claimRelayQueue,
  countRelayQueue,
  findOwnedDomains,
  startRelayQueue,
  summarizeQueue,
  holdAccount,
  endAccountHold,
  listAccountHolds,
  findHeldAccount,
  ...quarantineOperations,
] as const
