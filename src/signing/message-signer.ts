// Signs what leaves in the name of a domain of ours (RFC 6376): what our users and this server wrote, and nothing else. A message
// is hashed and signed once, for however many receivers.

import type { SubmissionSettings } from '../config/settings.ts'
import { hasAddressIn } from '../directory/owns-address.ts'
import { findAuthorDomains } from '../message/author-domains.ts'
import { countFields, findFieldValue, HeaderSplitter, parseHeaderFields } from '../message/header-section.ts'
import type { QueuedMessage } from '../queue/records.ts'
import type { Clock } from '../runtime/clock.ts'
import type { OutgoingMailData } from '../smtp/client/contract.ts'
import type { Storage } from '../storage/operation.ts'
import { composeSignature, type HashedMessage } from './dkim-signature.ts'
import { RelaxedBodyHash } from './relaxed-body.ts'
import { selectSignedFields } from './signed-fields.ts'
import type { KeyRing, KeysOfDomain } from './signing-key.ts'

export interface SigningQuestion {
  readonly message: Pick<QueuedMessage, 'id' | 'accountId' | 'isLocal' | 'isReport'>
  /** What tells the forms of one message apart: as it is, or converted for servers that take less. */
  readonly form: string
  /** In this form. */
  readonly mailData: OutgoingMailData
}

/** As the trail has it. */
export interface SignatureName {
  readonly domain: string
  readonly selector: string
}

export interface Signing {
  /** Whole header fields, to be put before the message. */
  readonly fields: Uint8Array
  readonly signatures: readonly SignatureName[]
  /** Why it has no signature, where it should have one: words for the administrator. */
  readonly unsigned?: string | undefined
}

/** What delivery asks. Another implementation may sign elsewhere, or otherwise. */
export interface MessageSigner {
  /** Rejects when the mail data cannot be read, or the keys cannot be asked for. */
  sign(question: SigningQuestion): Promise<Signing>
}

export interface DkimSignerOptions {
  readonly keys: KeyRing
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
  readonly senderAddress: SubmissionSettings['senderAddress']
}

const nothing: Signing = { fields: new Uint8Array(0), signatures: [] }
/** What intake takes, and room for the trace fields of this server. */
const maxHeaderBytes = 1024 * 1024
const maxRemembered = 1000
/** A key whose record is gone must not sign for much longer. */
const rememberedMs = 5 * 60_000

export class DkimSigner implements MessageSigner {
  readonly #options: DkimSignerOptions
  /** A message goes to many receivers at nearly the same time. */
  readonly #signed = new Map<string, { readonly signing: Promise<Signing>; readonly at: number }>()

  constructor(options: DkimSignerOptions) {
    this.#options = options
  }

  async sign(question: SigningQuestion): Promise<Signing> {
    const { id, accountId, isLocal, isReport } = question.message
    // What strangers send through us is theirs, whoever they say they are.
    if (accountId === undefined && !isLocal && !isReport) return nothing
    // A relay that has no domains reads no message for its author.
    if (!(await this.#options.keys.hasDomains())) return nothing
    const key = `${id} ${question.form}`
    const now = this.#options.clock.now()
    const known = this.#signed.get(key)
    if (known && now - known.at < rememberedMs) return await known.signing
    const signing = this.#sign(question)
    this.#remember(key, signing, now)
    try {
      return await signing
    } catch (cause) {
      this.#signed.delete(key)
      throw cause
    }
  }

  #remember(key: string, signing: Promise<Signing>, at: number): void {
    this.#signed.delete(key)
    this.#signed.set(key, { signing, at })
    const [oldest] = this.#signed.keys()
    if (this.#signed.size > maxRemembered && oldest !== undefined) this.#signed.delete(oldest)
  }

  async #sign({ message, mailData }: SigningQuestion): Promise<Signing> {
    const reading = mailData.open()[Symbol.asyncIterator]()
    try {
      const head = await readHead(reading)
      if (head === 'unreadable') return unsigned('its header section cannot be read')
      const found = await this.#findKeys(message, head.section)
      if (!('keys' in found)) return found
      const hashed = await hash(head, reading)
      if (!hashed) return unsigned('it has too many header fields')
      const at = this.#options.clock.now()
      // Side by side: each takes a thread of the pool.
      const fields = await Promise.all(found.keys.map(key => composeSignature(key, hashed, at)))
      return {
        fields: Buffer.from(fields.join(''), 'latin1'),
        signatures: found.keys.map(({ domain, selector }) => ({ domain, selector })),
      }
    } finally {
      await reading.return?.()
    }
  }

  async #findKeys(message: SigningQuestion['message'], section: Uint8Array): Promise<KeysOfDomain | Signing> {
    const fields = parseHeaderFields(section)
    const authors = findAuthorDomains(findFieldValue(fields, 'from') ?? '')
    // RFC 6376 §8.15: readers differ in which of two they show.
    if (!authors || countFields(fields, 'from') !== 1)
      return unsigned('it has not one From field that can be read')
    const [author] = authors
    if (author === undefined || authors.length > 1) return unsigned('its authors are of several domains')
    const found = await this.#options.keys.find(author)
    if (!found) return nothing
    if (!(await this.#mayWriteIn(message, found.domain)))
      return unsigned(`the account that sent it has no address in ${found.domain}`)
    if (found.keys.length === 0)
      return unsigned(
        `no DKIM key of ${found.domain} is in the DNS; "postrider domain dkim ${found.domain}" says what to publish`,
      )
    return found
  }

  /** What somebody writes in a domain that is another's must not be proven to be from there. */
  async #mayWriteIn({ accountId }: SigningQuestion['message'], domain: string): Promise<boolean> {
    if (accountId === undefined || this.#options.senderAddress === 'any') return true
    return await this.#options.storage.run(hasAddressIn, { accountId, domain })
  }
}

function unsigned(why: string): Signing {
  return { ...nothing, unsigned: why }
}

interface Head {
  readonly section: Uint8Array
  /** What has come of the body. */
  readonly beginning: Uint8Array
}

async function readHead(reading: AsyncIterator<Uint8Array>): Promise<Head | 'unreadable'> {
  const splitter = new HeaderSplitter(maxHeaderBytes)
  for (;;) {
    const next = await reading.next()
    const split = next.done ? splitter.finish() : splitter.take(next.value)
    if (split === 'incomplete') continue
    if (split === 'too-long') return 'unreadable'
    const { section, rest, lacksEmptyLine } = split
    // Where its readers see the end of the header section, nobody knows.
    if (lacksEmptyLine && rest.length > 0) return 'unreadable'
    // The empty line is no part of the body.
    return { section, beginning: rest.subarray(2) }
  }
}

async function hash(
  { section, beginning }: Head,
  reading: AsyncIterator<Uint8Array>,
): Promise<HashedMessage | undefined> {
  const fields = selectSignedFields(section)
  if (!fields) return undefined
  const body = new RelaxedBodyHash()
  body.take(beginning)
  for (let next = await reading.next(); !next.done; next = await reading.next()) body.take(next.value)
  return { fields, bodyHash: body.finish() }
}
