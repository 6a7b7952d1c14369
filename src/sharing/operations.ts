// Every operation on rights in mailboxes, for the store thread.
import { changeRights, knowsHolder, listAccess, readRights } from './access-list.ts'
import { findSharedMailbox, findSharedSuperior, listSharedMailboxes } from './shared-mailboxes.ts'

export const sharingOperations = [
  changeRights,
  findSharedMailbox,
  findSharedSuperior,
  knowsHolder,
  listAccess,
  listSharedMailboxes,
  readRights,
] as const
