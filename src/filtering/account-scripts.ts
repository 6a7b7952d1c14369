// Runs the active script of an account for a message: what it wants done, and what is to be remembered of it. Nothing is done here.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { parseAddress } from '../address/parse-address.ts'
import { addressOfAccount } from '../directory/accounts.ts'
import { subaddressSeparator } from '../directory/keys.ts'
import { listOwnAddresses } from '../directory/owns-address.ts'
import { canonicalMailboxName } from '../imap/grammar/mailbox-name.ts'
import { type Mailbox, mailboxIdOf, openingOf } from '../mailbox/mailbox-row.ts'
import { readMetadata } from '../mailbox/metadata.ts'
import { listMailboxes, maxMailboxes } from '../mailbox/name-operations.ts'
import { isOtherUsers, otherUsersPrefix, problemOfLevels } from '../mailbox/name-rules.ts'
import type { Circumstances, SieveEnvelope, SieveMessage } from '../sieve/circumstances.ts'
import type { IncludeLocation } from '../sieve/language/definitions.ts'
import type { Remembered, SieveOutcome } from '../sieve/outcome.ts'
import { parseScript } from '../sieve/parse-script.ts'
import { runScript } from '../sieve/run-script.ts'
import type { ParsedScript } from '../sieve/script.ts'
import type { Storage } from '../storage/operation.ts'
import { digestKey, findRemembered, type Memory, type MemoryKey } from './memory.ts'
import { administrators, readActiveScript, readScript, readScriptById, type StoredScript } from './scripts.ts'

export interface AccountScriptsParts {
  readonly storage: Pick<Storage, 'run'>
  readonly hostname: string
  /** 'Europe/Moscow': what scripts tell times in. */
  readonly timeZone: string
}

export interface ScriptQuestion {
  readonly accountId: number
  /** As it was when the recipient was routed. */
  readonly scriptId: number
  /** The account's own. */
  readonly address: Address
  readonly envelope: Omit<SieveEnvelope, 'authenticatedAs'>
  /** The account of ours that sent it. */
  readonly senderId: number | undefined
  readonly message: SieveMessage
  /** Without a script it would go to Junk. */
  readonly isJunk: boolean
  readonly now: number
}

export interface ScriptAnswer {
  readonly script: Pick<StoredScript, 'id' | 'name'>
  /** Addresses whose mail comes to the account, its own first. */
  readonly owned: readonly Address[]
  readonly outcome: SieveOutcome
  readonly remember: readonly Memory[]
  /** Of `remember`, what was not there when the script asked: if it is now, another message was faster. */
  readonly absent: readonly MemoryKey[]
  readonly mailboxes: ScriptMailboxes
}

/** Parsed scripts are held in memory, so many of them. */
const maxParsed = 500

export class AccountScripts {
  readonly #parts: AccountScriptsParts
  /** By the id of the script, whose text never changes. */
  readonly #parsed = new Map<number, { readonly name: string; readonly parsed: ParsedScript }>()
  /** By account: when the last of its runs has ended. */
  readonly #running = new Map<number, Promise<void>>()

  constructor(parts: AccountScriptsParts) {
    this.#parts = parts
  }

  /**
   * undefined: the account has no active script any more. Rejects with a StorageFault. Of one account one script runs at a time: who
   * writes one that takes long, and gets much mail, does not take the time of all others.
   */
  async run(question: ScriptQuestion): Promise<ScriptAnswer | undefined> {
    const { accountId } = question
    const before = this.#running.get(accountId)
    const run = before ? before.then(() => this.#run(question)) : this.#run(question)
    const ended = run.then(
      () => undefined,
      () => undefined,
    )
    this.#running.set(accountId, ended)
    try {
      return await run
    } finally {
      if (this.#running.get(accountId) === ended) this.#running.delete(accountId)
    }
  }

  async #run(question: ScriptQuestion): Promise<ScriptAnswer | undefined> {
    const { storage } = this.#parts
    const { accountId, now } = question
    const script = await this.#findActive(question)
    if (!script) return undefined
    const owned = await this.#findOwned(question)
    const mailboxes = new ScriptMailboxes(storage, accountId)
    const asked = new Map<string, boolean>()
    const circumstances: Circumstances = {
      message: question.message,
      envelope: { ...question.envelope, authenticatedAs: await this.#findSender(question.senderId) },
      owner: { addresses: owned },
      nowMs: now,
      timeZone: this.#parts.timeZone,
      mailboxes: {
        exists: async name => (await mailboxes.named(name)) !== undefined,
        hasId: async id => (await mailboxes.withId(id)) !== undefined,
        hasSpecialUse: (mailbox, attribute) => mailboxes.hasUse(mailbox, attribute),
        readMetadata: (name, annotation) => mailboxes.note(name, annotation),
      },
      memory: {
        async has(kind, key) {
          const known = { kind, key: digestKey(key) }
          const isThere = await storage.run(findRemembered, { accountId, now, ...known })
          asked.set(wordOf(known), isThere)
          return isThere
        },
      },
      readScript: (location, name) => this.#readIncluded(accountId, location, name),
      environment: this.#environment(question),
      yieldTurn: () => nextTurn(),
      recipientDelimiter: subaddressSeparator,
    }
    const outcome = script.parsed.script
      ? await runScript(script.parsed.script, circumstances)
      : unreadable(script.parsed)
    const remember = outcome.remember.map(one => memoryOf(one, now))
    return {
      script,
      owned,
      outcome,
      remember,
      absent: remember.filter(one => asked.get(wordOf(one)) === false),
      mailboxes,
    }
  }

  async #findActive({ accountId, scriptId }: ScriptQuestion) {
    const known = this.#parsed.get(scriptId)
    if (known) return { id: scriptId, ...known }
    const { storage } = this.#parts
    const stored =
      (await storage.run(readScriptById, { id: scriptId })) ??
      // Another has taken its place meanwhile.
      (await storage.run(readActiveScript, { accountId }))
    return stored && this.#parse(stored)
  }

  async #readIncluded(
    accountId: number,
    location: IncludeLocation,
    name: string,
  ): Promise<ParsedScript | undefined> {
    const ownerId = location === 'global' ? administrators : accountId
    const stored = await this.#parts.storage.run(readScript, { ownerId, name: name.normalize('NFC') })
    return stored && this.#parse(stored).parsed
  }

  #parse({ id, name, body }: StoredScript) {
    const known = this.#parsed.get(id)
    if (known) return { id, ...known }
    const parsed = parseScript(Buffer.from(body).toString('utf8'))
    const [oldest] = this.#parsed.keys()
    if (this.#parsed.size >= maxParsed && oldest !== undefined) this.#parsed.delete(oldest)
    this.#parsed.set(id, { name, parsed })
    return { id, name, parsed }
  }

  async #findOwned({ accountId, address }: ScriptQuestion): Promise<readonly Address[]> {
    const texts = await this.#parts.storage.run(listOwnAddresses, { accountId })
    const own = addressKey(address)
    const others = texts.flatMap(text => parseAddress(text) ?? []).filter(one => addressKey(one) !== own)
    return [address, ...others]
  }

  async #findSender(id: number | undefined): Promise<string | undefined> {
    return id === undefined ? undefined : await this.#parts.storage.run(addressOfAccount, { id })
  }

  /** RFC 5183 §4.1; from whom the message came is not known any more. */
  #environment({ isJunk, address }: ScriptQuestion): Readonly<Record<string, string>> {
    return {
      domain: address.domain,
      host: this.#parts.hostname,
      location: 'MDA',
      name: 'Postrider',
      phase: 'during',
      'vnd.postrider.junk': isJunk ? 'yes' : 'no',
    }
  }
}

/** The mailboxes of an account, asked once, and only when it matters. */
class ScriptMailboxes {
  readonly #storage: Pick<Storage, 'run'>
  readonly #accountId: number
  #listed: Promise<readonly Mailbox[]> | undefined

  constructor(storage: Pick<Storage, 'run'>, accountId: number) {
    this.#storage = storage
    this.#accountId = accountId
  }

  async list(): Promise<readonly Mailbox[]> {
    this.#listed ??= this.#storage.run(listMailboxes, { accountId: this.#accountId })
    return await this.#listed
  }

  /** It can have no more. */
  async isFull(): Promise<boolean> {
    return (await this.list()).length >= maxMailboxes
  }

  async named(name: string): Promise<Mailbox | undefined> {
    const wanted = mailboxNameOf(name)
    return (await this.list()).find(mailbox => mailbox.name === wanted)
  }

  async withId(id: string): Promise<Mailbox | undefined> {
    return (await this.list()).find(mailbox => mailboxIdOf(mailbox) === id)
  }

  /** `attribute`: '\\Junk'. Without a name, whether any has it. */
  async hasUse(name: string | undefined, attribute: string): Promise<boolean> {
    const use = attribute.slice(1).toLowerCase()
    const wanted = name === undefined ? undefined : mailboxNameOf(name)
    return (await this.list()).some(
      mailbox =>
        mailbox.specialUse?.toLowerCase() === use && (wanted === undefined || mailbox.name === wanted),
    )
  }

  /** RFC 5490: of a mailbox, or without a name of the server, as the account sees it. */
  async note(name: string | undefined, entry: string): Promise<string | undefined> {
    const mailbox = name === undefined ? undefined : await this.named(name)
    if (name !== undefined && !mailbox) return undefined
    const wanted = entry.toLowerCase()
    const place = { mailbox: mailbox && openingOf(mailbox), accountId: this.#accountId }
    const found = (await this.#storage.run(readMetadata, { ...place, names: [wanted] })).get(wanted)
    return found && Buffer.from(found).toString()
  }
}

/** As it is kept: as IMAP reads it (RFC 9051 §5.1), so that programs can open what a script has made. */
export function mailboxNameOf(name: string): string {
  return canonicalMailboxName(name) ?? name
}

/** A script files into mailboxes of its own account. */
export function problemOfScriptName(name: string): string | undefined {
  if (canonicalMailboxName(name) === undefined) return 'A mailbox name may not have control characters'
  if (isOtherUsers(name)) return `Below ${otherUsersPrefix} stand the mailboxes of other users`
  return problemOfLevels(name)
}

function memoryOf({ kind, key, seconds }: Remembered, now: number): Memory {
  return { kind, key: digestKey(key), until: now + seconds * 1000 }
}

function wordOf({ kind, key }: MemoryKey): string {
  return `${kind} ${key}`
}

/** It was taken once, by a program of another version. */
function unreadable({ problems = [] }: ParsedScript): SieveOutcome {
  const [first = { line: 1, column: 1, text: 'The script cannot be read.' }] = problems
  return {
    actions: [{ kind: 'keep', flags: [], headerSection: undefined, origin: undefined }],
    remember: [],
    trace: [],
    error: { ...first, script: undefined },
  }
}
