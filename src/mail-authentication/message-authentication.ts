// All checks of one message, made while it comes: SPF and iprev from the envelope, DKIM, ARC and DMARC from header and body.
// Each is an evaluation of values; of the message no more is kept than its header section.
import type { ReversePath } from '../address/address.ts'
import { maxHeaderFields } from '../message/header-section.ts'
import type { Clock } from '../runtime/clock.ts'
import { readChain } from './arc/chain.ts'
import { type ArcEvidence, findTrustedPass, verifyChain } from './arc/verify.ts'
import { type AuthenticationDns, type BoundDns, boundDns } from './bounded-dns.ts'
import type { BodyHashes } from './dkim/body-hashes.ts'
import { KeyRing } from './dkim/key.ts'
import { SignedHeader } from './dkim/signed-header.ts'
import { chooseSignatures, hashesFor, isUsable, verifySignature } from './dkim/verify.ts'
import { type AuthorDomains, findAuthorDomains } from './dmarc/author-domains.ts'
import { DmarcCheck, type DmarcEvidence, type Identifiers } from './dmarc/evaluate.ts'
import { isRelated, isWithin } from './domain-names.ts'
import type { AuthenticationEvidence } from './evidence.ts'
import { checkReverse, type IprevEvidence } from './iprev.ts'
import { checkHost, type SpfEvidence } from './spf/check-host.ts'

/** Which checks are made. DMARC needs SPF and DKIM. */
export interface WantedChecks {
  readonly iprev: boolean
  readonly spf: boolean
  readonly dkim: boolean
  readonly dmarc: boolean
  readonly arc: boolean
}

export interface AuthenticatedTransaction {
  readonly clientAddress: string
  /** As the client said; undefined: it has not said who it is. */
  readonly heloName: string | undefined
  readonly reversePath: ReversePath
}

export interface MessageAuthenticationOptions {
  readonly dns: AuthenticationDns
  readonly clock: Clock
  /** Of this server. */
  readonly hostname: string
  readonly wanted: WantedChecks
  /** Domains, canonical, whose ARC seals are believed. */
  readonly trustedSealers: readonly string[]
}

/** From DATA, from the header section and from the end on. RFC 7208 §4.6.4 asks for 20 seconds at least; a client waits ten minutes for the reply (RFC 5321 §4.5.3.2.6). */
const timeMs = 20_000
/** Ten for each of two SPF checks and their mail hosts, keys, walks: more than any honest message needs. */
const maxQuestions = 400

/** A message that is given up is only forgotten. */
export class MessageAuthentication {
  readonly #options: MessageAuthenticationOptions
  readonly #transaction: AuthenticatedTransaction
  readonly #dns: BoundDns
  readonly #at: number
  readonly #iprev: Promise<IprevEvidence> | undefined
  readonly #spf: Promise<readonly SpfEvidence[]> | undefined
  #content: Content | undefined

  constructor(options: MessageAuthenticationOptions, transaction: AuthenticatedTransaction) {
    const { dns, clock, wanted } = options
    this.#options = options
    this.#transaction = transaction
    this.#at = clock.now()
    this.#dns = boundDns(dns, clock, { timeMs, maxQuestions })
    this.#iprev = wanted.iprev ? checkReverse(this.#dns, transaction.clientAddress) : undefined
    this.#spf = wanted.spf ? this.#checkSpf() : undefined
    // Asked for at the end: until then nobody waits for them.
    this.#iprev?.catch(() => {})
    this.#spf?.catch(() => {})
  }

  /** The header section, once it is whole. */
  takeHeader(section: Uint8Array): void {
    const { wanted } = this.#options
    if (!wanted.dkim && !wanted.arc && !wanted.dmarc) return
    // Or whoever waits long enough before it would be asked nothing about.
    this.#dns.renew()
    this.#content = new Content(this.#dns, section, wanted)
  }

  takeBody(piece: Uint8Array): void {
    this.#content?.hashes.write(piece)
  }

  async finish(): Promise<AuthenticationEvidence> {
    const content = this.#content
    content?.hashes.finish()
    const [iprev, spf, found] = await Promise.all([this.#iprev, this.#spf, content?.verify(this.#at)])
    const evidence: AuthenticationEvidence = { iprev, spf, ...found }
    if (!content || !this.#options.wanted.dmarc) return evidence
    // Which names are of one organisation is asked now, however long the message took to come.
    this.#dns.renew()
    return { ...evidence, ...(await this.#concludeDmarc(content, evidence)) }
  }

  /** RFC 7208 §2.3, §2.4: both identities; with the null reverse-path, HELO alone. */
  async #checkSpf(): Promise<readonly SpfEvidence[]> {
    const { clientAddress, heloName = '', reversePath } = this.#transaction
    const common = { clientAddress, heloName, hostname: this.#options.hostname, at: this.#at }
    const helo = { ...common, identity: 'helo', localPart: 'postmaster', domain: heloName } as const
    if (reversePath === null) return [await checkHost(this.#dns, helo)]
    const mailFrom = { ...common, identity: 'mailfrom', ...reversePath } as const
    return await Promise.all([mailFrom, helo].map(question => checkHost(this.#dns, question)))
  }

  async #concludeDmarc(
    { authors, dmarc, chain }: Content,
    { spf = [], dkim = [], arc }: AuthenticationEvidence,
  ): Promise<Pick<AuthenticationEvidence, 'dmarc' | 'arc' | 'authorProblem'>> {
    if (authors.kind !== 'domains') return { dmarc: { result: 'permerror' }, authorProblem: authors.kind }
    // RFC 9989 §4.4.2: MAIL FROM, which is HELO when the reverse-path is null, and never HELO besides it.
    const [sender] = spf
    const identifiers: Identifiers = {
      spf: sender?.result === 'pass' ? sender.domain.toLowerCase() : undefined,
      dkim: dkim.flatMap(({ result, domain }) => (result === 'pass' && domain !== undefined ? [domain] : [])),
      unknown: [
        ...(sender?.result === 'temperror' ? [sender.domain.toLowerCase()] : []),
        ...dkim.flatMap(({ result, domain }) =>
          result === 'temperror' && domain !== undefined ? [domain] : [],
        ),
      ],
    }
    // §11.5: of several authors, the one whose domain asks for most.
    const results = await Promise.all(authors.domains.map(domain => dmarc.evaluate(domain, identifiers)))
    const [worst = { result: 'none' }] = results.toSorted((a, b) => weightOf(b) - weightOf(a))
    const sets = arc?.result === 'pass' && chain.kind === 'chain' ? chain.sets : []
    const domain = worst.domain ?? ''
    const isTrusted = (sealer: string): boolean =>
      this.#options.trustedSealers.some(trusted => isWithin(sealer, trusted))
    const { result } = worst
    const trusted =
      result === 'fail' || result === 'none' ? findTrustedPass(sets, isTrusted, domain, result) : undefined
    return { dmarc: worst, ...(arc && trusted !== undefined ? { arc: { ...arc, trusted } } : {}) }
  }
}

function weightOf({ result, policy }: DmarcEvidence): number {
  if (result === 'fail') return policy === 'reject' ? 6 : policy === 'quarantine' ? 5 : 3
  return { temperror: 4, permerror: 2, none: 1, pass: 0 }[result]
}

/** What hangs on the header section and the body. */
class Content {
  readonly #header: SignedHeader
  readonly #keys: KeyRing
  readonly #wanted: WantedChecks
  readonly #signatures: ReturnType<typeof chooseSignatures>
  readonly authors: AuthorDomains
  readonly dmarc: DmarcCheck
  readonly chain: ReturnType<typeof readChain>
  readonly hashes: BodyHashes

  constructor(dns: AuthenticationDns, section: Uint8Array, wanted: WantedChecks) {
    this.#wanted = wanted
    this.#header = new SignedHeader(section)
    this.#keys = new KeyRing(dns)
    this.authors = findAuthorDomains(this.#header, maxHeaderFields)
    this.dmarc = new DmarcCheck(dns)
    const domains = this.authors.kind === 'domains' ? this.authors.domains : []
    this.#signatures = wanted.dkim
      ? chooseSignatures(this.#header, domain => domains.some(author => isRelated(author, domain)))
      : { signatures: [], passedOver: 0 }
    this.chain = wanted.arc ? readChain(this.#header) : { kind: 'none' }
    const messageSignatures = this.chain.kind === 'chain' ? [this.chain.messageSignature] : []
    this.hashes = hashesFor([...this.#signatures.signatures, ...messageSignatures])
    // So that they are there when the body has come.
    const sealed = this.chain.kind === 'chain' ? this.chain.sets.map(({ seal }) => seal) : []
    for (const signed of [...this.#signatures.signatures.filter(isUsable), ...messageSignatures, ...sealed])
      this.#keys.find(signed).catch(() => {}) // whoever verifies gets it
    if (wanted.dmarc) for (const domain of domains) this.dmarc.prepare(domain)
  }

  async verify(at: number): Promise<Pick<AuthenticationEvidence, 'dkim' | 'dkimPassedOver' | 'arc'>> {
    const verification = { keys: this.#keys, header: this.#header, hashes: this.hashes, at }
    const { signatures, passedOver } = this.#signatures
    const dkim = await Promise.all(signatures.map(signature => verifySignature(signature, verification)))
    const arc: ArcEvidence | undefined = this.#wanted.arc
      ? await verifyChain(this.chain, verification)
      : undefined
    return {
      ...(this.#wanted.dkim ? { dkim } : {}),
      ...(passedOver > 0 ? { dkimPassedOver: passedOver } : {}),
      arc,
    }
  }
}
