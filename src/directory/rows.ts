// Rows of the directory's tables as records.
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { parseAddress } from '../address/parse-address.ts'
import type { Language } from '../queue/records.ts'
import { Fault } from '../runtime/fault.ts'
import type { Account, Domain, Redirection, RedirectionKind, RelayDomain } from './records.ts'

export interface DomainRow {
  readonly id: number
  readonly name: string
  readonly postmaster: string | null
  readonly created_at: number
}

export interface RelayDomainRow {
  readonly id: number
  readonly name: string
  readonly keeps: number
  readonly anyone_starts: number
  readonly owner: string | null
  readonly created_at: number
}

export interface AccountRow {
  readonly id: number
  readonly address: string
  readonly name: string
  readonly language: Language
  readonly enabled: number
  readonly outside: number
  readonly created_at: number
}

export interface RedirectionRow {
  readonly id: number
  readonly kind: RedirectionKind
  readonly address: string
  readonly name: string
  readonly members_send: number
  readonly created_at: number
}

/** An address as this server stored it; '@example.test' is a catch-all. */
export function readAddress(text: string): Address {
  const address = text.startsWith('@') ? { localPart: '', domain: text.slice(1) } : parseAddress(text)
  if (!address)
    throw new Fault(
      'STORAGE_DAMAGED',
      `The directory holds "${text}", which is no address. Run "postrider verify".`,
    )
  return address
}

/** The text that `readAddress` reads back. */
export function storeAddress(address: Address): string {
  return address.localPart === '' ? `@${address.domain}` : formatAddress(address)
}

export function readDomain(row: DomainRow): Domain {
  return {
    id: row.id,
    name: row.name,
    ...(row.postmaster === null ? {} : { postmaster: readAddress(row.postmaster) }),
    createdAt: row.created_at,
  }
}

export function readRelayDomain(row: RelayDomainRow): RelayDomain {
  return {
    id: row.id,
    name: row.name,
    keepsUntilFetched: row.keeps === 1,
    anyoneStarts: row.anyone_starts === 1,
    ...(row.owner === null ? {} : { owner: readAddress(row.owner) }),
    createdAt: row.created_at,
  }
}

export function readAccount(row: AccountRow): Account {
  return {
    id: row.id,
    address: readAddress(row.address),
    name: row.name,
    language: row.language,
    enabled: row.enabled === 1,
    outside: row.outside === 1,
    createdAt: row.created_at,
  }
}

export function readRedirection(row: RedirectionRow, targets: readonly Address[]): Redirection {
  return {
    id: row.id,
    kind: row.kind,
    address: readAddress(row.address),
    name: row.name,
    targets,
    membersSend: row.members_send === 1,
    createdAt: row.created_at,
  }
}
