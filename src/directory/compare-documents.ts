// What applying a document would change: as data, and as lines for a person to read before saying yes.
import { addressKey } from '../address/address-key.ts'
import { displayAddress, displayDomain } from './display.ts'
import type {
  DirectoryDocument,
  DocumentAccount,
  DocumentAppPassword,
  DocumentDomain,
  DocumentRedirection,
  DocumentRelayDomain,
} from './document.ts'
import { type DocumentTable, quotaFields } from './format-document.ts'

export interface FieldChange {
  readonly field: string
  /** Absent for a password and its keys: neither the old nor the new ones are anybody's business. */
  readonly from?: string | undefined
  readonly to?: string | undefined
}

export interface DirectoryChange {
  readonly action: 'add' | 'change' | 'remove'
  readonly kind: 'domain' | 'account' | 'app password' | 'alias' | 'group' | 'relay'
  /** As people write it; a domain's name for a domain, '"phone" of anna@example.test' for an app password. */
  readonly address: string
  /** What it has (add, remove) or what becomes different (change). */
  readonly fields: readonly FieldChange[]
}

interface Item {
  readonly kind: DirectoryChange['kind']
  readonly address: string
  readonly fields: ReadonlyMap<string, string>
}

/** Removals first, then additions and changes, each in the order domain, account, app password, alias, group, relay. */
export function compareDocuments(current: DirectoryDocument, wanted: DirectoryDocument): DirectoryChange[] {
  const before = itemsOf(current)
  const after = itemsOf(wanted)
  const changes: DirectoryChange[] = []
  for (const [key, item] of before) {
    if (!after.has(key))
      changes.push({ action: 'remove', kind: item.kind, address: item.address, fields: [] })
  }
  for (const [key, item] of after) {
    const old = before.get(key)
    const fields = compareFields(old?.fields ?? new Map<string, string>(), item.fields)
    if (!old) changes.push({ action: 'add', kind: item.kind, address: item.address, fields })
    else if (fields.length > 0)
      changes.push({ action: 'change', kind: item.kind, address: item.address, fields })
  }
  return changes
}

function itemsOf(document: DirectoryDocument): Map<string, Item> {
  const items = new Map<string, Item>()
  for (const domain of document.domains) items.set(`domain ${domain.name}`, domainItem(domain))
  for (const account of document.accounts)
    items.set(`account ${addressKey(account.address)}`, accountItem(account))
  for (const app of document.appPasswords)
    items.set(`app password ${addressKey(app.account)} ${app.name}`, appPasswordItem(app))
  for (const redirection of document.redirections) {
    items.set(`${redirection.kind} ${addressKey(redirection.address)}`, redirectionItem(redirection))
  }
  for (const relay of document.relays) items.set(`relay ${relay.name}`, relayItem(relay))
  return items
}

function relayItem({ name, keepsUntilFetched, anyoneStarts, owner }: DocumentRelayDomain): Item {
  return {
    kind: 'relay',
    address: displayDomain(name),
    fields: new Map([
      ['keepsUntilFetched', keepsUntilFetched ? 'yes' : 'no'],
      ['etrn', anyoneStarts ? 'anyone' : 'owner'],
      ...(owner ? [['owner', displayAddress(owner)] as const] : []),
    ]),
  }
}

function domainItem({ name, postmaster, ...terms }: DocumentDomain): Item {
  return {
    kind: 'domain',
    address: displayDomain(name),
    fields: new Map([
      ...(postmaster ? [['postmaster', displayAddress(postmaster)] as const] : []),
      ...termItems(quotaFields(terms)),
    ]),
  }
}

function accountItem({
  address,
  name,
  language,
  enabled,
  outside,
  passwordHash,
  scramKeys,
  keepTrashDays,
  keepJunkDays,
  ...terms
}: DocumentAccount): Item {
  return {
    kind: 'account',
    address: displayAddress(address),
    fields: new Map([
      ...(name === '' ? [] : [['name', name] as const]),
      ['language', language],
      ['enabled', enabled ? 'yes' : 'no'],
      ...termItems({ ...quotaFields(terms), keepTrashDays, keepJunkDays }),
      ...(outside
        ? [['ldap', 'yes'] as const]
        : [['password', passwordHash] as const, ['scramKeys', scramKeys.toSorted().join(' ')] as const]),
    ]),
  }
}

function termItems(terms: DocumentTable): (readonly [string, string])[] {
  return Object.entries(terms).flatMap(([field, value]) =>
    value === undefined ? [] : [[field, String(value)] as const],
  )
}

function appPasswordItem({ account, name, digest, scramKeys, scopes, expiresAt }: DocumentAppPassword): Item {
  return {
    kind: 'app password',
    address: `"${name}" of ${displayAddress(account)}`,
    fields: new Map([
      ['scopes', scopes.join(', ')],
      ...(expiresAt === undefined ? [] : [['expires', new Date(expiresAt).toISOString()] as const]),
      ['password', digest],
      ['scramKeys', scramKeys.toSorted().join(' ')],
    ]),
  }
}

function redirectionItem({ kind, address, name, targets, membersSend }: DocumentRedirection): Item {
  const sorted = targets.toSorted((a, b) => (addressKey(a) < addressKey(b) ? -1 : 1))
  return {
    kind,
    address: displayAddress(address),
    fields: new Map([
      ...(name === '' ? [] : [['name', name] as const]),
      [kind === 'alias' ? 'targets' : 'members', sorted.map(displayAddress).join(', ')],
      ...(membersSend ? [['membersSend', 'yes'] as const] : []),
    ]),
  }
}

function compareFields(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): FieldChange[] {
  const changes: FieldChange[] = []
  for (const field of new Set([...before.keys(), ...after.keys()])) {
    const from = before.get(field)
    const to = after.get(field)
    if (from === to) continue
    changes.push(field === 'password' || field === 'scramKeys' ? { field } : { field, from, to })
  }
  // They come and go with the password.
  return changes.some(({ field }) => field === 'password')
    ? changes.filter(({ field }) => field !== 'scramKeys')
    : changes
}

const signs = { add: '+', change: '~', remove: '-' } as const

/** '~ account anna@example.test: language en → ru, password changes' */
export function formatChange({ action, kind, address, fields }: DirectoryChange): string {
  const details = fields.map(({ field, from, to }) => {
    if (field === 'password') return action === 'add' ? 'with a password' : 'password changes'
    if (field === 'scramKeys') return 'its keys for SCRAM change'
    if (action === 'add') return `${field} ${to ?? ''}`
    return `${field} ${from ?? '(none)'} → ${to ?? '(none)'}`
  })
  return `${signs[action]} ${kind} ${address}${details.length > 0 ? `: ${details.join('; ')}` : ''}`
}
