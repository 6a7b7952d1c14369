// A directory over LDAP (RFC 4511): whom it knows by an address, and whether a password is his. Each question has a connection of its
// own, so that none runs with the rights of the one before.
import type { Client, Entry } from 'ldapts'
import type { Address } from '../address/address.ts'
import type { LdapSettings } from '../config/settings.ts'
import type { Clock } from '../runtime/clock.ts'
import { connectLdap, type LdapEndpoint, type LdapStream, toLdapFault } from './connect-ldap.ts'
import { LdapFault } from './ldap-fault.ts'
import { fillDn, fillFilter, isWithin } from './ldap-text.ts'

export interface LdapOptions
  extends Pick<LdapSettings, 'filter' | 'addressAttribute' | 'aliasAttribute' | 'nameAttribute' | 'group'> {
  readonly endpoint: LdapEndpoint
  /** Who searches; undefined: anybody may. */
  readonly searcher?: { readonly dn: string; readonly password: string } | undefined
  /** Where people are: below `base`, each found by the filter; or each at a name that is made from the address. */
  readonly place: { readonly base: string } | { readonly userDn: string }
  readonly timeoutMs: number
}

export interface LdapPerson {
  readonly dn: string
  /** As they stand there, the shortest first: LDAP keeps no order, and the account is to be the same each time. */
  readonly addresses: readonly string[]
  readonly aliases: readonly string[]
  readonly name: string
}

export type LdapProof =
  | { readonly kind: 'proven'; readonly person: LdapPerson }
  | { readonly kind: 'refused'; readonly problem: 'wrong-password' | 'no-such-account' }

/** RFC 4532 */
const whoAmI = '1.3.6.1.4.1.4203.1.11.3'
const maxValues = 200

// RFC 4511 appendix A.
const noSuchObject = 32
const referral = 10
/** A name or a password that is none, or that may not be used now: it says something of who asks, and nothing of the server. */
const refusals: ReadonlySet<number> = new Set([
  19, // constraintViolation: too many failures (389 Directory Server)
  noSuchObject,
  34, // invalidDNSyntax: the name that was made from the address
  48, // inappropriateAuthentication: the entry has no password
  49, // invalidCredentials
  53, // unwillingToPerform: locked, or expired
])

export class LdapDirectory {
  readonly #options: LdapOptions
  readonly #clock: Clock

  constructor(options: LdapOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** undefined: it knows nobody by this address. Rejects with an LdapFault where nobody can say. */
  async find(address: Address): Promise<LdapPerson | undefined> {
    return await this.#ask(async client => {
      await this.#bindSearcher(client)
      return await this.#findPerson(client, address)
    })
  }

  /** Rejects with an LdapFault where nobody can say. */
  async prove(address: Address, password: string): Promise<LdapProof> {
    // RFC 4513 §5.1.2: a name without a password succeeds, and proves nothing.
    if (password === '') return { kind: 'refused', problem: 'wrong-password' }
    const { place } = this.#options
    return await this.#ask(async client => {
      if ('userDn' in place) {
        if (!(await this.#bindUser(client, fillDn(place.userDn, address), password)))
          return { kind: 'refused', problem: 'wrong-password' }
        const person = await this.#findPerson(client, address)
        return person ? { kind: 'proven', person } : { kind: 'refused', problem: 'no-such-account' }
      }
      await this.#bindSearcher(client)
      const person = await this.#findPerson(client, address)
      if (!person) return { kind: 'refused', problem: 'no-such-account' }
      return (await this.#bindUser(client, person.dn, password))
        ? { kind: 'proven', person }
        : { kind: 'refused', problem: 'wrong-password' }
    })
  }

  async #ask<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const { endpoint, timeoutMs } = this.#options
    const patience = new AbortController()
    const timer = this.#clock.after(timeoutMs, () => patience.abort())
    let stream: LdapStream | undefined
    try {
      // Its tables cost time to start, so a server that does not use LDAP does not load it.
      const { Client: LdapClient } = await import('ldapts')
      const opened = await connectLdap(endpoint, patience.signal)
      stream = opened
      let isTaken = false
      const client = new LdapClient({
        url: 'ldap://in-our-hands',
        // It would connect again by itself, without TLS, and say the password there.
        createConnection: () => {
          if (isTaken) throw new LdapFault('LDAP_UNAVAILABLE', 'The LDAP server closed the connection.')
          isTaken = true
          // It is all that the library uses of one.
          return opened as never
        },
      })
      const cut = (): void => void opened.destroy(new Error('it did not answer in time'))
      patience.signal.addEventListener('abort', cut)
      if (patience.signal.aborted) cut()
      return await work(client)
    } catch (cause) {
      throw toLdapFault(stream?.problem ?? cause, endpoint, patience.signal)
    } finally {
      timer.cancel()
      stream?.destroy()
    }
  }

  async #bindSearcher(client: Client): Promise<void> {
    const { searcher } = this.#options
    if (!searcher) return
    if (await this.#bind(client, searcher.dn, searcher.password)) return
    throw new LdapFault('LDAP_REFUSED', `The LDAP server does not let ${searcher.dn} in.`, {
      remedy: 'Correct bindDn and its password in [login.ldap].',
    })
  }

  async #bindUser(client: Client, dn: string, password: string): Promise<boolean> {
    if (!(await this.#bind(client, dn, password))) return false
    // A server that says yes to whatever it is asked has let nobody in.
    if ((await this.#whoAmI(client)) === '')
      throw new LdapFault(
        'LDAP_CONFUSED',
        `The LDAP server says that ${dn} is let in, and then that nobody is.`,
        { remedy: 'It may take anonymous log-ins for real ones: look at its settings.' },
      )
    return true
  }

  async #bind(client: Client, dn: string, password: string): Promise<boolean> {
    try {
      await client.bind(dn, password)
      return true
    } catch (cause) {
      const code = codeOf(cause)
      if (code !== undefined && refusals.has(code)) return false
      throw describe(cause, `the log-in of ${dn}`)
    }
  }

  /** RFC 4532 §2: '' is nobody; undefined: it does not tell. */
  async #whoAmI(client: Client): Promise<string | undefined> {
    try {
      return (await client.exop(whoAmI)).value ?? ''
    } catch (cause) {
      if (codeOf(cause) !== undefined) return undefined
      throw cause
    }
  }

  async #findPerson(client: Client, address: Address): Promise<LdapPerson | undefined> {
    const { place, filter, addressAttribute, aliasAttribute, nameAttribute, group } = this.#options
    const base = 'base' in place ? place.base : fillDn(place.userDn, address)
    const attributes = [addressAttribute, nameAttribute, 'uid', ...(aliasAttribute ? [aliasAttribute] : [])]
    const entries = await this.#search(client, base, {
      scope: 'base' in place ? 'sub' : 'base',
      filter: fillFilter(filter, address),
      attributes,
      mayBeMissing: 'userDn' in place,
    })
    const [entry] = entries
    if (!entry) return undefined
    if (entries.length > 1)
      throw new LdapFault(
        'LDAP_CONFUSED',
        `The LDAP server has several entries for one address, ${entry.dn} among them.`,
        {
          remedy: 'Make filter in [login.ldap] narrower, or the addresses different.',
        },
      )
    if (!isWithin(entry.dn, base))
      throw new LdapFault(
        'LDAP_CONFUSED',
        `The LDAP server answers with ${entry.dn}, which is not below ${base}.`,
      )
    if (group !== undefined && !(await this.#isMember(client, group, entry))) return undefined
    return {
      dn: entry.dn,
      addresses: valuesOf(entry, addressAttribute).toSorted(shortestFirst),
      aliases: aliasAttribute === undefined ? [] : valuesOf(entry, aliasAttribute).toSorted(shortestFirst),
      name: valuesOf(entry, nameAttribute)[0] ?? '',
    }
  }

  /** By the name of its entry (RFC 4519 §2.17, §2.40), or by its uid (RFC 2307). */
  async #isMember(client: Client, group: string, entry: Entry): Promise<boolean> {
    const { EqualityFilter, OrFilter } = await import('ldapts')
    const [uid] = valuesOf(entry, 'uid')
    const filters = [
      new EqualityFilter({ attribute: 'member', value: entry.dn }),
      new EqualityFilter({ attribute: 'uniqueMember', value: entry.dn }),
      ...(uid === undefined ? [] : [new EqualityFilter({ attribute: 'memberUid', value: uid })]),
    ]
    const filter = new OrFilter({ filters })
    const found = await this.#search(client, group, { scope: 'base', filter, attributes: ['1.1'] })
    return found.some(({ dn }) => isWithin(dn, group) && isWithin(group, dn))
  }

  async #search(
    client: Client,
    base: string,
    {
      mayBeMissing = false,
      ...options
    }: Parameters<Client['search']>[1] & { readonly mayBeMissing?: boolean },
  ): Promise<readonly Entry[]> {
    try {
      // Where it points to other servers, they are not asked: nobody has named them.
      return (await client.search(base, { ...options, sizeLimit: 2 })).searchEntries
    } catch (cause) {
      if (mayBeMissing && codeOf(cause) === noSuchObject) return []
      throw describe(cause, `a search in ${base}`)
    }
  }
}

/** Of what an LDAP server has answered; undefined: it has not. */
function codeOf(cause: unknown): number | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined
  return typeof cause.code === 'number' && cause.code >= 0 ? cause.code : undefined
}

function describe(cause: unknown, what: string): unknown {
  const code = codeOf(cause)
  if (code === undefined || cause instanceof LdapFault) return cause
  const passing = code === 51 || code === 52 || code === 3
  const remedy =
    code === noSuchObject
      ? 'Correct base, or group, in [login.ldap].'
      : code === referral
        ? 'Name the server that it points to in [login.ldap].'
        : code === 8 || code === 13
          ? 'It wants TLS: remove tls = "never" from [login.ldap].'
          : 'Look at its log.'
  return new LdapFault(
    passing ? 'LDAP_UNAVAILABLE' : 'LDAP_REFUSED',
    `The LDAP server answers ${what} with the result ${code}.`,
    { cause, remedy },
  )
}

function shortestFirst(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1)
}

function valuesOf(entry: Entry, attribute: string): string[] {
  const name = Object.keys(entry).find(key => key.toLowerCase() === attribute.toLowerCase())
  const value = name === undefined || name === 'dn' ? [] : entry[name]
  const values = Array.isArray(value) ? value : [value]
  return values.slice(0, maxValues).flatMap(each => {
    const text = Buffer.isBuffer(each) ? each.toString('utf8') : each
    return typeof text === 'string' && text !== '' ? [text] : []
  })
}
