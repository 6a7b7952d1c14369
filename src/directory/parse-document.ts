// Reads the directory's text file (TOML). Every mistake is reported with its line and column, all at once.

import type { AST } from 'toml-eslint-parser'
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { parseAddress } from '../address/parse-address.ts'
import { parseDomain } from '../address/parse-domain.ts'
import type { Language } from '../queue/records.ts'
import { parseTomlText, type SyntaxMistake, type TextPosition } from '../runtime/toml-text.ts'
import { parseScramCredential } from '../sasl/scram-keys.ts'
import {
  type AppPasswordScope,
  appPasswordScopes,
  isDigest,
  problemOfAppPasswordName,
} from './app-passwords.ts'
import { isPasswordHash, problemOfPassword } from './credentials.ts'
import { displayDomain } from './display.ts'
import type {
  DocumentAppPassword,
  DocumentDomain,
  DocumentRedirection,
  DocumentRelayDomain,
} from './document.ts'
import { splitSubaddress, subaddressSeparator } from './keys.ts'
import type { AccountTerms, QuotaTerms, RedirectionKind } from './records.ts'
import { describeChainProblem, RedirectionChains } from './redirection-chains.ts'
import { parseSize } from './size-text.ts'

export type DocumentProblem = SyntaxMistake

/** An account as written: with a hash, with a password in clear text, or with neither, which keeps the password it has. */
export interface WrittenAccount {
  readonly address: Address
  readonly name: string
  readonly language: Language
  readonly enabled: boolean
  readonly credential: /** A directory elsewhere knows it. */
    | { readonly kind: 'outside' }
    | { readonly kind: 'hash'; readonly passwordHash: string; readonly scramKeys: readonly string[] }
    | { readonly kind: 'password'; readonly password: string }
    | { readonly kind: 'keep' }
  readonly terms: AccountTerms
  readonly position: TextPosition
}

export interface WrittenDocument {
  readonly domains: readonly DocumentDomain[]
  readonly accounts: readonly WrittenAccount[]
  readonly appPasswords: readonly DocumentAppPassword[]
  readonly redirections: readonly DocumentRedirection[]
  readonly relays: readonly DocumentRelayDomain[]
}

export type ParsedDocument =
  | { readonly kind: 'document'; readonly document: WrittenDocument }
  | { readonly kind: 'problems'; readonly problems: readonly DocumentProblem[] }

type Section = 'domain' | 'account' | 'appPassword' | 'alias' | 'group' | 'relay'

const fields: Record<Section, readonly string[]> = {
  domain: ['name', 'postmaster', 'quota', 'quotaMessages'],
  account: [
    'address',
    'name',
    'language',
    'enabled',
    'ldap',
    'password',
    'passwordHash',
    'scramKeys',
    'quota',
    'quotaMessages',
    'keepTrashDays',
    'keepJunkDays',
  ],
  appPassword: ['account', 'name', 'digest', 'scramKeys', 'scopes', 'expires'],
  alias: ['address', 'targets'],
  group: ['address', 'name', 'members', 'membersSend'],
  relay: ['name', 'keepsUntilFetched', 'etrn', 'owner'],
}

export function parseDocument(text: string): ParsedDocument {
  const { program, mistakes } = parseTomlText(text)
  if (!program || mistakes.length > 0) return { kind: 'problems', problems: mistakes }
  const reader = new DocumentReader()
  for (const node of program.body[0].body) reader.readNode(node)
  reader.checkReferences()
  if (reader.problems.length > 0) {
    return {
      kind: 'problems',
      problems: reader.problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
    }
  }
  return { kind: 'document', document: reader }
}

const maxDays = 3650
const maxMessages = 1_000_000_000

class DocumentReader implements WrittenDocument {
  readonly problems: DocumentProblem[] = []
  readonly domains: DocumentDomain[] = []
  readonly accounts: WrittenAccount[] = []
  readonly appPasswords: DocumentAppPassword[] = []
  readonly redirections: DocumentRedirection[] = []
  readonly relays: DocumentRelayDomain[] = []
  readonly #owners: Located[] = []
  readonly #appAccounts: Located[] = []
  readonly #relayNodes = new Map<string, AST.TOMLNode>()
  readonly #holders = new Map<string, string>()
  readonly #references: { readonly address: Address; readonly node: AST.TOMLNode }[] = []
  readonly #redirecting = new Map<
    string,
    { readonly address: Address; readonly targets: readonly Located[] }
  >()
  readonly #homes: { readonly address: Address; readonly node: AST.TOMLNode }[] = []

  readNode(node: AST.TOMLKeyValue | AST.TOMLTable): void {
    const section = node.type === 'TOMLTable' && node.key.keys.length === 1 ? keyName(node.key) : undefined
    if (node.type !== 'TOMLTable' || node.kind !== 'array' || !isSection(section)) {
      this.#report(
        node,
        `Expected one of [[domain]], [[account]], [[appPassword]], [[alias]], [[group]], [[relay]], and not ${writtenName(node)}.`,
      )
      return
    }
    const entry = this.#readEntry(node, section)
    switch (section) {
      case 'domain':
        this.#readDomain(entry)
        break
      case 'account':
        this.#readAccount(entry)
        break
      case 'appPassword':
        this.#readAppPassword(entry)
        break
      case 'alias':
      case 'group':
        this.#readRedirection(entry, section)
        break
      case 'relay':
        this.#readRelay(entry)
        break
      default:
        section satisfies never
    }
  }

  /** What can only be said when everything was read: domains and targets may stand below what names them. */
  checkReferences(): void {
    const domains = new Set(this.domains.map(domain => domain.name))
    for (const { address, node } of this.#homes) {
      if (!domains.has(address.domain))
        this.#report(node, `${displayDomain(address.domain)} is no [[domain]] of this file.`)
    }
    for (const { address, node } of this.#references) {
      const base = splitSubaddress(address)?.base
      const exists = this.#holders.has(addressKey(address)) || (base && this.#holders.has(addressKey(base)))
      if (domains.has(address.domain) && !exists) {
        this.#report(
          node,
          'No account, alias or group of this file has this address, although its domain is ours.',
        )
      }
    }
    const accounts = new Set(this.accounts.map(({ address }) => addressKey(address)))
    for (const { address, node } of this.#owners)
      if (!accounts.has(addressKey(address))) this.#report(node, 'The owner is no [[account]] of this file.')
    for (const { address, node } of this.#appAccounts)
      if (!accounts.has(addressKey(address))) this.#report(node, 'This is no [[account]] of this file.')
    for (const [name, node] of this.#relayNodes)
      if (domains.has(name))
        this.#report(
          node,
          `${displayDomain(name)} is a [[domain]] of this file too: its mail ends here, or is relayed.`,
        )
    this.#checkChains()
  }

  #checkChains(): void {
    const keysOf = (targets: readonly Located[]): string[] =>
      targets.map(({ address }) => addressKey(address))
    const chains = new RedirectionChains({
      targets: new Map([...this.#redirecting].map(([key, { targets }]) => [key, keysOf(targets)])),
      accounts: new Set(this.accounts.map(({ address }) => addressKey(address))),
      postmasters: new Map(
        this.domains.flatMap(({ name, postmaster }) => (postmaster ? [[name, addressKey(postmaster)]] : [])),
      ),
    })
    const told = new Set<string>()
    for (const [key, { targets }] of this.#redirecting) {
      const problem = told.has(key) ? undefined : chains.problemOf(key)
      if (!problem) continue
      for (const one of problem.chain) told.add(one)
      const next = problem.chain[problem.chain.indexOf(key) + 1]
      const step =
        targets.find(({ address }) => chains.redirectionOf(addressKey(address)) === next) ?? targets[0]
      const addresses = problem.chain.map(one => this.#redirecting.get(one)?.address ?? parseAddress(one))
      if (step)
        this.#report(
          step.node,
          describeChainProblem(
            problem.kind,
            addresses.filter(one => one !== undefined),
          ),
        )
    }
  }

  #readEntry(table: AST.TOMLTable, section: Section): Entry {
    const values = new Map<string, AST.TOMLContentNode>()
    for (const pair of table.body) {
      const name = keyName(pair.key)
      if (pair.key.keys.length > 1 || !fields[section].includes(name)) {
        this.#report(pair, `[[${section}]] has no "${name}". It takes ${fields[section].join(', ')}.`)
      } else values.set(name, pair.value)
    }
    return { table, values }
  }

  #readDomain(entry: Entry): void {
    const text = this.#text(entry, 'name', 'required')
    const name = text && parseDomain(text.value)
    if (text && name === undefined) this.#report(text.node, `"${text.value}" is no domain name.`)
    const postmaster = this.#address(entry, 'postmaster', 'optional')
    if (postmaster) this.#references.push(postmaster)
    const terms = this.#quota(entry)
    if (name === undefined || !text) return
    if (this.domains.some(domain => domain.name === name))
      this.#report(text.node, `The domain ${displayDomain(name)} is here twice.`)
    this.domains.push({ name, ...(postmaster ? { postmaster: postmaster.address } : {}), ...terms })
  }

  #readRelay(entry: Entry): void {
    const text = this.#text(entry, 'name', 'required')
    const name = text && parseDomain(text.value)
    if (text && name === undefined) this.#report(text.node, `"${text.value}" is no domain name.`)
    const keepsUntilFetched = this.#boolean(entry, 'keepsUntilFetched', false)
    const etrn = this.#text(entry, 'etrn', 'optional')
    if (etrn && etrn.value !== 'owner' && etrn.value !== 'anyone')
      this.#report(etrn.node, '"etrn" says who may ask for the mail: "owner" or "anyone".')
    const owner = this.#address(entry, 'owner', 'optional')
    if (owner) this.#owners.push(owner)
    if (name === undefined || !text) return
    if (this.relays.some(relay => relay.name === name))
      this.#report(text.node, `The domain ${displayDomain(name)} is here twice.`)
    this.#relayNodes.set(name, text.node)
    this.relays.push({
      name,
      keepsUntilFetched,
      anyoneStarts: etrn?.value === 'anyone',
      ...(owner ? { owner: owner.address } : {}),
    })
  }

  #readAccount(entry: Entry): void {
    const found = this.#address(entry, 'address', 'required')
    const name = this.#name(entry)
    const language = this.#text(entry, 'language', 'optional')
    if (language && language.value !== 'en' && language.value !== 'ru') {
      this.#report(language.node, 'The language is "en" or "ru".')
    }
    const credential = this.#readCredential(entry)
    const enabled = this.#boolean(entry, 'enabled')
    const terms = {
      ...this.#quota(entry),
      ...this.#number(entry, 'keepTrashDays', maxDays),
      ...this.#number(entry, 'keepJunkDays', maxDays),
    }
    if (!found) return
    if (found.address.localPart.includes(subaddressSeparator)) {
      this.#report(found.node, 'An account has no "+" in its address: that separates subaddresses.')
    }
    this.#hold(found, 'account')
    this.accounts.push({
      address: found.address,
      name,
      language: language?.value === 'ru' ? 'ru' : 'en',
      enabled,
      credential,
      terms,
      position: positionOf(entry.table),
    })
  }

  #quota(entry: Entry): QuotaTerms {
    const text = this.#text(entry, 'quota', 'optional')
    const quotaBytes = text && parseSize(text.value)
    if (text && quotaBytes === undefined)
      this.#report(text.node, 'A quota is written "500 MB", "5 GB", or "none" for no limit.')
    return {
      ...(quotaBytes === undefined ? {} : { quotaBytes }),
      ...this.#number(entry, 'quotaMessages', maxMessages),
    }
  }

  /** As a field; without one where it is not there. */
  #number<Field extends string>(entry: Entry, field: Field, most: number): Partial<Record<Field, number>> {
    const node = entry.values.get(field)
    if (!node) return {}
    const value = node.type === 'TOMLValue' && node.kind === 'integer' ? node.value : -1
    if (value >= 0 && value <= most) return { [field]: value } as Record<Field, number>
    this.#report(node, `"${field}" is a whole number from 0 to ${most}, without quotation marks.`)
    return {}
  }

  #readCredential(entry: Entry): WrittenAccount['credential'] {
    const password = this.#text(entry, 'password', 'optional')
    const hash = this.#text(entry, 'passwordHash', 'optional')
    const scramKeys = this.#scramKeys(entry)
    const keysNode = entry.values.get('scramKeys')
    if (keysNode && !hash)
      this.#report(
        keysNode,
        'scramKeys are of a passwordHash, and there is none. A password needs no keys: they are made from it.',
      )
    if (password && hash) this.#report(password.node, 'Give password or passwordHash, not both.')
    const given = password ?? hash
    if (entry.values.has('ldap') && this.#boolean(entry, 'ldap')) {
      if (given)
        this.#report(given.node, 'An account with ldap = true has no password here. Remove one of the two.')
      return { kind: 'outside' }
    }
    if (password) {
      const problem = problemOfPassword(password.value)
      if (problem !== undefined) this.#report(password.node, problem)
      return { kind: 'password', password: password.value }
    }
    if (!hash) return { kind: 'keep' }
    if (!isPasswordHash(hash.value))
      this.#report(hash.node, 'This is no Argon2id hash: $argon2id$v=19$m=…,t=…,p=…$salt$hash.')
    return { kind: 'hash', passwordHash: hash.value, scramKeys }
  }

  #readAppPassword(entry: Entry): void {
    const account = this.#address(entry, 'account', 'required')
    const name = this.#text(entry, 'name', 'required')
    const problem = name && problemOfAppPasswordName(name.value)
    if (name && problem !== undefined) this.#report(name.node, problem)
    const digest = this.#text(entry, 'digest', 'required')
    if (digest && !isDigest(digest.value))
      this.#report(
        digest.node,
        'The digest of an app password is SHA-256 in hexadecimal, as "postrider export" writes it.',
      )
    const scramKeys = this.#scramKeys(entry)
    const scopes = this.#scopes(entry)
    const expires = this.#text(entry, 'expires', 'optional')
    const expiresAt = expires && Date.parse(expires.value)
    if (expires && (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$/.test(expires.value) || Number.isNaN(expiresAt)))
      this.#report(expires.node, 'This is no time: "2027-01-31T12:00:00Z".')
    if (!account || !name || !digest) return
    const isThere = this.appPasswords.some(
      other => other.name === name.value && addressKey(other.account) === addressKey(account.address),
    )
    if (isThere) this.#report(name.node, 'This account has an app password of this name already.')
    this.#appAccounts.push(account)
    this.appPasswords.push({
      account: account.address,
      name: name.value,
      digest: digest.value,
      scramKeys,
      scopes,
      ...(expiresAt === undefined ? {} : { expiresAt }),
    })
  }

  #scopes(entry: Entry): AppPasswordScope[] {
    const node = entry.values.get('scopes')
    const words =
      node?.type === 'TOMLArray'
        ? node.elements.map(element =>
            element.type === 'TOMLValue' && element.kind === 'string' ? element.value : '',
          )
        : []
    const scopes = appPasswordScopes.filter(scope => words.includes(scope))
    if (words.length === 0 || scopes.length !== words.length)
      this.#report(node ?? entry.table, `"scopes" is a list of ${appPasswordScopes.join(', ')}: ["smtp"].`)
    return scopes
  }

  #scramKeys(entry: Entry): string[] {
    const node = entry.values.get('scramKeys')
    if (!node) return []
    if (node.type !== 'TOMLArray') {
      this.#report(node, '"scramKeys" is a list of texts, as "postrider export" writes them.')
      return []
    }
    return node.elements.flatMap(element => {
      if (element.type === 'TOMLValue' && element.kind === 'string' && parseScramCredential(element.value))
        return [element.value]
      this.#report(
        element,
        'This is no key for SCRAM: SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey (RFC 5803).',
      )
      return []
    })
  }

  #readRedirection(entry: Entry, kind: RedirectionKind): void {
    const found = this.#address(entry, 'address', 'required', kind === 'alias' ? 'catch-all' : 'mailbox')
    const name = this.#name(entry)
    const targets = this.#targets(entry, kind === 'alias' ? 'targets' : 'members')
    if (!found) return
    this.#hold(found, kind)
    this.#references.push(...targets)
    this.#redirecting.set(addressKey(found.address), { address: found.address, targets })
    this.redirections.push({
      kind,
      address: found.address,
      name,
      targets: targets.map(target => target.address),
      membersSend: this.#boolean(entry, 'membersSend', false),
    })
  }

  #targets(entry: Entry, field: string): Located[] {
    const node = entry.values.get(field)
    if (node?.type !== 'TOMLArray' || node.elements.length === 0) {
      this.#report(node ?? entry.table, `"${field}" is needed: a list of addresses, ["anna@example.test"].`)
      return []
    }
    const targets = new Map<string, Located>()
    for (const element of node.elements) {
      const address =
        element.type === 'TOMLValue' && element.kind === 'string' ? parseAddress(element.value) : undefined
      if (!address) this.#report(element, 'This is no mail address.')
      else if (targets.has(addressKey(address))) this.#report(element, 'This address is in the list twice.')
      else targets.set(addressKey(address), { address, node: element })
    }
    return [...targets.values()]
  }

  #hold({ address, node }: Located, kind: string): void {
    const key = addressKey(address)
    const holder = this.#holders.get(key)
    if (holder !== undefined)
      this.#report(
        node,
        `This address is here twice: it is already that of an ${holder}.`.replace('an group', 'a group'),
      )
    this.#holders.set(key, kind)
    this.#homes.push({ address, node })
  }

  #address(
    entry: Entry,
    field: string,
    need: Need,
    form: 'mailbox' | 'catch-all' = 'mailbox',
  ): Located | undefined {
    const text = this.#text(entry, field, need)
    if (!text) return undefined
    const catchAllDomain =
      form === 'catch-all' && text.value.startsWith('@') ? parseDomain(text.value.slice(1)) : undefined
    const address =
      catchAllDomain === undefined ? parseAddress(text.value) : { localPart: '', domain: catchAllDomain }
    if (address) return { address, node: text.node }
    this.#report(text.node, `"${text.value}" is no mail address.`)
    return undefined
  }

  #text(entry: Entry, field: string, need: Need): { value: string; node: AST.TOMLNode } | undefined {
    const node = entry.values.get(field)
    if (!node) {
      if (need === 'required') this.#report(entry.table, `"${field}" is missing.`)
      return undefined
    }
    if (node.type === 'TOMLValue' && node.kind === 'string') return { value: node.value, node }
    this.#report(node, `"${field}" is a text in quotation marks.`)
    return undefined
  }

  #name(entry: Entry): string {
    const text = this.#text(entry, 'name', 'optional')
    if (text && (/[\p{Cc}\u2028\u2029]/u.test(text.value) || text.value.length > 200)) {
      this.#report(text.node, 'A name is one line of at most 200 characters, without control characters.')
    }
    return text?.value ?? ''
  }

  #boolean(entry: Entry, field: string, otherwise = true): boolean {
    const node = entry.values.get(field)
    if (!node) return otherwise
    if (node.type === 'TOMLValue' && node.kind === 'boolean') return node.value
    this.#report(node, `"${field}" is true or false, without quotation marks.`)
    return otherwise
  }

  #report(node: AST.TOMLNode, message: string): void {
    this.problems.push({ ...positionOf(node), message })
  }
}

type Need = 'required' | 'optional'

interface Entry {
  readonly table: AST.TOMLTable
  readonly values: ReadonlyMap<string, AST.TOMLContentNode>
}

interface Located {
  readonly address: Address
  readonly node: AST.TOMLNode
}

function positionOf(node: AST.TOMLNode): TextPosition {
  return { line: node.loc.start.line, column: node.loc.start.column + 1 }
}

function keyName(key: AST.TOMLKey): string {
  return key.keys.map(part => (part.type === 'TOMLBare' ? part.name : part.value)).join('.')
}

/** '[[domains]]', '[domain]', 'name = …' */
function writtenName(node: AST.TOMLKeyValue | AST.TOMLTable): string {
  const name = keyName(node.key)
  if (node.type === 'TOMLKeyValue') return `${name} = …`
  return node.kind === 'array' ? `[[${name}]]` : `[${name}]`
}

function isSection(name: string | undefined): name is Section {
  return name !== undefined && Object.hasOwn(fields, name)
}
