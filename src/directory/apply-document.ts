// Makes the directory what a document says, in one transaction.

import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import { type Tx } from '../storage/operation.ts'
import { changeAccount, insertAccount } from './accounts.ts'
import { removeAppPassword, writeAppPassword } from './app-passwords.ts'
import { compareDocuments, type DirectoryChange } from './compare-documents.ts'
import { assertNoLoop } from './constraints.ts'
import { nobodysHash, verifyPassword } from './credentials.ts'
import { defineDirectoryWrite } from './define-directory-write.ts'
import { directoryFault } from './directory-fault.ts'
import { displayAddress } from './display.ts'
import {
  type DirectoryDocument,
  type DocumentAccount,
  type DocumentAppPassword,
  readDirectory,
} from './document.ts'
import { insertDomain, writePostmaster } from './domains.ts'
import type { StoredPassword } from './new-password.ts'
import { listOutsideAliases, removeOutsideAlias } from './outside-accounts.ts'
import type { DocumentProblem, WrittenDocument } from './parse-document.ts'
import { insertRedirection, replaceRedirection } from './redirections.ts'
import { deleteRelayDomain, insertRelayDomain, replaceTerms } from './relay-domains.ts'
import { removeAccountRows, removeDomainRow, removeRedirectionRows } from './removal.ts'
import { allOf, writeAccountTerms, writeDomainTerms } from './terms.ts'

/**
 * Turns the passwords of a written document into what is kept of them (`store`). A password that is still the account's keeps its hash, so
 * that applying the same file twice changes nothing. Slow by design: `progress` is called after each account.
 */
export async function hashPasswords(
  written: WrittenDocument,
  current: DirectoryDocument,
  store: (name: string, password: string) => Promise<StoredPassword>,
  progress: (done: number, of: number) => void = () => {},
): Promise<
  { kind: 'document'; document: DirectoryDocument } | { kind: 'problems'; problems: DocumentProblem[] }
> {
  const known = new Map(current.accounts.map(account => [addressKey(account.address), account]))
  const accounts: DocumentAccount[] = []
  const problems: DocumentProblem[] = []
  for (const { address, name, language, enabled, credential, position, terms } of written.accounts) {
    const old = known.get(addressKey(address))
    let stored: StoredPassword | undefined = old
    const outside = credential.kind === 'outside' || (credential.kind === 'keep' && old?.outside === true)
    if (credential.kind === 'outside') {
      if (!old?.outside) stored = { passwordHash: nobodysHash, scramKeys: [] }
    } else if (credential.kind === 'hash') {
      // A file from before there were keys, or without them, takes none away.
      const keepsKeys = credential.scramKeys.length === 0 && credential.passwordHash === old?.passwordHash
      stored = keepsKeys ? old : credential
    } else if (credential.kind === 'password') {
      const same = old !== undefined && (await verifyPassword(old.passwordHash, credential.password))
      if (!same) stored = await store(formatAddress(address), credential.password)
    }
    if (!stored) {
      const message = `The account ${displayAddress(address)} is new: it needs a password or a passwordHash.`
      problems.push({ ...position, message })
    } else {
      const { passwordHash, scramKeys } = stored
      accounts.push({ address, name, language, enabled, outside, passwordHash, scramKeys, ...terms })
    }
    progress(accounts.length + problems.length, written.accounts.length)
  }
  if (problems.length > 0) return { kind: 'problems', problems }
  return { kind: 'document', document: keepOutsideAccounts({ ...written, accounts }, current) }
}

/** Whom a directory elsewhere knows a file need not know: he may have come after it was written. */
function keepOutsideAccounts(wanted: DirectoryDocument, current: DirectoryDocument): DirectoryDocument {
  const written = new Set(
    [...wanted.accounts, ...wanted.redirections].map(({ address }) => addressKey(address)),
  )
  const domains = new Set(wanted.domains.map(({ name }) => name))
  const kept = current.accounts.filter(
    ({ address, outside }) => outside && !written.has(addressKey(address)) && domains.has(address.domain),
  )
  const keys = new Set(kept.map(({ address }) => addressKey(address)))
  return {
    ...wanted,
    accounts: [...wanted.accounts, ...kept],
    appPasswords: [
      ...wanted.appPasswords,
      ...current.appPasswords.filter(({ account }) => keys.has(addressKey(account))),
    ],
  }
}

export interface DocumentApplication {
  readonly document: DirectoryDocument
  /** What was shown before somebody said yes: if it is no longer what would happen, nothing does. */
  readonly shown: readonly DirectoryChange[]
  /** Remove accounts that have mail, with their mail. */
  readonly withContents: boolean
  readonly at: number
}

export interface AppliedDocument {
  readonly changes: readonly DirectoryChange[]
  /** Mail data files to discard. */
  readonly orphanedFiles: readonly string[]
}

export const applyDocument = defineDirectoryWrite(
  'directory.apply',
  async (tx, { document, shown, withContents, at }: DocumentApplication): Promise<AppliedDocument> => {
    const current = await readDirectory(tx)
    const changes = compareDocuments(current, document)
    if (JSON.stringify(changes) !== JSON.stringify(shown)) {
      throw directoryFault(
        'DIRECTORY_CHANGED_MEANWHILE',
        'The directory changed after the differences were shown. Nothing was applied; look at them again.',
      )
    }
    await removeRelays(tx, current, document, at)
    const orphanedFiles = await removeMissing(tx, current, document, withContents)
    await writeDomains(tx, current, document, at)
    await writeAccounts(tx, current, document, at)
    await writeAppPasswords(tx, current, document, at)
    await writeRedirections(tx, current, document, at)
    for (const { name, postmaster } of document.domains) await writePostmaster(tx, name, postmaster)
    await writeRelays(tx, current, document, at)
    await assertNoLoop(
      tx,
      document.redirections.map(({ address }) => address),
    )
    return { changes, orphanedFiles }
  },
)

// Removals come before additions: an address may turn from an alias into an account.
async function removeMissing(
  tx: Tx,
  current: DirectoryDocument,
  wanted: DirectoryDocument,
  withContents: boolean,
): Promise<string[]> {
  const orphanedFiles: string[] = []
  const written = new Set(
    [...wanted.accounts, ...wanted.redirections].map(({ address }) => addressKey(address)),
  )
  for (const alias of await listOutsideAliases(tx))
    if (written.has(addressKey(alias))) await removeOutsideAlias(tx, alias)
  const redirections = new Set(
    wanted.redirections.map(({ kind, address }) => `${kind} ${addressKey(address)}`),
  )
  for (const { kind, address } of current.redirections) {
    if (redirections.has(`${kind} ${addressKey(address)}`)) continue
    const row = await tx.get<{ id: number }>(
      'SELECT id FROM redirection WHERE address_key = ?',
      addressKey(address),
    )
    if (row) await removeRedirectionRows(tx, row.id)
  }
  const accounts = new Set(wanted.accounts.map(account => addressKey(account.address)))
  for (const { address } of current.accounts) {
    if (accounts.has(addressKey(address))) continue
    const row = await tx.get<{ id: number; messages: number }>(
      `SELECT id, (SELECT COUNT(*) FROM mailbox_message
                    WHERE mailbox_id IN (SELECT mailbox.id FROM mailbox WHERE mailbox.account_id = account.id)) AS messages
         FROM account WHERE address_key = ?`,
      addressKey(address),
    )
    if (!row) continue
    if (row.messages > 0 && !withContents) {
      throw directoryFault(
        'DIRECTORY_ACCOUNT_IN_USE',
        `${displayAddress(address)} has mail (${row.messages}) and is not in the file. Add it with enabled = false to keep it, ` +
          'or repeat this with --force to remove it with its mail. Nothing was applied.',
      )
    }
    orphanedFiles.push(...(await removeAccountRows(tx, row.id)))
  }
  const domains = new Set(wanted.domains.map(domain => domain.name))
  for (const { name } of current.domains) {
    if (!domains.has(name)) await removeDomainRow(tx, name)
  }
  return orphanedFiles
}

async function writeDomains(
  tx: Tx,
  current: DirectoryDocument,
  wanted: DirectoryDocument,
  at: number,
): Promise<void> {
  const known = new Set(current.domains.map(domain => domain.name))
  for (const { name, quotaBytes = 'usual', quotaMessages = 'usual' } of wanted.domains) {
    if (!known.has(name)) await insertDomain(tx, { name, at })
    await writeDomainTerms(tx, name, { quotaBytes, quotaMessages })
  }
}

async function removeRelays(
  tx: Tx,
  current: DirectoryDocument,
  wanted: DirectoryDocument,
  at: number,
): Promise<void> {
  const kept = new Set(wanted.relays.map(relay => relay.name))
  for (const { name } of current.relays) if (!kept.has(name)) await deleteRelayDomain(tx, name, at)
}

async function writeRelays(
  tx: Tx,
  current: DirectoryDocument,
  wanted: DirectoryDocument,
  at: number,
): Promise<void> {
  const known = new Map(current.relays.map(relay => [relay.name, JSON.stringify(relay)]))
  for (const relay of wanted.relays) {
    const before = known.get(relay.name)
    if (before === undefined) await insertRelayDomain(tx, { ...relay, at })
    else if (before !== JSON.stringify(relay)) await replaceTerms(tx, { ...relay, at })
  }
}

async function writeAccounts(
  tx: Tx,
  current: DirectoryDocument,
  wanted: DirectoryDocument,
  at: number,
): Promise<void> {
  const known = new Set(current.accounts.map(account => addressKey(account.address)))
  for (const account of wanted.accounts) {
    if (known.has(addressKey(account.address))) await changeAccount.run(tx, { ...account, at })
    else await insertAccount(tx, { ...account, at })
    await writeAccountTerms(tx, account.address, allOf(account))
  }
}

async function writeAppPasswords(
  tx: Tx,
  current: DirectoryDocument,
  wanted: DirectoryDocument,
  at: number,
): Promise<void> {
  const keyOf = ({ account, name }: DocumentAppPassword): string => `${addressKey(account)} ${name}`
  const kept = new Set(wanted.appPasswords.map(keyOf))
  const accounts = new Set(wanted.accounts.map(({ address }) => addressKey(address)))
  for (const app of current.appPasswords)
    if (!kept.has(keyOf(app)) && accounts.has(addressKey(app.account)))
      await removeAppPassword.run(tx, { ...app, at })
  for (const app of wanted.appPasswords) await writeAppPassword(tx, { ...app, at })
}

async function writeRedirections(
  tx: Tx,
  current: DirectoryDocument,
  wanted: DirectoryDocument,
  at: number,
): Promise<void> {
  const known = new Set(current.redirections.map(({ kind, address }) => `${kind} ${addressKey(address)}`))
  for (const redirection of wanted.redirections) {
    if (known.has(`${redirection.kind} ${addressKey(redirection.address)}`))
      await replaceRedirection(tx, { ...redirection, at })
    else await insertRedirection(tx, { ...redirection, at })
  }
}
