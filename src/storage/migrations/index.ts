// Numbered migrations, run in order at start, each in its own transaction. The number is the position, from 1.
import { initial } from './0001-initial.ts'
import { expandedFrom } from './0002-expanded-from.ts'
import { nodes } from './0003-nodes.ts'
import { shards } from './0004-shards.ts'
import { cluster } from './0005-cluster.ts'
import { gates } from './0006-gates.ts'
import { trailSearch } from './0007-trail-search.ts'
import { tlsPolicy } from './0008-tls-policy.ts'
import { relayDomains } from './0009-relay-domains.ts'
import { trailReference } from './0010-trail-reference.ts'
import { transfer } from './0011-transfer.ts'
import { sourceAddresses } from './0012-source-addresses.ts'
import { askedFor } from './0013-asked-for.ts'
import { alerts } from './0014-alerts.ts'
import { screening } from './0015-screening.ts'

import { acme } from './0016-acme.ts'
import { scram } from './0017-scram.ts'

import { appPasswords } from './0018-app-passwords.ts'
import { dkimKeys } from './0019-dkim-keys.ts'
import { abuse } from './0020-abuse.ts'
import { outsideAccounts } from './0021-outside-accounts.ts'
import { dmarcCounts } from './0022-dmarc-counts.ts'
import { dmarcReports } from './0023-dmarc-reports.ts'
import { senderList } from './0024-sender-list.ts'
import { quarantine } from './0025-quarantine.ts'
import { mailboxState } from './0026-mailbox-state.ts'
import { knownNetworks } from './0027-known-networks.ts'
import { messageStructure } from './0028-message-structure.ts'
import { quota } from './0029-quota.ts'
import { messageWords } from './0030-message-words.ts'
import { sharing } from './0031-sharing.ts'
import { scripts } from './0032-scripts.ts'
import { urlKeys } from './0033-url-keys.ts'
import { importedMail } from './0034-imported-mail.ts'
import { membersSend } from './0035-members-send.ts'
import { formerPasswords } from './0036-former-passwords.ts'
import { maildropLocks } from './0037-maildrop-locks.ts'
import { mailboxIds } from './0038-mailbox-ids.ts'
import { longNames } from './0039-long-names.ts'
import { plainEnvelopes } from './0040-plain-envelopes.ts'
import { judgements } from './0041-judgements.ts'
import { logInsForgiven } from './0042-log-ins-forgiven.ts'
import { fewerIndexes } from './0043-fewer-indexes.ts'

export const migrations: readonly string[] = [
  initial,
  expandedFrom,
  nodes,
  shards,
  cluster,
  gates,
  trailSearch,
  tlsPolicy,
  relayDomains,
  trailReference,
  transfer,
  sourceAddresses,
  askedFor,
  alerts,
  screening,
  acme,
  scram,
  appPasswords,
  dkimKeys,
  abuse,
  outsideAccounts,
  dmarcCounts,
  dmarcReports,
  senderList,
  quarantine,
  mailboxState,
  knownNetworks,
  messageStructure,
  quota,
  messageWords,
  sharing,
  scripts,
  importedMail,
  urlKeys,
  membersSend,
  formerPasswords,
  maildropLocks,
  mailboxIds,
  longNames,
  plainEnvelopes,
  judgements,
  logInsForgiven,
  fewerIndexes,
]

/**
 * Programs of this schema version and later can work on the present one, beside this program: so servers over one database
 * are brought up to date one after another (docs/adr/0010). A migration that takes away, or gives another meaning to, what
 * they use raises it to its own number. What is only added does not: columns with a default, tables, indexes.
 */
export const worksFrom = 29
