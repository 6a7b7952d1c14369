// Accounts that LDAP knows: whoever is asked for and not found here is looked for there, and kept here when found; whose
// account is there, that has no password here, and LDAP proves it. See docs/adr/0026.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { admitProven, type OutsideAuthority, type ProvenAccount } from '../directory/authenticate.ts'
import { displayAddress } from '../directory/display.ts'
import { splitSubaddress, subaddressSeparator } from '../directory/keys.ts'
import { findOutsideAccount, keepOutsideAccount, type OutsidePerson } from '../directory/outside-accounts.ts'
import type { LdapDirectory, LdapPerson } from '../ldap/ldap-directory.ts'
import { LdapFault } from '../ldap/ldap-fault.ts'
import type { Language } from '../queue/records.ts'
import type { Clock } from '../runtime/clock.ts'
import { ForAWhile } from '../runtime/for-a-while.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { isRefusal, type LoginRefusal, type Verdict } from '../sasl/authority.ts'
import type { Storage } from '../storage/operation.ts'

/** Strangers ask again and again for addresses that there are not. */
const unknownMs = 60_000
/** So long nobody asks a server that has just not answered. */
const pauseMs = 5000
/** Each is a connection; the others wait for their turn. */
const maxAtOnce = 20
const warnEveryMs = 60_000
const maxNameCharacters = 200

export interface OutsideAccountsParts {
  readonly directory: Pick<LdapDirectory, 'find' | 'prove'>
  /** Canonical; none: all of this server. */
  readonly domains: readonly string[]
  readonly language: Language
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
  readonly log: Log
}

export class OutsideAccounts implements OutsideAuthority {
  readonly #parts: OutsideAccountsParts
  readonly #trouble: LastingTrouble
  readonly #unknown = new ForAWhile<true>()
  readonly #asking = new Map<string, Promise<Address | undefined>>()
  readonly #waiting: (() => void)[] = []
  #underWay = 0
  #warnedAt = Number.NEGATIVE_INFINITY
  #outage: { readonly fault: LdapFault; readonly until: number } | undefined

  constructor(parts: OutsideAccountsParts) {
    this.#parts = parts
    this.#trouble = new LastingTrouble(parts.log, {
      begins:
        'LDAP cannot be asked: log-ins of its accounts, and mail to whom nobody knows here, are put off',
      ends: 'LDAP is asked again',
    })
  }

  mayKnow(name: string): boolean {
    const address = parseAddress(name)
    return address !== undefined && this.#isTheirs(address)
  }

  /** 'directory-down' where nobody can say. */
  async verifyPassword(name: string, password: string): Promise<Verdict<ProvenAccount>> {
    const address = parseAddress(name)
    if (!address || !this.#isTheirs(address)) return refuse('no-such-account')
    try {
      const proof = await this.#ask(directory => directory.prove(address, password))
      if (proof.kind === 'refused') return refuse(proof.problem)
      const account = await this.#keep(proof.person, address)
      return account ? asked(await admitProven(this.#parts.storage, account, '')) : refuse('no-such-account')
    } catch (cause) {
      if (cause instanceof LdapFault) return refuse('directory-down')
      throw cause
    }
  }

  /** Of an account that something else has proven: whether LDAP still knows it. */
  async confirm(account: ProvenAccount): Promise<Verdict<ProvenAccount>> {
    const address = parseAddress(account.address)
    try {
      const person =
        address && this.#isTheirs(address) && (await this.#ask(directory => directory.find(address)))
      return person && address && personOf(person, address) ? asked(account) : refuse('directory-gone')
    } catch (cause) {
      if (cause instanceof LdapFault) return refuse('directory-down')
      throw cause
    }
  }

  /** Makes the account of this address, if LDAP knows it; else why there is none. */
  async look(address: Address): Promise<'no-such-account' | 'directory-down' | undefined> {
    try {
      return (await this.find(address)) ? undefined : 'no-such-account'
    } catch (cause) {
      if (cause instanceof LdapFault) return 'directory-down'
      throw cause
    }
  }

  /** The account of whoever LDAP knows by this address, or by it without its subaddress. Rejects with an LdapFault. */
  async find(address: Address): Promise<Address | undefined> {
    if (!this.#isTheirs(address)) return undefined
    const found = await this.#findOnce(address)
    const base = found ? undefined : splitSubaddress(address)?.base
    return base ? await this.#findOnce(base) : found
  }

  #isTheirs({ domain }: Address): boolean {
    const { domains } = this.#parts
    return domains.length === 0 || domains.includes(domain)
  }

  /** Whoever wants the same meanwhile waits for the same answer. */
  async #findOnce(address: Address): Promise<Address | undefined> {
    const key = addressKey(address)
    if (this.#unknown.find(key, this.#parts.clock.now())) return undefined
    const answer = this.#asking.get(key) ?? this.#findAndKeep(address).finally(() => this.#asking.delete(key))
    this.#asking.set(key, answer)
    return await answer
  }

  async #findAndKeep(address: Address): Promise<Address | undefined> {
    const person = await this.#ask(directory => directory.find(address))
    const account = person && (await this.#keep(person, address))
    if (!account) this.#unknown.keep(addressKey(address), true, this.#parts.clock.now() + unknownMs)
    return account
  }

  async #ask<T>(question: (directory: OutsideAccountsParts['directory']) => Promise<T>): Promise<T> {
    const { directory, clock } = this.#parts
    if (this.#underWay >= maxAtOnce) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#underWay++
    try {
      if (this.#outage && this.#outage.until > clock.now()) throw this.#outage.fault
      const answer = await question(directory)
      this.#outage = undefined
      this.#trouble.over()
      return answer
    } catch (cause) {
      if (cause instanceof LdapFault && cause !== this.#outage?.fault) this.#note(cause)
      throw cause
    } finally {
      this.#underWay--
      this.#waiting.shift()?.()
    }
  }

  #note(fault: LdapFault): void {
    const { clock, log } = this.#parts
    if (fault.code !== 'LDAP_CONFUSED') {
      this.#trouble.hit(fault)
      if (fault.code === 'LDAP_UNAVAILABLE') this.#outage = { fault, until: clock.now() + pauseMs }
      return
    }
    // What it says of one entry is no reason to ask it for no other, and a stranger could ask for that one again and again.
    if (clock.now() - this.#warnedAt < warnEveryMs) return
    this.#warnedAt = clock.now()
    log.warn('LDAP answers what cannot be; nobody gets in by that', { reason: fault.message })
  }

  /** undefined: the entry is not whose it was taken for, or there is no room for it. */
  async #keep(entry: LdapPerson, asked: Address): Promise<Address | undefined> {
    const { storage, language, clock, log } = this.#parts
    const person = personOf(entry, asked, address => this.#isTheirs(address))
    if (!person) return undefined
    const known = await storage.run(findOutsideAccount, person)
    if (known?.isCurrent) return known.address
    const kept = await storage.run(keepOutsideAccount, { ...person, language, at: clock.now() })
    if (kept.kind === 'no-room') {
      log.warn(
        'an entry of LDAP has no account: its addresses are taken here, or in no domain of this server',
        {
          entry: entry.dn,
          addresses: person.addresses.map(displayAddress).join(', '),
        },
      )
      return undefined
    }
    if (kept.isNew)
      log.info('an account was made for an entry of LDAP', {
        address: formatAddress(kept.address),
        entry: entry.dn,
      })
    return kept.address
  }
}

/** undefined: it has none of the addresses that count, or not the one that it was asked for. */
function personOf(
  { addresses, aliases, name }: LdapPerson,
  asked: Address,
  counts: (address: Address) => boolean = () => true,
): OutsidePerson | undefined {
  const seen = new Map<string, Address>()
  for (const text of [...addresses, ...aliases.map(withoutScheme)]) {
    const address = text === undefined ? undefined : parseAddress(text)
    if (
      address &&
      counts(address) &&
      !address.localPart.includes(subaddressSeparator) &&
      !seen.has(addressKey(address))
    )
      seen.set(addressKey(address), address)
  }
  const [first, ...others] = seen.values()
  if (!first || !seen.has(addressKey(asked))) return undefined
  return { addresses: [first, ...others], name: oneLine(name) }
}

/** Active Directory: 'smtp:anna@example.test', beside addresses of other kinds ('X400:…'). */
function withoutScheme(text: string): string | undefined {
  const [, scheme, rest] = /^([A-Za-z0-9]+):(.*)$/s.exec(text) ?? []
  if (scheme === undefined) return text
  return scheme.toLowerCase() === 'smtp' ? rest : undefined
}

function oneLine(name: string): string {
  return name
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, maxNameCharacters)
}

function asked(verdict: Verdict<ProvenAccount>): Verdict<ProvenAccount> {
  return isRefusal(verdict) ? verdict : { ...verdict, outside: 'asked' }
}

function refuse(refused: LoginRefusal['refused']): LoginRefusal {
  return { refused }
}
