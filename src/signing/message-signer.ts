// Signs what leaves in the name of a domain of ours (RFC 6376): what our users and this server wrote, and nothing else.

import type { Address } from '../address/address.ts'
import type { SubmissionSettings } from '../config/settings.ts'
import { hasAddressIn } from '../directory/owns-address.ts'
import { findAuthorDomains } from '../message/author-domains.ts'
import { countFields, findFieldValue, parseHeaderFields } from '../message/header-section.ts'
import type { QueuedMessage } from '../queue/records.ts'
import type { Clock } from '../runtime/clock.ts'
import type { RecentAnswers } from '../runtime/recent-answers.ts'
import type { OutgoingMailData } from '../smtp/client/contract.ts'
import type { Storage } from '../storage/operation.ts'
import { composeSignature } from './dkim-signature.ts'
import { hashBody, readHead } from './read-outgoing.ts'
import { selectSignedFields } from './signed-fields.ts'
import type { KeyRing, KeysOfDomain } from './signing-key.ts'
import { createSigningMemory } from './signing-memory.ts'

export interface SigningQuestion {
  readonly message: Pick<QueuedMessage, 'id' | 'accountId' | 'isLocal' | 'isReport' | 'traceFields'>
  /** The alias or group by whose expansion it leaves; undefined: by none. */
  readonly forwardedBy?: Address | undefined
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
  /** Of mail of strangers that is sent on, where the settings want it sealed (ARC). */
  readonly seal?: SealName | undefined
}

/** As the trail has it: the ARC set that was added, or why there is none. */
export type SealName =
  | (SignatureName & { readonly instance: number; readonly chain: 'none' | 'pass' | 'fail' })
  | { readonly unsealed: string }

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

export const nothingSigned: Signing = { fields: new Uint8Array(0), signatures: [] }

export class DkimSigner implements MessageSigner {
  readonly #options: DkimSignerOptions
  readonly #memory: RecentAnswers<Signing>

  constructor(options: DkimSignerOptions) {
    this.#options = options
    this.#memory = createSigningMemory(options.clock)
  }

  async sign(question: SigningQuestion): Promise<Signing> {
    // What strangers send through us is theirs, whoever they say they are.
    if (isOfStranger(question.message)) return nothingSigned
    // A relay that has no domains reads no message for its author.
    if (!(await this.#options.keys.hasDomains())) return nothingSigned
    return await this.#memory.get(`${question.message.id} ${question.form}`, () => this.#sign(question))
  }

  async #sign({ message, mailData }: SigningQuestion): Promise<Signing> {
    const reading = mailData.open()[Symbol.asyncIterator]()
    try {
      const head = await readHead(reading)
      if (head === 'unreadable') return unsigned('its header section cannot be read')
      const found = await this.#findKeys(message, head.section)
      if (!('keys' in found)) return found
      const fields = selectSignedFields(head.section)
      if (!fields) return unsigned('it has too many header fields')
      const hashed = { fields, bodyHash: await hashBody(head, reading) }
      const at = this.#options.clock.now()
      // Side by side: each takes a thread of the pool.
      const signatures = await Promise.all(found.keys.map(key => composeSignature(key, hashed, at)))
      return {
        fields: Buffer.from(signatures.join(''), 'latin1'),
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
    // What this server itself writes under its own name needs no domain of ours.
    if (!found)
      return message.isReport
        ? nothingSigned
        : unsigned(
            `its From field is of ${author}, which is no domain of this server: only that domain itself can sign it`,
          )
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
  return { ...nothingSigned, unsigned: why }
}

/** Neither one of our own nor this server has written it. */
export function isOfStranger({ accountId, isLocal, isReport }: SigningQuestion['message']): boolean {
  return accountId === undefined && !isLocal && !isReport
}
