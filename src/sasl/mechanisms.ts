// The mechanisms that there are, and which of them a connection is offered.
import { oauthBearer, xoauth2 } from './bearer.ts'
import { external } from './external.ts'
import { login } from './login.ts'
import type { SaslMechanism } from './mechanism.ts'
import { plain } from './plain.ts'
import { createScram } from './scram.ts'
import type { ScramHash } from './scram-keys.ts'

/** What an administrator chooses from; SCRAM with its -PLUS where there is channel binding. */
export const passwordMechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN'] as const
export type PasswordMechanism = (typeof passwordMechanisms)[number]

/** What LDAP can be shown: nothing is kept of its passwords, and SCRAM would need something. */
export const shownMechanisms: readonly PasswordMechanism[] = ['PLAIN', 'LOGIN']

/** SHA-1 only for those who need it. */
export const usualMechanisms: readonly PasswordMechanism[] = ['SCRAM-SHA-256', 'PLAIN', 'LOGIN']

interface Offered {
  readonly mechanism: SaslMechanism
  /** Of those that are for passwords. */
  readonly choice?: PasswordMechanism
  readonly scram?: ScramHash
  readonly bindsChannel?: true
  /** What else there has to be. */
  readonly needs?: 'tokens' | 'certificate'
}

/** The strongest first (RFC 7677 §4 wants SHA-256 before SHA-1): many clients take the first that they know. */
const offers: readonly Offered[] = [
  { mechanism: external, needs: 'certificate' },
  {
    mechanism: createScram('SHA-256', 'plus'),
    choice: 'SCRAM-SHA-256',
    scram: 'SHA-256',
    bindsChannel: true,
  },
  { mechanism: createScram('SHA-256', 'plain'), choice: 'SCRAM-SHA-256', scram: 'SHA-256' },
  { mechanism: createScram('SHA-1', 'plus'), choice: 'SCRAM-SHA-1', scram: 'SHA-1', bindsChannel: true },
  { mechanism: createScram('SHA-1', 'plain'), choice: 'SCRAM-SHA-1', scram: 'SHA-1' },
  { mechanism: plain, choice: 'PLAIN' },
  { mechanism: login, choice: 'LOGIN' },
  // Last: a client that knows them, and has a password, would take the first of the list.
  { mechanism: oauthBearer, needs: 'tokens' },
  { mechanism: xoauth2, needs: 'tokens' },
]

export const mechanismNames: readonly string[] = offers.map(({ mechanism }) => mechanism.name)

export type Shown = 'password' | NonNullable<Offered['needs']>

/** What a client shows with it; a log-in that is none of these mechanisms is one with a password. */
export function shownWith(name: string): Shown {
  return offers.find(({ mechanism }) => mechanism.name === name)?.needs ?? 'password'
}

export interface MechanismTerms {
  readonly allowed: readonly PasswordMechanism[]
  readonly hasScram: boolean
  readonly hasChannelBinding: boolean
  /** Somebody gives out tokens that are taken here. */
  readonly hasTokens: boolean
  /** The client has shown a certificate that is taken here. */
  readonly hasCertificate: boolean
}

export function offeredMechanisms(terms: MechanismTerms): readonly SaslMechanism[] {
  return offers
    .filter(
      ({ choice, scram, bindsChannel, needs }) =>
        (choice === undefined || terms.allowed.includes(choice)) &&
        (needs !== 'tokens' || terms.hasTokens) &&
        (needs !== 'certificate' || terms.hasCertificate) &&
        (scram === undefined || terms.hasScram) &&
        (bindsChannel === undefined || terms.hasChannelBinding),
    )
    .map(({ mechanism }) => mechanism)
}

/** For which of them keys are to be kept. */
export function scramHashesOf(allowed: readonly PasswordMechanism[]): readonly ScramHash[] {
  const hashes = new Set(
    offers.filter(({ choice }) => choice !== undefined && allowed.includes(choice)).map(({ scram }) => scram),
  )
  return [...hashes].filter(hash => hash !== undefined)
}
