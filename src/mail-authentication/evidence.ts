// What the checks of one message have found, for verdicts, header fields and the trail.
import type { ArcEvidence } from './arc/verify.ts'
import type { DkimEvidence } from './dkim/verify.ts'
import type { AuthorDomains } from './dmarc/author-domains.ts'
import type { DmarcEvidence } from './dmarc/evaluate.ts'
import type { IprevEvidence } from './iprev.ts'
import type { SpfEvidence } from './spf/check-host.ts'

export type AuthorProblem = Exclude<AuthorDomains['kind'], 'domains'>

/** A check that was not made is absent. */
export interface AuthenticationEvidence {
  readonly iprev?: IprevEvidence | undefined
  /** Of MAIL FROM, and of HELO. */
  readonly spf?: readonly SpfEvidence[] | undefined
  /** One for each signature that was looked at. */
  readonly dkim?: readonly DkimEvidence[] | undefined
  /** Signatures beyond the most that are looked at. */
  readonly dkimPassedOver?: number | undefined
  readonly arc?: ArcEvidence | undefined
  readonly dmarc?: DmarcEvidence | undefined
  /** Why nobody can say whose domain DMARC would be about. */
  readonly authorProblem?: AuthorProblem | undefined
  /** The address in the From field, or in the name there: one of ours, of which nothing proves that it has written this. */
  readonly unprovenOwn?: string | undefined
  /** One of ours within the name of an author, with more text behind it, of which nothing proves that it has written this. */
  readonly ownWithinName?: string | undefined
  /** The From field has an address, or one in a name, that looks like one of ours, and is not. */
  readonly ownLookAlike?: { readonly address: string; readonly own: string } | undefined
  /** Where nothing proves the author: which mailing lists the message says it comes from, as anybody can write. */
  readonly lists?: readonly string[] | undefined
  /** Who has sent it on, which breaks what would prove the author. */
  readonly forwarder?: KnownForwarder | undefined
}

/** A mailing list or a forwarder that has proved itself, and is known to those who get the message. */
export interface KnownForwarder {
  /** 'talk@lists.example.org'; of a sender list the entry: 'lists.example.org'. */
  readonly name: string
  /** 'correspondence': one of ours has written to it. 'sender-list': somebody wants its mail. */
  readonly knownBy: 'correspondence' | 'sender-list'
  /** Each author who is one of ours has written to it himself, and each who gets this has, so it may bring them what he writes. */
  readonly isUsedByAuthor?: true | undefined
}
