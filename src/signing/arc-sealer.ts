// Seals what strangers have sent to an alias or a group that leads elsewhere (RFC 8617 §5.1), so that the next server can know what
// this one had found before the message went on.
import { type ArcChain, findNewestSet, maxSets, readChain } from '../mail-authentication/arc/chain.ts'
import { SignedHeader } from '../mail-authentication/dkim/signed-header.ts'
import { findOwnResults, type OwnResults } from '../mail-authentication/own-results.ts'
import type { Clock } from '../runtime/clock.ts'
import type { RecentAnswers } from '../runtime/recent-answers.ts'
import { composeArcSet } from './arc-set.ts'
import {
  isOfStranger,
  type MessageSigner,
  nothingSigned,
  type Signing,
  type SigningQuestion,
} from './message-signer.ts'
import { hashBody, readHead } from './read-outgoing.ts'
import { selectSignedFields } from './signed-fields.ts'
import type { KeyRing, SigningKey } from './signing-key.ts'
import { createSigningMemory } from './signing-memory.ts'

export interface ArcSealerOptions {
  readonly keys: KeyRing
  readonly clock: Clock
  readonly hostname: string
  /** In whose name; default: of the domain of the alias. */
  readonly domain?: string | undefined
  /** For all that is no stranger's. */
  readonly others: MessageSigner
}

export class ArcSealer implements MessageSigner {
  readonly #options: ArcSealerOptions
  readonly #memory: RecentAnswers<Signing>

  constructor(options: ArcSealerOptions) {
    this.#options = options
    this.#memory = createSigningMemory(options.clock)
  }

  async sign(question: SigningQuestion): Promise<Signing> {
    const { message, form, forwardedBy } = question
    const { domain = forwardedBy?.domain, others } = this.#options
    if (!forwardedBy || domain === undefined || !isOfStranger(message)) return await others.sign(question)
    return await this.#memory.get(`${message.id} ${form} ${domain}`, () => this.#seal(question, domain))
  }

  async #seal({ message, mailData }: SigningQuestion, domain: string): Promise<Signing> {
    const found = findOwnResults(message.traceFields ?? '', this.#options.hostname)
    if (!found) return unsealed('what it is worth was not found out when it came')
    const key = await this.#findKey(domain)
    if (typeof key === 'string') return unsealed(key)
    const reading = mailData.open()[Symbol.asyncIterator]()
    try {
      const head = await readHead(reading)
      if (head === 'unreadable') return unsealed('its header section cannot be read')
      const header = new SignedHeader(head.section)
      const newest = findNewestSet(header)
      const sets = readChain(header)
      const chain = newest.instance === 0 ? 'none' : chainIn(found, sets)
      // Step 2: who comes after that adds nothing.
      if (newest.saysBroken) return unsealed('a server before has found its chain broken (cv=fail)')
      if (chain === undefined) return unsealed('whether its chain holds was not found out when it came')
      if (newest.instance >= maxSets) return unsealed(`its chain has ${maxSets} sets, and may have no more`)
      // §4.1.2: the message signature covers signatures of DKIM, and no seal.
      const fields = selectSignedFields(head.section, ['dkim-signature'])
      if (!fields) return unsealed('it has too many header fields')
      const instance = newest.instance + 1
      const set = await composeArcSet(key, {
        instance,
        chain,
        before: chain === 'pass' && sets.kind === 'chain' ? sets.sets : [],
        results: found.value,
        fields,
        bodyHash: await hashBody(head, reading),
        at: this.#options.clock.now(),
      })
      return {
        fields: Buffer.from(set, 'latin1'),
        signatures: [],
        seal: { domain: key.domain, selector: key.selector, instance, chain },
      }
    } finally {
      await reading.return?.()
    }
  }

  /** A text says why there is none. RFC 8617 §4.1.2 knows what DKIM knew then, and many know only that: RSA. */
  async #findKey(domain: string): Promise<SigningKey | string> {
    const found = await this.#options.keys.find(domain)
    if (!found) return `${domain} is no domain of this server`
    return (
      found.keys.find(({ algorithm }) => algorithm === 'rsa') ??
      `no RSA key of ${found.domain} is in the DNS; "postrider domain dkim ${found.domain}" says what to publish`
    )
  }
}

function unsealed(why: string): Signing {
  return { ...nothingSigned, seal: { unsealed: why } }
}

/** What was found of the sets that it came with; undefined: nobody looked. */
function chainIn({ results }: OwnResults, sets: ArcChain): 'pass' | 'fail' | undefined {
  const found = results.find(({ method }) => method === 'arc')?.result
  if (found === 'pass') return sets.kind === 'chain' ? 'pass' : 'fail'
  return found === 'fail' ? 'fail' : undefined
}
