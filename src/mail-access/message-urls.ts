// What the URLs of messages name (RFC 5092), and for whom (URLAUTH, RFC 4467): from the storage, never over the network.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { parseAddress } from '../address/parse-address.ts'
import { findAccountBehind } from '../directory/find-account-behind.ts'
import type { UrlWants } from '../imap/grammar/commands/urlfetch.ts'
import { canonicalMailboxName } from '../imap/grammar/mailbox-name.ts'
import { decodeModifiedUtf7 } from '../imap/grammar/modified-utf7.ts'
import {
  type ImapUrl,
  parseImapUrl,
  type UrlAccess,
  type UrlPartial,
  urlMechanism,
} from '../imap/grammar/url.ts'
import type { UrlData } from '../imap/responses/account-data.ts'
import type { Octets } from '../imap/responses/octets.ts'
import { isRefusal, type Refusal } from '../imap/server/mailbox-services.ts'
import { type Mailbox, type OpenMailbox, openingOf } from '../mailbox/mailbox-row.ts'
import { findMailbox } from '../mailbox/name-operations.ts'
import { readMessages } from '../mailbox/read-mailbox.ts'
import { createUrlKey, findUrlKey } from '../mailbox/url-keys.ts'
import type { Extent, MessageStructure } from '../message/structure/structure.ts'
import { decodePart, describeDecoded, isDecodable } from './decode-part.ts'
import { findDecodable, findPart, findSection } from './find-section.ts'
import type { MailboxPlaces } from './mailbox-places.ts'
import { MessageText, replaceNul } from './message-text.ts'
import type { AccessParts } from './parts.ts'
import { structuresOf } from './structures.ts'

export type UrlParts = Pick<AccessParts, 'hostname' | 'storage' | 'mailData' | 'clock' | 'random'>

/** Who asks: a user, or the submission server for a user who hands in mail. */
export interface UrlReader {
  readonly accountId: number
  readonly as: 'user' | 'submission'
}

/** RFC 4467 §9: a token begins with an octet that says how it was made; there is one way, HMAC with SHA-256. */
const tokenForm = '01'
const keyBytes = 32

/** What a URL names of a message. */
export class UrlContent {
  readonly #url: ImapUrl
  readonly #text: MessageText
  readonly #structure: MessageStructure
  readonly #found: Extent | Buffer

  constructor(url: ImapUrl, text: MessageText, structure: MessageStructure, found: Extent | Buffer) {
    this.#url = url
    this.#text = text
    this.#structure = structure
    this.#found = found
  }

  /** As they were written. */
  get octets(): Octets {
    if (!Buffer.isBuffer(this.#found)) return this.#text.octets(cutExtent(this.#found, this.#url.partial))
    const { start, end } = cutExtent({ start: 0, end: this.#found.length }, this.#url.partial)
    return { size: end - start, content: this.#found.subarray(start, end) }
  }

  async describe({ content, structure }: UrlWants): Promise<UrlData> {
    const { part: path, text } = this.#url.section
    const { root } = this.#structure
    // A header section has no structure.
    const part = text.kind === 'all' ? (path.length === 0 ? root : findPart(root, path)) : undefined
    const octets = content === 'BINARY' && part ? await this.#decoded() : this.#literal
    const isDecoded = content === 'BINARY' && octets !== null
    return {
      // RFC 5524 §3.2: of what comes with it, which may be the decoded octets.
      structure:
        structure && part && isDecoded
          ? await describeDecoded(part, this.#text)
          : structure
            ? part
            : undefined,
      content: content && { form: content, octets },
    }
  }

  get #literal(): Octets {
    if (!Buffer.isBuffer(this.#found)) return this.#text.withoutNul(cutExtent(this.#found, this.#url.partial))
    const { size, content } = this.octets
    return { size, content: content instanceof Uint8Array ? replaceNul(content) : content }
  }

  async #decoded(): Promise<Octets | null> {
    const { partial, section } = this.#url
    const found = findDecodable(this.#structure.root, section.part, this.#text)
    if (!found || !isDecodable(found.part)) return null
    const { offset = 0, length = Number.MAX_SAFE_INTEGER } = partial ?? {}
    return await decodePart(found, this.#text, { offset, length })
  }
}

function cutExtent({ start, end }: Extent, partial: UrlPartial | undefined): Extent {
  const from = Math.min(start + (partial?.offset ?? 0), end)
  return { start: from, end: Math.min(from + (partial?.length ?? end), end) }
}

export class MessageUrls {
  readonly #parts: UrlParts

  constructor(parts: UrlParts) {
    this.#parts = parts
  }

  /** A message that somebody may read; `selected` is what a relative URL counts from. With a token it may be any. */
  async openReadable(
    text: string,
    places: MailboxPlaces,
    selected: OpenMailbox | undefined,
  ): Promise<UrlContent | undefined> {
    const url = parseImapUrl(text)
    if (!url) return undefined
    const { accountId } = places
    if (url.authorization) return await this.open(text, { accountId, as: 'user' })
    if (url.mailbox === undefined) {
      const mayRead = selected && (await places.rightsIn(selected)).includes('r')
      return mayRead ? await this.#read(selected, url) : undefined
    }
    if (url.server && !(await this.#isOwn(url, accountId))) return undefined
    const mailbox = await findSpelled(url, async name => {
      const place = await places.findFor('r', name)
      return isRefusal(place) ? undefined : place.mailbox
    })
    return mailbox && (await this.#read(mailbox, url))
  }

  /** The URL with its token. */
  async authorize(text: string, accountId: number): Promise<{ readonly url: string } | Refusal> {
    const url = parseImapUrl(text)
    if (!url?.server || !url.authorization || url.authorization.proof || url.mailbox === undefined)
      return { refused: 'Expected the URL of a message that ends with ;URLAUTH= and who may see it' }
    if (!(await this.#isOwn(url, accountId)))
      return { refused: 'You can authorize URLs of your own mailboxes on this server only' }
    const mailbox = await this.#find(url, accountId)
    if (!mailbox) return { refused: 'There is no such mailbox' }
    const { storage, random } = this.#parts
    const key =
      (await storage.run(findUrlKey, { mailbox })) ??
      (await storage.run(createUrlKey, { mailbox, key: random.bytes(keyBytes) }))
    if (!key) return { refused: 'There is no such mailbox' }
    return { url: `${text}:${urlMechanism}:${tokenOf(key, url.authorization.rump)}` }
  }

  /** What an authorized URL names; undefined: nothing, or nothing for whoever asks. */
  async open(text: string, reader: UrlReader): Promise<UrlContent | undefined> {
    const url = parseImapUrl(text)
    const { authorization } = url ?? {}
    if (!url?.server || !authorization?.proof || authorization.proof.mechanism !== urlMechanism)
      return undefined
    const owner = await this.#ownerOf(url)
    if (!owner) return undefined
    const { clock, storage } = this.#parts
    if (authorization.expiresAt !== undefined && authorization.expiresAt <= clock.now()) return undefined
    if (!(await this.#mayRead(authorization.access, owner.domain, reader))) return undefined
    const mailbox = await this.#find(url, owner.accountId)
    const key = mailbox && (await storage.run(findUrlKey, { mailbox }))
    if (!key || !isSame(tokenOf(key, authorization.rump), authorization.proof.token)) return undefined
    return await this.#read(mailbox, url)
  }

  /** Whether it could be opened at all: it has a token, and is of a mailbox here. */
  async isAuthorizedHere(text: string): Promise<boolean> {
    const url = parseImapUrl(text)
    return url?.authorization?.proof !== undefined && (await this.#ownerOf(url)) !== undefined
  }

  /** RFC 4467 §3 */
  async #mayRead(access: UrlAccess, domain: string, { accountId, as }: UrlReader): Promise<boolean> {
    switch (access.kind) {
      case 'authuser':
      case 'anonymous':
        return true
      case 'submit':
        return as === 'submission' && (await this.#accountOf(access.user, domain)) === accountId
      case 'user':
        return (await this.#accountOf(access.user, domain)) === accountId
      default:
        return access satisfies never
    }
  }

  async #isOwn(url: ImapUrl, accountId: number): Promise<boolean> {
    const owner = await this.#ownerOf(url)
    if (owner?.accountId !== accountId) return false
    const { hostname } = this.#parts
    const host = url.server?.host ?? ''
    // imap.example.org, for people at example.org: other names of this server are not known here.
    return host === hostname.toLowerCase() || host === owner.domain || host.endsWith(`.${owner.domain}`)
  }

  /** Whose mailbox it is. A user without a domain is of the host's, or of one above it. */
  async #ownerOf({ server }: ImapUrl): Promise<{ accountId: number; domain: string } | undefined> {
    if (server?.user === undefined) return undefined
    const { user, host } = server
    const at = user.lastIndexOf('@')
    const labels = host.split('.')
    const domains =
      at >= 0 ? [user.slice(at + 1).toLowerCase()] : labels.map((_, index) => labels.slice(index).join('.'))
    for (const domain of domains.slice(0, maxDomains)) {
      const accountId = await this.#accountOf(user, domain)
      if (accountId !== undefined) return { accountId, domain }
    }
    return undefined
  }

  async #accountOf(user: string, domain: string): Promise<number | undefined> {
    const address = parseAddress(user.includes('@') ? user : `${user}@${domain}`)
    const { storage, hostname } = this.#parts
    return address && (await storage.run(findAccountBehind, { address, hostname }))
  }

  async #find(url: ImapUrl, accountId: number): Promise<OpenMailbox | undefined> {
    return await findSpelled(url, name => this.#parts.storage.run(findMailbox, { accountId, name }))
  }

  async #read(mailbox: OpenMailbox, url: ImapUrl): Promise<UrlContent | undefined> {
    const { storage, mailData } = this.#parts
    const range = { first: url.uid, last: url.uid }
    const [message] = await storage.run(readMessages, { ...mailbox, range, limit: 1 })
    if (!message) return undefined
    const { mailDataId } = message
    // Whether it can be read has to be known before a literal begins.
    const read = (await mailData.readSmall([mailDataId])).get(mailDataId)
    if (!read) await mailData.assertThere(mailDataId)
    const text = new MessageText(mailData, message, read)
    const structure = (await structuresOf(this.#parts, [message])).get(mailDataId)
    const found = structure && (await findSection(url.section, structure, text))
    return structure && found && new UrlContent(url, text, structure, found)
  }
}

/** Names are in UTF-8 (RFC 5092 §4); programs of before wrote them in modified UTF-7. */
async function findSpelled(
  { mailbox, uidValidity }: ImapUrl,
  find: (name: string) => Promise<Mailbox | undefined>,
): Promise<OpenMailbox | undefined> {
  if (mailbox === undefined) return undefined
  for (const spelled of [mailbox, decodeModifiedUtf7(mailbox)]) {
    const name = spelled === undefined ? undefined : canonicalMailboxName(spelled)
    const found = name === undefined ? undefined : await find(name)
    if (found)
      return uidValidity === undefined || uidValidity === found.uidValidity ? openingOf(found) : undefined
  }
  return undefined
}

/** Each of them is a question to the directory. */
const maxDomains = 10

function tokenOf(key: Uint8Array, rump: string): string {
  return tokenForm + createHmac('sha256', key).update(rump).digest('hex')
}

function isSame(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(given)]
  return one.length === other.length && timingSafeEqual(one, other)
}
