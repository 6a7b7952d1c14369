// What the directory holds: domains, accounts, and redirections (aliases and groups).
import type { Address } from '../address/address.ts'
import type { Language } from '../queue/records.ts'

export interface Domain {
  readonly id: number
  /** Canonical: lower-case A-labels. */
  readonly name: string
  /** Where mail for postmaster@ and abuse@ goes when no account and no alias has that address. */
  readonly postmaster?: Address | undefined
  readonly createdAt: number
}

/** A domain whose mail belongs on another server, and which this one takes and keeps for it. */
export interface RelayDomain {
  readonly id: number
  /** Canonical: lower-case A-labels. */
  readonly name: string
  /** No attempt is made until its server fetches the mail (ATRN, TURN) or asks for it (ETRN). */
  readonly keepsUntilFetched: boolean
  /** Whoever connects may ask for attempts (ETRN); false: its owner, and local networks. */
  readonly anyoneStarts: boolean
  /** The account with which its server logs in. */
  readonly owner?: Address | undefined
  readonly createdAt: number
}

export interface Account {
  readonly id: number
  readonly address: Address
  /** A display name for VRFY and EXPN; '' when none. */
  readonly name: string
  readonly language: Language
  /** A disabled account neither logs in nor receives. */
  readonly enabled: boolean
  /** A directory elsewhere knows it (LDAP), and no password of this server proves it. */
  readonly outside: boolean
  readonly createdAt: number
}

/** What is said of the accounts of a domain, or of one account. Absent: as the domain, or the settings, have it; 0: no limit. */
export interface QuotaTerms {
  readonly quotaBytes?: number | undefined
  readonly quotaMessages?: number | undefined
}

/** The same of one account alone. */
export interface AccountTerms extends QuotaTerms {
  /** 0: for ever. */
  readonly keepTrashDays?: number | undefined
  readonly keepJunkDays?: number | undefined
}

export type RedirectionKind = 'alias' | 'group'

/**
 * Mail to `address` goes to `targets` instead. An alias is another name of its targets, who may send as it; a group
 * is a named list of members, who may where the group says so. An alias with an empty local-part is the catch-all of its
 * domain.
 */
export interface Redirection {
  readonly id: number
  readonly kind: RedirectionKind
  readonly address: Address
  readonly name: string
  readonly targets: readonly Address[]
  /** Of a group: its members may send as it. */
  readonly membersSend: boolean
  readonly createdAt: number
}
