// What a delivery status notification tells (RFC 3461 §6, RFC 3464), as plain data.
import type { Address } from '../address/address.ts'

/** RFC 3464 §2.3.3 */
export type ReportAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'

/** Why, as a word that selects the text for people. */
export type ReportCause =
  | 'unknown-user'
  | 'unknown-domain'
  | 'null-mx'
  /** On our suppression list: its receiver has said before that there is no such address. */
  | 'known-dead'
  /** On our suppression list: the recipient does not want it, or an administrator. */
  | 'not-wanted'
  /** A rule of the recipient's own (Sieve) refuses it. */
  | 'recipient-rule'
  | 'mailbox-full'
  | 'message-too-large'
  | 'policy'
  /** Our server, or its network, has a bad name there: a blocklist, a reputation. */
  | 'blocklist'
  /** The domain of the sender is on a block list or has a bad name there; our server is not meant. */
  | 'sender-domain-listed'
  /** The message names a domain, in a link or an address, that is on a block list. */
  | 'link-listed'
  /** SPF, DKIM or DMARC did not pass. */
  | 'authentication'
  /** The sender's address or its domain is not accepted there. */
  | 'sender-refused'
  /** The other server takes mail only after AUTH (RFC 4954), and our server did not get in. */
  | 'login-required'
  /** Our server's name, in DNS (PTR) or in its EHLO, is not accepted there. */
  | 'server-name'
  /** The other server wants less mail at a time. */
  | 'rate'
  /** Who is new there is to come again later: no matter of how much is sent. */
  | 'greylisted'
  /** Taken for spam. */
  | 'spam'
  /** A virus, or something else in the message that the rules there forbid. */
  | 'content'
  | 'no-answer'
  /** It took the whole message, and broke off without a word of what becomes of it (RFC 1047). */
  | 'unconfirmed'
  /** This server keeps mail for the domain until its own server takes it, which it has not done. */
  | 'not-fetched'
  /** Mail for the domain is to go on to its own server, and the DNS names none. */
  | 'relay-dns'
  /** An administrator sends the mail to a host that has no address. */
  | 'unknown-host'
  | 'refused-connection'
  | 'dns-failure'
  | 'tls-failure'
  /** The receiver's policy (DANE, MTA-STS) demands TLS, and there was none. */
  | 'tls-required'
  /** The receiver's policy demands another certificate than its server shows. */
  | 'tls-certificate'
  /** The receiver's TLSA records are forged, or could not be looked up. */
  | 'tlsa-bogus'
  /** The receiver's MTA-STS policy does not name the server to which its DNS leads. */
  | 'sts-mismatch'
  /** The sender demands protected transport all the way (REQUIRETLS), and the next server does not give it. */
  | 'requiretls'
  | 'loop'
  /** The domain's mail leads to this server, which has no such domain. */
  | 'own-mx'
  /** The DNS names mail hosts of the domain, and no address of any of them. */
  | 'broken-mx'
  /** The next server has IPv6 addresses only, and our server does not deliver by IPv6. */
  | 'no-ipv6'
  /** The next server has addresses of one kind only (IPv4, IPv6), and ours, from which the mail leaves, are of the other. */
  | 'no-source'
  /** The server through which all our mail leaves could not be reached, or did not let us in. */
  | 'smart-host'
  /** The next server does not take the encoding of the message, which could not be converted. */
  | 'extension-missing'
  /** The same, because it is signed (S/MIME, OpenPGP). */
  | 'signed-content'
  /** The next server knows no addresses beyond ASCII (SMTPUTF8). */
  | 'utf8-address'
  /** The time by which the sender wanted it delivered is over (RFC 2852). */
  | 'too-late'
  /** The next server does not promise to keep that time, or needs more of it. */
  | 'no-deliver-by'
  | 'server-busy'
  /** Our server sends there, or for this sender, no more than so much at a time. */
  | 'own-limit'
  | 'local-error'
  | 'other'

/** What of ours the other server refused. */
export type RefusedStep =
  | 'connect'
  | 'greeting'
  | 'hello'
  | 'tls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'end-of-data'

/** What an administrator does about a reply that is known, as a word that selects the text. */
export type NextStep =
  /** Nothing: the server goes on by itself. */
  | 'wait'
  /** Send less at a time; the server does so by itself. */
  | 'slow-down'
  | 'ask-delisting'
  /** The domain of the sender has a bad name; that of our server is good. */
  | 'clear-sender-domain'
  | 'check-links'
  /** The receiver takes mail of servers only whose owners it knows. */
  | 'introduce-server'
  /** The address of our server is not one from which mail is taken there at all. */
  | 'use-smart-host'
  | 'fix-authentication'
  | 'fix-dns-name'
  | 'fix-sender'
  /** The program that wrote the message made a mistake in its form. */
  | 'fix-message'
  | 'change-content'
  | 'make-smaller'
  | 'encrypt'
  | 'log-in'
  /** The sender takes the address from lists. */
  | 'remove-address'
  | 'ask-recipient'
  | 'ask-their-administrator'

/** The system that spoke, and what is done there. */
export interface ReportedProvider {
  /** 'Gmail'; absent where only its program is known. */
  readonly name?: string | undefined
  readonly step?: NextStep | undefined
  /** A page of that system for people who run mail servers. */
  readonly page?: string | undefined
}

export type ReportLanguage = 'en' | 'ru'

export interface ReportedReply {
  readonly code: number
  readonly enhanced?: string | undefined
  readonly lines: readonly string[]
}

export interface ReportedRecipient {
  readonly finalRecipient: Address
  /** ORCPT= as given: 'rfc822;anna@example.test'. */
  readonly originalRecipient?: string | undefined
  readonly action: ReportAction
  /** RFC 3463: '5.1.1', '2.0.0'. */
  readonly status: string
  /** For failed and delayed. */
  readonly cause?: ReportCause | undefined
  /** It was tried until the queue lifetime was over. */
  readonly expired?: boolean | undefined
  /** The name of the server that was asked last. */
  readonly remoteMta?: string | undefined
  /** Its words are those of the server through which our mail leaves; the domain's own was not asked. */
  readonly viaSmartHost?: boolean | undefined
  readonly reply?: ReportedReply | undefined
  /** What `reply` refused, and the address of the server that did: '192.0.2.1:25'. */
  readonly refused?: RefusedStep | undefined
  readonly remoteAddress?: string | undefined
  /** Whose words these are, when that is known. */
  readonly provider?: ReportedProvider | undefined
  /** One English sentence for the administrator, as the trail has it; in place of it stands `refused`, if that is there. */
  readonly detail?: string | undefined
  /** How often it was tried, with the last time. */
  readonly attempts: number
  /** When the outcome came; ms since 1970. */
  readonly at: number
  /** It came of no attempt: the message was waiting. */
  readonly isUntried?: boolean | undefined
  /** For delayed: until when it is tried again. */
  readonly willRetryUntil?: number | undefined
}

export interface ReportInput {
  readonly language: ReportLanguage
  /** The server that reports. */
  readonly hostname: string
  /** The queue id of the report itself, and when it is written. */
  readonly reportId: string
  readonly at: number
  /** Who is told: the reverse-path. */
  readonly to: Address
  /** The sender of the message wanted it delivered rather than protected (RFC 8689 §3). */
  readonly isTlsOptional?: boolean | undefined
  /** Of the message that the report is about. */
  readonly queueId: string
  readonly arrivedAt: number
  readonly envelopeId?: string | undefined
  /** Its header section, as stored. */
  readonly headerSection: Uint8Array
  /** The whole message, when it is to be returned (RET=FULL). */
  readonly message?: Uint8Array | undefined
  readonly recipients: readonly ReportedRecipient[]
}

export interface ComposedReport {
  /** Header section and body, with CRLF line ends. */
  readonly mailData: Uint8Array
  readonly body: '7BIT' | '8BITMIME'
  readonly smtpUtf8: boolean
}
