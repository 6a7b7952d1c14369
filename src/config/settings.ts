// The settings of a server as the parts see them. `schema.ts` validates the file and fills in the defaults;
// each name here is the name in the file, in the documentation and on the command line, but for `database`.
import type { ChallengeType } from '../acme/records.ts'
import type { NodeRole } from '../cluster/nodes.ts'
import type { DnssecTrust } from '../dns/answer.ts'
import type { Extent } from '../mailbox/quota.ts'
import type { MessageClass } from '../queue/message-class.ts'
import type { Language } from '../queue/records.ts'
import { type PasswordMechanism, shownMechanisms, usualMechanisms } from '../sasl/mechanisms.ts'
import type { ServerAddress } from '../storage/postgres/server-address.ts'
import type { CertificateFiles } from '../tls/certificate.ts'
import type { OwnStsPolicy } from '../tls-policy/own-policy.ts'
import type { StsMode } from '../tls-policy/sts-policy.ts'
import { refusalPath } from '../web/refusal-page.ts'
import type { ListenerRole } from './listener-roles.ts'

export interface Settings {
  /** The server's own name: greeting, EHLO, Received, Reporting-MTA. */
  readonly hostname: string
  /** Absolute; relative paths in the file are relative to the file. */
  readonly dataFolder: string
  /** What the setting `storage` names: PostgreSQL, which other servers share; undefined: SQLite, in the data folder. */
  readonly database?: ServerAddress | undefined
  /** What this server does; with others over the same database, or everything. */
  readonly roles: readonly NodeRole[]
  /** Of reports to senders who have not chosen one. */
  readonly language: Language
  readonly listeners: readonly ListenerSettings[]
  /** For servers in front of this one; who may talk to them is said with each. */
  readonly lmtp: readonly LmtpSettings[]
  /** CIDR networks that may relay without AUTH. Default none. */
  readonly localNetworks: readonly string[]
  readonly tls: TlsSettings
  readonly limits: LimitSettings
  readonly imap: ImapSettings
  readonly pop3: Pop3Settings
  readonly manageSieve: ManageSieveSettings
  readonly login: LoginSettings
  readonly submission: SubmissionSettings
  readonly mailAuthentication: MailAuthenticationSettings
  readonly queue: QueueSettings
  readonly delivery: DeliverySettings
  readonly forwarding: ForwardingSettings
  readonly dkim: DkimSettings
  readonly trail: TrailSettings
  readonly mailboxes: MailboxesSettings
  readonly alerts: AlertSettings
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' }
  readonly threads: { readonly front: number }
  /** Undefined: nobody may ask. */
  readonly health?: HealthSettings | undefined
  /** Undefined: our domains have no policy. */
  readonly mtaSts?: StsSettings | undefined
  /** Undefined: mail programs cannot ask how to reach this server. */
  readonly autoconfig?: AutoconfigSettings | undefined
  /** Servers that keep mail for this one, which it fetches (ATRN). */
  readonly fetch: readonly FetchSettings[]
  readonly spam: SpamSettings
  readonly scanners: readonly ScannerSettings[]
  /** A program of the administrator's own; undefined: none. */
  readonly hooks?: HookSettings | undefined
  /** VRFY and EXPN answer strangers too. */
  readonly verifyForEveryone: boolean
  readonly allowMissingAngleBrackets: boolean
}

/** 'note': what comes out is written down. 'enforce': and has consequences. */
export type CheckMode = 'off' | 'note' | 'enforce'

export interface MailAuthenticationSettings {
  readonly dmarc: CheckMode
  readonly spf: CheckMode
  readonly dkim: CheckMode
  readonly arc: 'off' | 'note'
  readonly iprev: CheckMode
  /** Canonical domains. */
  readonly trustedArcSealers: readonly string[]
  readonly temporaryFailure: 'defer' | 'accept'
  /** Where whoever is refused reads more. */
  readonly explanationUrl?: string | undefined
  readonly dmarcReports: DmarcReportSettings
}

/** Daily reports to the domains that ask for them (RFC 9990). */
export interface DmarcReportSettings {
  readonly send: boolean
  /** Default: the host name. */
  readonly organization?: string | undefined
  /** An address. Default: the postmaster of the host name. */
  readonly contact?: string | undefined
}

export interface ListenerSettings {
  readonly role: ListenerRole
  readonly address: string
  readonly port: number
  readonly proxyFrom: readonly string[]
}

/** A UNIX socket has a path, a port has clients. */
export interface LmtpSettings {
  /** Absolute. */
  readonly path?: string | undefined
  /** '0660' */
  readonly mode?: string | undefined
  readonly owner?: string | undefined
  readonly group?: string | undefined
  readonly address?: string | undefined
  readonly port?: number | undefined
  readonly clients?: readonly string[] | undefined
}

export interface LmtpSocket extends Pick<LmtpSettings, 'owner' | 'group'> {
  readonly path: string
  /** 0o660 */
  readonly mode: number
}

export interface LmtpPort {
  readonly address: string
  readonly port: number
  readonly clients: readonly string[]
}

export function lmtpSocketsOf(lmtp: readonly LmtpSettings[]): readonly LmtpSocket[] {
  return lmtp.flatMap(({ path, mode = '0600', owner, group }) =>
    path === undefined ? [] : [{ path, mode: Number.parseInt(mode, 8), owner, group }],
  )
}

export function lmtpPortsOf(lmtp: readonly LmtpSettings[]): readonly LmtpPort[] {
  return lmtp.flatMap(({ address = '::', port, clients = [] }) =>
    port === undefined ? [] : [{ address, port, clients }],
  )
}

export interface TlsSettings {
  /** PEM files; without them a certificate is generated and kept in the data folder. */
  readonly certificateFile?: string | undefined
  readonly keyFile?: string | undefined
  /** For other names. */
  readonly certificates: readonly CertificateFiles[]
  /** Undefined: this server asks no authority. */
  readonly acme?: AcmeSettings | undefined
}

export interface AcmeSettings {
  readonly contact: readonly string[]
  /** One certificate for each; default: the host name. */
  readonly names?: readonly string[] | undefined
  readonly challenge: ChallengeType
  /** Where the authority is answered; not for dns-01. */
  readonly address: string
  /** Default: where it asks. */
  readonly port?: number | undefined
  /** A program and its arguments; for dns-01. */
  readonly hook?: readonly string[] | undefined
  readonly directory: string
  /** PEM. */
  readonly caPem?: string | undefined
  readonly externalAccount?: { readonly keyId: string; readonly hmacKey: string } | undefined
  /** 0: never. */
  readonly rotateKeyDays: number
}

/** For which names an authority issues certificates to this server. */
export function issuedNamesOf({ hostname, tls }: Pick<Settings, 'hostname' | 'tls'>): readonly string[] {
  return tls.acme ? (tls.acme.names ?? [hostname]) : []
}

/** Where whoever is refused for where his message is from reads more; undefined: this server has no page that others can reach. */
export function explanationUrlOf(
  settings: Pick<Settings, 'hostname' | 'tls' | 'mtaSts' | 'mailAuthentication'>,
): string | undefined {
  const { hostname, tls, mtaSts, mailAuthentication } = settings
  if (mailAuthentication.explanationUrl !== undefined) return mailAuthentication.explanationUrl
  const isProven = issuedNamesOf(settings).includes(hostname) || certificateFilesOf(tls).length > 0
  return mtaSts?.port === httpsPort && isProven ? `https://${hostname}${refusalPath}` : undefined
}

const httpsPort = 443

/** Where the authority asks, and is answered unless the settings say otherwise. */
export function acmePort(challenge: ChallengeType): number {
  return challenge === 'http-01' ? 80 : 443
}

/** In the order in which they are asked for a name. */
export function certificateFilesOf({
  certificateFile,
  keyFile,
  certificates,
}: TlsSettings): CertificateFiles[] {
  const first = certificateFile === undefined || keyFile === undefined ? [] : [{ certificateFile, keyFile }]
  return [...first, ...certificates]
}

export interface LimitSettings {
  readonly maxMessageBytes: number
  readonly maxRecipients: number
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly maxErrorsPerSession: number
  readonly maxTransactionsPerSession: number
  readonly commandTimeoutSeconds: number
  readonly dataBlockTimeoutSeconds: number
  readonly sessionTimeoutMinutes: number
  readonly drainSeconds: number
  readonly strangers: StrangerLimitSettings
}

/** Of sessions in which users read their mail. */
export interface ImapSettings {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly idleTimeoutMinutes: number
}

/** Of sessions in which programs fetch mail. */
export interface Pop3Settings {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly idleTimeoutMinutes: number
}

/** Of sessions in which users keep their scripts. */
export interface ManageSieveSettings {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly idleTimeoutMinutes: number
}

/** Of one network; 0: without limit. */
export interface StrangerLimitSettings {
  readonly connectionsPerMinute: number
  readonly connectionsPerHour: number
  readonly messagesPerMinute: number
  readonly messagesPerHour: number
  readonly recipientsPerMinute: number
  readonly recipientsPerHour: number
  readonly refusedRecipientsPerMinute: number
  readonly refusedRecipientsPerHour: number
  /** Networks that are not counted. */
  readonly exempt: readonly string[]
}

export interface LoginSettings {
  /** SCRAM-SHA-256 and SCRAM-SHA-1 with their -PLUS. Default: `mechanismsOf`. */
  readonly mechanisms?: readonly PasswordMechanism[] | undefined
  /** Wrong passwords for one account from one network, after which that network gets no further with it. */
  readonly maxFailuresPerAccount: number
  /** The same for one network and all names; and for one account, from wherever. */
  readonly maxFailuresPerNetwork: number
  readonly blockMinutes: number
  readonly maxDelaySeconds: number
  readonly openid: readonly OpenIdSettings[]
  readonly ldap?: LdapSettings | undefined
  /** Undefined: no certificates of clients are taken. */
  readonly certificates?: ClientCertificateSettings | undefined
}

export interface ClientCertificateSettings {
  /** PEM: who is trusted to say who a client is; without them nobody is asked. */
  readonly caPem?: string | undefined
  /** The addresses in a certificate count. */
  readonly useAddresses: boolean
  readonly accounts: readonly {
    /** Of the subject; it has no other. */
    readonly commonName?: string | undefined
    /** SHA-256 of the whole certificate, 64 hexadecimal digits. */
    readonly fingerprint?: string | undefined
    readonly account: string
  }[]
}

export function mechanismsOf({
  mechanisms,
  ldap,
}: Pick<LoginSettings, 'mechanisms' | 'ldap'>): readonly PasswordMechanism[] {
  return mechanisms ?? (ldap ? shownMechanisms : usualMechanisms)
}

/** Accounts beside those of this server. */
export interface LdapSettings {
  readonly url: string
  /** For ldap://. */
  readonly tls: 'starttls' | 'never'
  /** PEM. */
  readonly caPem?: string | undefined
  /** Canonical; none: all of this server. */
  readonly domains: readonly string[]
  readonly bindDn?: string | undefined
  readonly password?: string | undefined
  readonly passwordFile?: string | undefined
  /** One of the two. */
  readonly base?: string | undefined
  readonly userDn?: string | undefined
  /** '(mail={address})' */
  readonly filter: string
  readonly addressAttribute: string
  readonly aliasAttribute?: string | undefined
  readonly nameAttribute: string
  /** Only its members. */
  readonly group?: string | undefined
  readonly timeoutSeconds: number
}

/** Whose tokens are taken (OAUTHBEARER, XOAUTH2). */
export interface OpenIdSettings {
  readonly issuer: string
  /** One of these is whom the token is for. */
  readonly audience: readonly string[]
  /** Which claim of a token names the account: 'email', 'preferred_username'. */
  readonly claim: string
  /** The claim `email` counts only where `email_verified` says so. */
  readonly verifiedEmailOnly: boolean
  /** Put behind a claim that has no @; canonical. */
  readonly domain?: string | undefined
  /** Demanded. */
  readonly scope?: string | undefined
  /** PEM. */
  readonly caPem?: string | undefined
}

export interface SubmissionSettings {
  /** As whom an account may send, in MAIL and in the fields that a reader sees: its own addresses (with its aliases), any of its domain, any. */
  readonly senderAddress: 'own' | 'own-domain' | 'any'
  /** Whose mail goes to many, whatever it says of itself: accounts, other sender addresses, domains. */
  readonly bulkSenders: readonly string[]
  /** An account that suddenly sends as a stranger with its password would has its mail held. */
  readonly holdSuspects: boolean
  /** Of what an account sends: so many points of scanners are too many; undefined: no number is. */
  readonly spamScore?: number | undefined
  readonly whenSpam: 'hold' | 'refuse'
  readonly accountLimits: AccountLimitSettings
  /** The first that means a sender counts. */
  readonly limits: readonly SenderLimitSettings[]
  readonly allowPlaintextAuthOnLoopback: boolean
  /** 0 … 9: the highest that a user may give a message. */
  readonly maxPriority: number
  /** How far ahead a message may be scheduled; 0: not at all. */
  readonly maxHoldDays: number
}

export interface QueueSettings {
  /** Waits before the 2nd, 3rd … attempt; the last one repeats. */
  readonly retryMinutes: readonly number[]
  readonly lifetimeHours: number
  /** The same for domains that this server relays. */
  readonly relayLifetimeHours: number
  /** After this a delay notice goes to the sender, once; 0: never. */
  readonly delayNoticeHours: number
  /** Accept and keep, deliver nothing until released: for maintenance and moves. */
  readonly hold: boolean
}

export interface DeliverySettings {
  /** Without it mail goes to the MX of its domain. */
  readonly smartHost?: SmartHostSettings | undefined
  /** Where MX hosts listen; 25 everywhere but in tests. */
  readonly port: number
  readonly maxConnections: number
  readonly maxConnectionsPerDestination: number
  readonly maxRecipientsPerTransaction: number
  readonly connectTimeoutSeconds: number
  readonly commandTimeoutSeconds: number
  /** STARTTLS when offered, and as the receiver's policy (DANE, MTA-STS) demands; or never. */
  readonly tls: 'opportunistic' | 'never'
  /** Whose word is taken that an answer of the DNS was validated. */
  readonly dnssec: DnssecTrust
  /** Reports about TLS go to receivers who ask for them (RFC 8460). */
  readonly tlsReports: boolean
  /** 'address:port' or address; default: those of the system. */
  readonly dnsServers: readonly string[]
  /** Try IPv6 addresses. */
  readonly ipv6: boolean
  /** A message with more Received fields than this is in a loop (RFC 5321 §6.3). */
  readonly maxReceivedFields: number
  /** For some destinations; the first that says something counts. */
  readonly limits: readonly ShapingSettings[]
  /** The first that fits a message is its own; none: the system chooses the address. */
  readonly sourcePools: readonly SourcePoolSettings[]
  readonly verp: VerpSettings
  /** Who has mailboxes that are not here. */
  readonly lmtp: readonly LmtpStoreSettings[]
}

export interface LmtpStoreSettings {
  /** Canonical; none: those of all accounts for whom no other is named. */
  readonly domains: readonly string[]
  /** 'unix:/run/dovecot/lmtp', 'dovecot.example.com:24' */
  readonly to: string
}

/** Addresses of this machine from which some mail leaves. */
export interface SourcePoolSettings {
  readonly name: string
  /** Of these three each means everything when it is empty. */
  readonly senders: readonly string[]
  readonly destinations: readonly string[]
  readonly classes: readonly MessageClass[]
  readonly sources: readonly [SourceSettings, ...SourceSettings[]]
}

export interface SourceSettings {
  /** In canonical form. */
  readonly address: string
  /** Default: the server's own name. */
  readonly heloName?: string | undefined
  /** Recipients a day for each receiver on the first day, the second …; true: as usual. */
  readonly warmUp: boolean | readonly number[]
}

/** How many recipients in a time. */
export interface RateSettings {
  readonly perSecond?: number | undefined
  readonly perMinute?: number | undefined
  readonly perHour?: number | undefined
  readonly perDay?: number | undefined
}

/** How much some destinations get at a time; what is not said here is as for others. */
export interface ShapingSettings extends RateSettings {
  readonly match: readonly string[]
  readonly connections?: number | undefined
  readonly messagesPerConnection?: number | undefined
  readonly recipientsPerTransaction?: number | undefined
}

/** How much each account may send of which no rule says more; 0: without limit. */
export interface AccountLimitSettings {
  readonly perHour: number
  readonly perDay: number
  readonly newRecipientsPerDay: number
}

/** How much a sender may send in a time. */
export interface SenderLimitSettings extends RateSettings {
  readonly match: readonly string[]
  /** Addresses to which an account has never written; 0: without limit. */
  readonly newRecipientsPerDay?: number | undefined
}

export interface ForwardingSettings {
  /** SRS: what leaves by an alias or a group gets a reverse-path of ours. */
  readonly rewriteSender: boolean
  /** Default: the domain of the alias or group. */
  readonly domain?: string | undefined
  /** What strangers have written gets an ARC set (RFC 8617). */
  readonly sealArc: boolean
}

export interface DkimSettings {
  /** Mail from domains of this server is signed. */
  readonly sign: boolean
  /** 0: keys are not replaced by themselves. */
  readonly rotateDays: number
  /** A key whose record this server does not see is used all the same, so long after it was made; 0: never. */
  readonly signUnseenAfterHours: number
}

export interface VerpSettings {
  /** 'news@example.test', '@lists.example.test': whose mail has a reverse-path for each recipient. */
  readonly senders: readonly string[]
  /** Between the recipient's local-part and domain. */
  readonly delimiter: string
}

export interface MailboxesSettings {
  readonly keepExpungedDays: number
  /** Of an account of which nothing else is said; 0: no limit. */
  readonly quotaMegabytes: number
  readonly quotaMessages: number
  /** The same; 0: for ever. */
  readonly keepTrashDays: number
  readonly keepJunkDays: number
}

/** As IMAP counts, a megabyte is 1024 × 1024 (RFC 9208 §5.1). */
export const bytesPerMegabyte = 1024 * 1024

export function usualQuotaOf({
  quotaMegabytes,
  quotaMessages,
}: Pick<MailboxesSettings, 'quotaMegabytes' | 'quotaMessages'>): Extent {
  return { bytes: quotaMegabytes * bytesPerMegabyte, messages: quotaMessages }
}

export interface TrailSettings {
  readonly retentionDays: number
  readonly maxMegabytes: number
}

export interface AlertSettings {
  /** Addresses. Default: the postmaster of the first domain. */
  readonly to?: readonly string[] | undefined
}

export interface HealthSettings {
  readonly address: string
  readonly port: number
  readonly stopDelaySeconds: number
}

/** What points mean, and who gives them. */
/** The policy that our domains publish (RFC 8461), and where it is served. */
export interface StsSettings {
  readonly mode: StsMode
  readonly maxAgeDays: number
  /** Default: the host name. */
  readonly mx?: readonly string[] | undefined
  readonly address: string
  readonly port: number
}

export interface AutoconfigSettings {
  readonly address: string
  readonly port: number
}

export function ownStsPolicy({ hostname }: Pick<Settings, 'hostname'>, sts: StsSettings): OwnStsPolicy {
  return { ...sts, mx: sts.mx ?? [hostname] }
}

export interface SpamSettings {
  readonly junkScore: number
  readonly greylistScore: number
  readonly refuseScore: number
  /** What the client calls itself, and what its address is called, count. */
  readonly clientNames: boolean
  /** Nothing proves that the message is from where it says. */
  readonly unproven: UnprovenPoints
  /** Of strangers from networks that have not been here. */
  readonly greetingDelaySeconds: number
  /** Of strangers who have been refused several times. */
  readonly refusalDelaySeconds: number
  /** Undefined: only what a scanner wants kept aside is. */
  readonly quarantineScore?: number | undefined
  readonly quarantineDays: number
  /** The filter that learns. */
  readonly filter: boolean
  readonly lists: readonly AddressListSettings[]
}

/** 0: it does not count. */
export interface UnprovenPoints {
  /** A From field in one of our domains. */
  readonly ownDomain: number
  /** One in one of our domains within the name of somebody else. */
  readonly ownWithinName: number
  /** One that looks like one of ours, in letters of another script. */
  readonly ownLookAlike: number
  readonly spfFail: number
  readonly spfSoftfail: number
  readonly spfPermerror: number
  /** DMARC fails, by the policy of the domain, where no more comes of it. */
  readonly dmarcNone: number
  readonly dmarcQuarantine: number
  readonly dmarcReject: number
}

export interface AddressListSettings {
  readonly zone: string
  readonly points: number
  /** None: all count. */
  readonly answers: readonly string[]
}

export interface ScannerSettings {
  readonly kind: 'rspamd' | 'spamassassin' | 'clamav' | 'milter' | 'http'
  /** For all but http. */
  readonly at?: string | undefined
  /** For http. */
  readonly url?: string | undefined
  readonly authorization?: string | undefined
  readonly sendsMessage: boolean
  readonly user?: string | undefined
  readonly weight: number
  readonly timeoutSeconds: number
  readonly whenDown?: 'accept' | 'defer' | undefined
  readonly whenTooLarge: 'accept' | 'quarantine' | 'refuse'
  /** Asked about what our accounts send, too. */
  readonly outgoing: boolean
  readonly maxMegabytes: number
}

export interface HookSettings {
  /** Absolute. */
  readonly file: string
  readonly timeoutSeconds: number
  readonly maxMegabytes: number
}

export interface FetchSettings {
  readonly host: string
  readonly port: number
  /** implicit: TLS from the first byte; starttls: demanded. A password never goes out without. */
  readonly tls: 'implicit' | 'starttls'
  readonly verifyCertificate: boolean
  readonly username: string
  readonly password?: string | undefined
  readonly passwordFile?: string | undefined
  /** Canonical; none: all that the account may fetch. */
  readonly domains: readonly string[]
  readonly everyMinutes: number
}

export interface SmartHostSettings {
  readonly host: string
  readonly port: number
  /** implicit: TLS from the first byte; starttls: demanded; opportunistic; never. */
  readonly tls: 'implicit' | 'starttls' | 'opportunistic' | 'never'
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly passwordFile?: string | undefined
  /** False only for a smart host with a certificate of its own making. */
  readonly verifyCertificate: boolean
}
