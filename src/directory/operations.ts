// Every operation of the directory, for the store thread, which finds a write by its name.
import {
  addressOfAccount,
  changeAccount,
  createAccount,
  findAccount,
  forgiveLogIns,
  listAccounts,
  removeAccount,
} from './accounts.ts'
import {
  createAppPassword,
  listAppPasswords,
  noteAppPasswordUse,
  removeAppPassword,
} from './app-passwords.ts'
import { applyDocument } from './apply-document.ts'
import { findCredentials } from './authenticate.ts'
import { exportDirectory } from './document.ts'
import {
  createDomain,
  findDomainAbove,
  isDomain,
  listDomainNames,
  listDomains,
  removeDomain,
  setPostmaster,
} from './domains.ts'
import { findAccountBehind } from './find-account-behind.ts'
import { findLoop } from './find-loop.ts'
import { findFormerKeys } from './former-passwords.ts'
import { findLogInHistory, noteKnownNetwork } from './known-networks.ts'
import { judgeLogIns } from './log-in-standing.ts'
import { findOutsideAccount, keepOutsideAccount } from './outside-accounts.ts'
import { findStanding, hasAddressIn, listOwnAddresses, ownsAddress } from './owns-address.ts'
import {
  changeGroup,
  changeTargets,
  createRedirection,
  findRedirection,
  listRedirections,
  removeRedirection,
} from './redirections.ts'
import {
  changeRelayDomain,
  createRelayDomain,
  findRelayDomain,
  listRelayDomains,
  removeRelayDomain,
  showRelayDomain,
} from './relay-domains.ts'
import { resolveRecipient } from './resolve-recipient.ts'
import { addScramKeys, findScramColumns, findScramKeysOf } from './scram-credentials.ts'
import { createSecret, findSecret } from './secrets.ts'
import { changeAccountTerms, changeDomainTerms, findAccountTerms, findDomainTerms } from './terms.ts'

export const directoryOperations = [
  createDomain,
  listDomains,
  listDomainNames,
  findDomainAbove,
  isDomain,
  setPostmaster,
  removeDomain,
  createAccount,
  changeAccount,
  removeAccount,
  findAccount,
  addressOfAccount,
  findOutsideAccount,
  keepOutsideAccount,
  findCredentials,
  addScramKeys,
  findScramColumns,
  findScramKeysOf,
  createAppPassword,
  listAppPasswords,
  removeAppPassword,
  noteAppPasswordUse,
  findFormerKeys,
  findLogInHistory,
  forgiveLogIns,
  noteKnownNetwork,
  judgeLogIns,
  listAccounts,
  createRedirection,
  changeGroup,
  changeTargets,
  removeRedirection,
  listRedirections,
  findRedirection,
  findLoop,
  resolveRecipient,
  findAccountBehind,
  ownsAddress,
  findStanding,
  listOwnAddresses,
  hasAddressIn,
  exportDirectory,
  applyDocument,
  findSecret,
  createSecret,
  createRelayDomain,
  changeRelayDomain,
  removeRelayDomain,
  listRelayDomains,
  findRelayDomain,
  showRelayDomain,
  changeAccountTerms,
  changeDomainTerms,
  findAccountTerms,
  findDomainTerms,
] as const
