// The settings file as one schema: it validates, fills in the defaults, and holds what the documentation says. From it
// come docs/settings.md, the file that `postrider init` writes, and the advice given with each mistake.
import { availableParallelism } from 'node:os'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { isOnThisMachine } from '../address/on-this-machine.ts'
import { parseDomain } from '../address/parse-domain.ts'
import { nodeRoles } from '../cluster/nodes.ts'
import { canonicalFingerprint } from '../policy/certificate-names.ts'
import { messageClasses } from '../queue/message-class.ts'
import { passwordMechanisms } from '../sasl/mechanisms.ts'
import { listenerRoles, usualPorts } from './listener-roles.ts'
import {
  canonicalCertificateName,
  canonicalHostname,
  canonicalNetwork,
  canonicalReceiver,
  canonicalSender,
  problemOfAddress,
  problemOfAttribute,
  problemOfBindPassword,
  problemOfCertificateName,
  problemOfClients,
  problemOfDirectory,
  problemOfDn,
  problemOfDnsServer,
  problemOfDomain,
  problemOfFilter,
  problemOfFingerprint,
  problemOfHost,
  problemOfHostname,
  problemOfIssuer,
  problemOfLdapUrl,
  problemOfListAnswer,
  problemOfLmtpStore,
  problemOfMailAddress,
  problemOfMode,
  problemOfNetwork,
  problemOfPoolName,
  problemOfReceiver,
  problemOfScannerEndpoint,
  problemOfSender,
  problemOfSocketPath,
  problemOfSourceAddress,
  problemOfStorage,
  problemOfUserDn,
  problemOfVerpSender,
} from './setting-text.ts'
import { acmePort } from './settings.ts'

export interface SettingDocumentation {
  /** What it does, when to change it. */
  readonly text: string
  /** TOML, as it stands after the `=`. */
  readonly example?: string
  /** In words, where the default depends on the machine or on what else is set. */
  readonly defaultText?: string
}

/** What the documentation says about each setting and each table. */
export const settingDocumentation = z.registry<SettingDocumentation>()

function setting<S extends z.ZodType>(
  schema: S,
  text: string,
  more: Omit<SettingDocumentation, 'text'> = {},
): S {
  // Documented by what it is: a schema of two settings would have the words of the later one for both.
  if (settingDocumentation.has(schema)) throw new Error(`two settings share one schema: ${text}`)
  settingDocumentation.add(schema, { text, ...more })
  return schema
}

/** A string with a form of its own; the message of a mistake says what to write instead. */
function formed(problemOf: (text: string) => string | undefined): z.ZodString {
  return z.string().check(context => {
    const message = problemOf(context.value)
    if (message !== undefined) context.issues.push({ code: 'custom', input: context.value, message })
  })
}

/** Of a table: what is wrong with it stands with one of its settings. */
function complaintsOf({
  issues,
  value: input,
}: z.core.ParsePayload): (name: string, message: string) => void {
  return (name, message) => void issues.push({ code: 'custom', input, path: [name], message })
}

const sender = (): z.ZodType<string> =>
  formed(problemOfSender).overwrite(text => canonicalSender(text) ?? text)

const receiver = (): z.ZodType<string> =>
  formed(problemOfReceiver).overwrite(text => canonicalReceiver(text) ?? text)

const count = (least: number, most: number): z.ZodInt => z.int().min(least).max(most)
const nonEmpty = z.string().min(1)
/** Of its own: what is said of a setting stands with its schema. */
const nonEmptyText = (): z.ZodString => z.string().min(1)
const port = (): z.ZodInt => count(0, 65_535)
const hostname = formed(problemOfHostname).overwrite(text => canonicalHostname(text) ?? text)
const network = formed(problemOfNetwork).overwrite(text =>
  problemOfNetwork(text) === undefined ? canonicalNetwork(text) : text,
)
const networks = z.array(network)
const domain = formed(problemOfDomain).overwrite(text => parseDomain(text) ?? text)

const listener = z.strictObject({
  role: setting(
    z.enum(listenerRoles),
    'relay: mail from other servers (port 25). submission: mail from your users, with STARTTLS (port 587). submissions: the same with TLS from the first byte (port 465). imap: your users read their mail, with STARTTLS (port 143). imaps: the same with TLS from the first byte (port 993). pop3: programs of your users fetch their mail, with STLS (port 110). pop3s: the same with TLS from the first byte (port 995). sieve: your users keep the scripts that sort their mail (ManageSieve), with STARTTLS (port 4190).',
    { example: '"relay"' },
  ),
  address: setting(
    formed(problemOfAddress).default('::'),
    'The address to listen on. "::" is every address of this machine, IPv6 and IPv4; "0.0.0.0" every IPv4 address.',
    { example: '"192.0.2.1"' },
  ),
  port: setting(port(), 'The port. 0 lets the system choose one, which only tests want.', { example: '25' }),
  proxyFrom: setting(
    networks.default([]),
    'Load balancers in front of this listener: addresses or networks whose connections start with a PROXY protocol header (version 1 or 2). From them the header is demanded; from anyone else it is refused.',
    { example: '["192.0.2.10"]' },
  ),
})

const defaultListeners: z.output<typeof listener>[] = listenerRoles.map(role => ({
  role,
  address: '::',
  port: usualPorts[role],
  proxyFrom: [],
}))

const listeners = z
  .array(listener)
  .min(1)
  .check(context => {
    const seen = new Map<string, number>()
    for (const [index, { address, port: number }] of context.value.entries()) {
      if (number === 0) continue
      const first = seen.get(`${address} ${number}`)
      if (first === undefined) seen.set(`${address} ${number}`, index)
      else {
        context.issues.push({
          code: 'custom',
          input: context.value,
          path: [index, 'port'],
          message: `The listener number ${first + 1} has this address and port already. Give this one another port or another address, or remove it.`,
        })
      }
    }
  })

const lmtpListener = z
  .strictObject({
    path: setting(
      formed(problemOfSocketPath).optional(),
      'A UNIX socket to listen on. Its folder has to be there. Give a path or a port.',
      { example: '"/run/postrider/lmtp"' },
    ),
    mode: setting(
      formed(problemOfMode).optional(),
      'Who may open the socket, as chmod takes it: "0600" its owner, "0660" its group too.',
      { example: '"0660"', defaultText: '"0600"' },
    ),
    owner: setting(
      nonEmptyText().optional(),
      'To which user the socket is given, by name or number. Only root may give it away.',
      { example: '"postfix"', defaultText: 'the user of this server' },
    ),
    group: setting(
      nonEmptyText().optional(),
      'To which group the socket is given, by name or number: one that the user of this server is in.',
      { example: '"postfix"', defaultText: 'the group of this server' },
    ),
    address: setting(
      formed(problemOfAddress).optional(),
      'The address to listen on, with a port. "::" is every address of this machine.',
      { example: '"10.0.0.5"', defaultText: '"::"' },
    ),
    port: setting(
      count(0, 65_535).optional(),
      'The port; LMTP must not have that of SMTP (25). 0 lets the system choose one, which only tests want.',
      { example: '24' },
    ),
    clients: setting(
      z.array(formed(problemOfClients)).optional(),
      'Who may talk LMTP to the port: the addresses or networks of your servers in front. LMTP knows no passwords, so nobody else gets in.',
      { example: '["10.0.0.7"]' },
    ),
  })
  .check(context => {
    const { path, port: number, clients = [], ...rest } = context.value
    const complain = complaintsOf(context)
    if (path === undefined && number === undefined)
      complain('path', 'Write path = "/run/postrider/lmtp" for a UNIX socket, or port and clients.')
    if (path !== undefined && number !== undefined)
      complain('port', 'A [[lmtp]] has a path or a port. Write another [[lmtp]] for the port, or remove one.')
    if (number === 25)
      complain(
        'port',
        'Port 25 is for SMTP, and LMTP must not be there (RFC 2033). Write another one: port = 24',
      )
    const ofPath = (['mode', 'owner', 'group'] as const).find(name => rest[name] !== undefined)
    if (path === undefined && ofPath !== undefined)
      complain(
        ofPath,
        `${ofPath} is for a UNIX socket, and this is a port. Remove it, or write path instead of port.`,
      )
    if (path !== undefined && rest.address !== undefined)
      complain('address', 'A UNIX socket has no address. Remove this line.')
    if (path !== undefined && context.value.clients !== undefined)
      complain('clients', 'Who may open a UNIX socket, mode, owner and group say. Remove this line.')
    if (path === undefined && number !== undefined && clients.length === 0)
      complain(
        context.value.clients === undefined ? 'port' : 'clients',
        'LMTP knows no passwords: say who may talk to this port. Write for example clients = ["10.0.0.7"]',
      )
  })

const moreCertificate = z.strictObject({
  certificateFile: setting(z.string().min(1), 'The certificate with its chain (PEM).', {
    example: '"/etc/letsencrypt/live/mail.example.org/fullchain.pem"',
  }),
  keyFile: setting(z.string().min(1), 'Its private key (PEM, without a passphrase).', {
    example: '"/etc/letsencrypt/live/mail.example.org/privkey.pem"',
  }),
})

const letsEncrypt = 'https://acme-v02.api.letsencrypt.org/directory'

const acme = z
  .strictObject({
    agreeToTerms: setting(
      z.boolean(),
      'true: you agree to the terms of service of the authority (those of Let’s Encrypt: https://letsencrypt.org/repository/). Without it the server does not ask for anything.',
      { example: 'true' },
    ),
    contact: setting(
      z.array(formed(problemOfMailAddress)).default([]),
      'Addresses to which the authority may write about your certificates.',
      { example: '["admin@example.com"]' },
    ),
    names: setting(
      z
        .array(formed(problemOfCertificateName).overwrite(text => canonicalCertificateName(text) ?? text))
        .min(1)
        .max(100)
        .optional(),
      'The names for which it gets certificates, one for each name. A name with a * takes dns-01.',
      { example: '["mail.example.com", "mail.example.org"]', defaultText: 'hostname' },
    ),
    challenge: setting(
      z.enum(['http-01', 'tls-alpn-01', 'dns-01']).default('http-01'),
      'How the authority sees that the names are yours. http-01: it asks this server on port 80. tls-alpn-01: on port 443. dns-01: it looks for a record in the DNS, which the program under hook puts there.',
    ),
    address: setting(
      formed(problemOfAddress).default('::'),
      'The address on which the authority is answered. "::" is every address of this machine.',
      { example: '"192.0.2.1"' },
    ),
    port: setting(
      count(0, 65_535).optional(),
      'The port on which the authority is answered, where something before this server leads its port 80 or 443 to another one. 0 lets the system choose one, which only tests want.',
      { example: '8080', defaultText: '80 for http-01, 443 for tls-alpn-01' },
    ),
    hook: setting(
      z.array(z.string().min(1)).min(1).optional(),
      'For dns-01: a program and its arguments. It gets three more: add or remove, the name of the TXT record, and its text. It ends when all servers of the zone have it. No shell is in between.',
      { example: '["/etc/postrider/dns-hook", "--zone", "example.com"]' },
    ),
    directory: setting(
      formed(problemOfDirectory).default(letsEncrypt),
      'The address of the authority’s directory (ACME, RFC 8555). To try out: https://acme-staging-v02.api.letsencrypt.org/directory',
      { example: '"https://acme.example.com/directory"' },
    ),
    caFile: setting(
      nonEmptyText().optional(),
      'Certificates (PEM) of who vouches for the authority’s own web server, beside those that everybody knows: for an authority of your own.',
      { example: '"/etc/postrider/own-authority.pem"' },
    ),
    keyId: setting(
      nonEmptyText().optional(),
      'For an authority that wants an account with it beforehand (external account binding): the id of the key that it gave you.',
      { example: '"kid-1"' },
    ),
    hmacKeyFile: setting(
      nonEmptyText().optional(),
      'A file whose first line is that key, as the authority wrote it (base64url).',
      { example: '"/etc/postrider/acme-key"' },
    ),
    rotateKeyDays: setting(
      count(0, 3650).default(0),
      'Days after which a certificate gets a new key. 0: the key stays, and TLSA records stay right. A new key is made a renewal ahead, and used when its TLSA record is published (see "postrider certificate tlsa"), or none is.',
    ),
  })
  .check(context => {
    const { agreeToTerms, challenge, hook, names = [], keyId, hmacKeyFile } = context.value
    const complain = complaintsOf(context)
    if (!agreeToTerms)
      complain(
        'agreeToTerms',
        'Without your agreement to its terms the authority issues nothing. Write true, or remove [tls.acme].',
      )
    if (challenge === 'dns-01' && hook === undefined)
      complain(
        'challenge',
        'dns-01 takes a program that writes to the DNS. Write hook = ["/path/to/program"] too.',
      )
    if (challenge !== 'dns-01' && hook !== undefined)
      complain('hook', `hook is for dns-01 only, and challenge is ${challenge}. Remove one of them.`)
    const pattern = names.findIndex(name => name.startsWith('*'))
    if (challenge !== 'dns-01' && pattern !== -1)
      complain(
        'names',
        `"${names[pattern]}" can be proven by dns-01 only. Write challenge = "dns-01", or whole names.`,
      )
    if ((keyId === undefined) !== (hmacKeyFile === undefined))
      complain(
        keyId === undefined ? 'hmacKeyFile' : 'keyId',
        'keyId and hmacKeyFile belong together. Write both, or neither.',
      )
  })

const tls = z
  .strictObject({
    certificateFile: setting(
      nonEmpty.optional(),
      'The certificate with its chain (PEM, the server’s own first). Read again when it changes. Without it a certificate is generated and kept in the data folder: enough for other servers, but mail programs warn of it.',
      { example: '"/etc/letsencrypt/live/mail.example.com/fullchain.pem"' },
    ),
    keyFile: setting(nonEmpty.optional(), 'The private key of the certificate (PEM, without a passphrase).', {
      example: '"/etc/letsencrypt/live/mail.example.com/privkey.pem"',
    }),
    certificates: setting(
      z.array(moreCertificate).default([]),
      'More certificates, for other names that this server is reached by: one [[tls.certificates]] for each. Whoever names a server in the handshake (SNI) gets the first certificate that has the name; all others get that for the host name.',
      { defaultText: 'none' },
    ),
    acme: setting(
      acme.optional(),
      'Certificates that this server gets by itself, and renews: from Let’s Encrypt, or another authority that speaks ACME.',
      { defaultText: 'it gets none' },
    ),
  })
  .check(context => {
    const { certificateFile, keyFile, acme: asked } = context.value
    if (asked && asked.names === undefined && certificateFile !== undefined)
      context.issues.push({
        code: 'custom',
        input: context.value,
        path: ['certificateFile'],
        message:
          'This certificate and [tls.acme] are both for the host name. Write in [tls.acme] for which names it is (names), or remove certificateFile and keyFile.',
      })
    const given = certificateFile === undefined ? 'keyFile' : 'certificateFile'
    const missing = certificateFile === undefined ? 'certificateFile' : 'keyFile'
    if ((certificateFile === undefined) !== (keyFile === undefined)) {
      context.issues.push({
        code: 'custom',
        input: context.value,
        path: [given],
        message: `tls.${given} stands alone, and a certificate is of no use without its key. Write ${missing} too, or remove both to have a certificate generated.`,
      })
    }
  })

const perTime = (usual: number) => count(0, 1_000_000_000).default(usual)

const strangerLimits = z.strictObject({
  connectionsPerMinute: setting(
    perTime(200),
    'Connections from one network in a minute; more are answered 421. 0, here as below: without limit.',
  ),
  connectionsPerHour: setting(perTime(3000), 'The same in an hour.'),
  messagesPerMinute: setting(
    perTime(200),
    'Messages from one network in a minute; more are put off (450 to MAIL).',
  ),
  messagesPerHour: setting(perTime(2000), 'The same in an hour.'),
  recipientsPerMinute: setting(
    perTime(1000),
    'Recipients, of all its messages, in a minute; more are put off (450 to RCPT).',
  ),
  recipientsPerHour: setting(perTime(5000), 'The same in an hour.'),
  refusedRecipientsPerMinute: setting(
    perTime(50),
    'Recipients that do not exist, or are elsewhere, in a minute, beside as many as are taken. From half of them on each refusal is held back (spam.refusalDelaySeconds); beyond them the connection is closed (421), and no other is taken from that network until the time is over.',
  ),
  refusedRecipientsPerHour: setting(perTime(100), 'The same in an hour.'),
  exempt: setting(
    z.array(network).default([]),
    'Networks to which none of this applies: relays of partners, your second mail host, a service that filters your mail.',
    {
      example: '["192.0.2.0/24", "2001:db8::/32"]',
      defaultText: 'none',
    },
  ),
})

const limits = z.strictObject({
  maxMessageBytes: setting(
    count(65_536, 2_147_483_647).default(52_428_800),
    'The largest message, in bytes. Told to clients (SIZE), checked at MAIL and again while the message arrives. An attachment grows by a third on its way.',
  ),
  maxRecipients: setting(
    count(100, 100_000).default(1000),
    'Recipients of one message. RFC 5321 demands at least 100.',
  ),
  maxConnections: setting(
    count(1, 1_000_000).default(10_000),
    'Connections of SMTP at one time, over all listeners; more are answered 421. Each costs a file descriptor ("ulimit -n").',
  ),
  maxConnectionsPerAddress: setting(
    count(1, 1_000_000).default(50),
    'Connections at one time from one IP address; of IPv6, from one /64. Raise it when many users share one address, or for a load test from one machine.',
  ),
  maxErrorsPerSession: setting(
    count(1, 10_000).default(20),
    'Refused commands after which a session is ended with 421.',
  ),
  maxTransactionsPerSession: setting(
    count(1, 1_000_000).default(10_000),
    'Messages in one session; told to clients (LIMITS MAILMAX).',
  ),
  commandTimeoutSeconds: setting(
    count(1, 86_400).default(300),
    'Seconds to wait for the next command. RFC 5321 §4.5.3.2 asks for five minutes.',
  ),
  dataBlockTimeoutSeconds: setting(
    count(1, 86_400).default(180),
    'Seconds to wait for the next piece of a message. RFC 5321 §4.5.3.2 asks for three minutes.',
  ),
  sessionTimeoutMinutes: setting(
    count(1, 10_080).default(120),
    'Minutes that one whole connection may last.',
  ),
  drainSeconds: setting(
    count(0, 3600).default(30),
    'Seconds that messages under way get to finish when the server stops; new connections get 421 meanwhile.',
  ),
  strangers: setting(
    strangerLimits.prefault({}),
    'What strangers on port 25 may bring in a time, for each network (a /24 of IPv4; a /64 of IPv6, and all of its /48 together as much). Networks from which wanted mail comes may bring ten times as much, and after a day without limit, but for recipients that do not exist. Your users, localNetworks and private addresses are not counted.',
  ),
})

/** A schema of its own each time: what is said about one stands with it. */
const most = () => count(0, 1_000_000_000).optional()
const rates = {
  perSecond: setting(most(), 'Recipients in a second; 0: without limit.', { example: '10' }),
  perMinute: setting(most(), 'Recipients in a minute; 0: without limit.', { example: '100' }),
  perHour: setting(most(), 'Recipients in an hour; 0: without limit.', { example: '2000' }),
  perDay: setting(most(), 'Recipients in a day; 0: without limit.', { example: '20000' }),
}

const senderLimits = z.strictObject({
  match: setting(
    z.array(sender()).min(1),
    'For whom: an account by its address (then all that it sends counts, whatever the sender address), another sender address, a domain, or "*" for all. Each account, or address, that it means has the limit for itself. Recipients on this server count too; a group or an alias of this server once for all whose mailboxes are here.',
    { example: '["newsletter@example.com", "*"]' },
  ),
  ...rates,
  newRecipientsPerDay: setting(
    most(),
    'Of an account: addresses elsewhere to which it has never written, in 24 hours; 0: without limit. More are refused for now (450).',
    { example: '5000' },
  ),
})

const imap = z.strictObject({
  maxConnections: setting(
    count(1, 1_000_000).default(6000),
    'Connections at one time, over all listeners; whoever comes then is told to come again. A mail program has some of them open as long as it runs, and each costs a file descriptor ("ulimit -n").',
  ),
  maxConnectionsPerAddress: setting(
    count(1, 1_000_000).default(1000),
    'Connections at one time from one IP address; of IPv6, from one /64. A whole office may have one address.',
  ),
  idleTimeoutMinutes: setting(
    count(30, 10_080).default(31),
    'Minutes that a mail program may be silent. RFC 9051 §5.4 asks for 30 at least.',
  ),
})

const manageSieve = z.strictObject({
  maxConnections: setting(
    count(1, 1_000_000).default(1000),
    'Connections at one time, over all listeners; whoever comes then is told to come again.',
  ),
  maxConnectionsPerAddress: setting(
    count(1, 1_000_000).default(100),
    'Connections at one time from one IP address; of IPv6, from one /64.',
  ),
  idleTimeoutMinutes: setting(
    count(30, 10_080).default(31),
    'Minutes that a client that has logged in may be silent. RFC 5804 §1.2 asks for 30 at least.',
  ),
})

const pop3 = z.strictObject({
  maxConnections: setting(
    count(1, 1_000_000).default(1000),
    'Connections at one time, over all listeners; whoever comes then is told to come again. They are short.',
  ),
  maxConnectionsPerAddress: setting(
    count(1, 1_000_000).default(100),
    'Connections at one time from one IP address; of IPv6, from one /64. A whole office may have one address.',
  ),
  idleTimeoutMinutes: setting(
    count(10, 10_080).default(11),
    'Minutes that a program may be silent. RFC 1939 §3 asks for 10 at least. So long a mailbox may stay locked against other POP3 sessions when a connection breaks without a word.',
  ),
})

const accountLimits = z.strictObject({
  perHour: setting(
    count(0, 1_000_000_000).default(2000),
    'Recipients in an hour, here and elsewhere; 0: without limit. What goes beyond waits in the queue for its turn. A group or an alias of this server counts once for all whose mailboxes are here.',
  ),
  perDay: setting(count(0, 1_000_000_000).default(10_000), 'The same in a day.'),
  newRecipientsPerDay: setting(
    count(0, 1_000_000_000).default(1000),
    'Addresses elsewhere to which the account has never written, in 24 hours; 0: without limit. More are refused for now (450), so that whoever goes through a stolen list gets no further.',
  ),
})

const openid = z.strictObject({
  issuer: setting(
    formed(problemOfIssuer),
    'The provider, exactly as it calls itself in its tokens (iss). What else has to be known of it is asked there (/.well-known/openid-configuration behind it).',
    { example: '"https://sso.example.com/realms/main"' },
  ),
  audience: setting(
    z.array(nonEmpty).min(1),
    'For whom a token has to be (aud): one of these. What you write here stands for this server at the provider. A token for another program of yours is refused, or that program could send mail for your users.',
    { example: '["postrider"]' },
  ),
  claim: setting(
    nonEmptyText().default('email'),
    'Which claim of a token names the account, by the address of the account (not of an alias). Take one that your users cannot change at the provider themselves.',
    { example: '"preferred_username"' },
  ),
  verifiedEmailOnly: setting(
    z.boolean().default(true),
    'The claim email counts only where email_verified is true. false only for a provider that does not say so, and where nobody can write an address of somebody else: otherwise one user can be any other.',
  ),
  domain: setting(domain.optional(), 'Put behind a claim that has no @: "anna" is anna@ this domain.', {
    example: '"example.com"',
    defaultText: 'such a claim names nobody',
  }),
  scope: setting(nonEmptyText().optional(), 'A scope that a token must have (scope, or scp).', {
    example: '"mail"',
    defaultText: 'none is demanded',
  }),
  caFile: setting(
    nonEmptyText().optional(),
    'Certificates (PEM) of who vouches for the provider’s own web server, beside those that everybody knows.',
    { example: '"/etc/postrider/own-authority.pem"' },
  ),
})

const ldap = z
  .strictObject({
    url: setting(
      formed(problemOfLdapUrl),
      'The server: ldaps:// with TLS from the first byte, ldap:// with StartTLS.',
      { example: '"ldaps://ldap.example.com"' },
    ),
    tls: setting(
      z.enum(['starttls', 'never']).default('starttls'),
      'For ldap://. starttls: TLS before anything is said. never: passwords cross the network as they are, so it is for this very machine (localhost) only, unless allowCleartext says otherwise.',
    ),
    allowCleartext: setting(
      z.boolean().default(false),
      'Lets tls be never towards another machine: for a network that something else protects.',
    ),
    caFile: setting(
      nonEmptyText().optional(),
      'Certificates (PEM) of who vouches for that of the LDAP server, beside those that everybody knows.',
      { example: '"/etc/postrider/own-authority.pem"' },
    ),
    domains: setting(z.array(domain).default([]), 'The domains of this server whose people LDAP may know.', {
      example: '["example.com"]',
      defaultText: 'all of them',
    }),
    bindDn: setting(
      formed(problemOfDn).optional(),
      'As whom this server searches. Somebody who may read the addresses, and nothing else.',
      { example: '"cn=postrider,ou=services,dc=example,dc=com"', defaultText: 'as nobody (anonymous)' },
    ),
    password: setting(
      formed(problemOfBindPassword).optional(),
      'The password of bindDn. Better in a file: passwordFile.',
      {
        example: '"secret"',
      },
    ),
    passwordFile: setting(nonEmptyText().optional(), 'A file whose first line is that password.', {
      example: '"/etc/postrider/ldap-password"',
    }),
    base: setting(
      formed(problemOfDn).optional(),
      'Below which entry people are looked for. What the server says of entries elsewhere is not taken.',
      { example: '"ou=people,dc=example,dc=com"' },
    ),
    userDn: setting(
      formed(problemOfUserDn).optional(),
      'Instead of base: the name of a person’s entry, made from the address, so that nobody has to search: {localPart}, {domain}, {address}. Without a bindDn that may read the entries mail is refused for whoever has not logged in yet.',
      { example: '"uid={localPart},ou=people,dc=example,dc=com"' },
    ),
    filter: setting(
      formed(problemOfFilter).default('(mail={address})'),
      'Which entry is that of an address: {address}, {localPart}, {domain} stand for what is asked for, escaped (RFC 4515). Add aliases, and what else an entry must have.',
      { example: '"(&(objectClass=person)(|(mail={address})(proxyAddresses=smtp:{address})))"' },
    ),
    addressAttribute: setting(
      formed(problemOfAttribute).default('mail'),
      'Where an entry has its address. With several, the account has the shortest (of those the first in the alphabet), and the others are its aliases.',
    ),
    aliasAttribute: setting(
      formed(problemOfAttribute).optional(),
      'Where an entry has further addresses, which become aliases of the account. "smtp:" before one is left out.',
      { example: '"proxyAddresses"', defaultText: 'nowhere' },
    ),
    nameAttribute: setting(
      formed(problemOfAttribute).default('cn'),
      'Where an entry has the name of the person.',
      {
        example: '"displayName"',
      },
    ),
    group: setting(
      formed(problemOfDn).optional(),
      'Only members of this group (member, uniqueMember or memberUid in its entry). Groups within groups are not followed; Active Directory can do that in filter.',
      { example: '"cn=mail,ou=groups,dc=example,dc=com"', defaultText: 'everybody whom the filter finds' },
    ),
    timeoutSeconds: setting(count(1, 60).default(10), 'Seconds to wait for an answer.'),
  })
  .check(context => {
    const {
      url,
      tls: protection,
      allowCleartext,
      bindDn,
      password,
      passwordFile,
      base,
      userDn,
    } = context.value
    const complain = complaintsOf(context)
    if ((base === undefined) === (userDn === undefined))
      complain(
        base === undefined ? 'url' : 'userDn',
        base === undefined
          ? 'Where are your people in this directory? Write base = "ou=people,dc=example,dc=com" too.'
          : 'base and userDn are two ways to find an entry. Remove one of them.',
      )
    const hasPassword = password !== undefined || passwordFile !== undefined
    if (bindDn !== undefined && !hasPassword)
      complain('bindDn', 'bindDn stands without a password, so it proves nobody. Write passwordFile too.')
    if (bindDn === undefined && hasPassword)
      complain(
        password === undefined ? 'passwordFile' : 'password',
        'A password without bindDn is nobody’s. Write bindDn too.',
      )
    if (protection === 'never' && !allowCleartext && !isOnThisMachine(url))
      complain(
        'tls',
        'With tls = "never" the passwords of your users would cross the network as they are. Write tls = "starttls", or allowCleartext = true where something else protects that network.',
      )
    if (protection === 'never' && url.startsWith('ldaps:'))
      complain('tls', 'ldaps:// has TLS from the first byte. Remove tls, or write ldap:// in url.')
  })

const certificateAccount = z
  .strictObject({
    commonName: setting(
      nonEmptyText().optional(),
      'The common name (CN) in the subject of the certificate.',
      {
        example: '"scanner-3"',
      },
    ),
    fingerprint: setting(
      formed(problemOfFingerprint)
        .overwrite(text => canonicalFingerprint(text) ?? text)
        .optional(),
      'Instead of a common name: the SHA-256 of the certificate, as "openssl x509 -noout -fingerprint -sha256" shows it. The authority has to vouch for it all the same.',
      {
        example:
          '"5E:1D:0A:47:C3:0F:7B:91:22:E4:8C:6D:AA:10:93:F5:0C:7E:D2:35:B8:41:6F:9A:C0:54:1B:E7:38:2D:66:F1"',
      },
    ),
    account: setting(formed(problemOfMailAddress), 'The account that it is.', {
      example: '"scanner@example.com"',
    }),
  })
  .check(context => {
    const { commonName, fingerprint } = context.value
    if ((commonName === undefined) !== (fingerprint === undefined)) return
    context.issues.push({
      code: 'custom',
      input: context.value,
      path: [commonName === undefined ? 'account' : 'fingerprint'],
      message:
        commonName === undefined
          ? 'Which certificate is that of this account? Write commonName or fingerprint too.'
          : 'commonName and fingerprint are two ways to name a certificate. Remove one of them.',
    })
  })

const clientCertificates = z.strictObject({
  caFile: setting(
    nonEmptyText(),
    'Certificates (PEM) of the authorities that may say who a client is: your own. Never those that everybody knows, which give certificates to everybody.',
    { example: '"/etc/postrider/clients-authority.pem"' },
  ),
  useAddresses: setting(
    z.boolean().default(true),
    'A mail address in a certificate (rfc822Name of its subjectAltName) names the account. false where the authority does not look at what it writes there.',
  ),
  accounts: setting(
    z.array(certificateAccount).max(1000).default([]),
    'Whose a certificate is that has no address. One [[login.certificates.accounts]] for each.',
    { defaultText: 'such a certificate is nobody’s' },
  ),
})

const login = z.strictObject({
  mechanisms: setting(
    z.array(z.enum(passwordMechanisms)).min(1).optional(),
    'How users prove who they are with a password. SCRAM: it does not cross the network, and SCRAM-SHA-256-PLUS and SCRAM-SHA-1-PLUS, which come along, prove that nobody is in between. Its keys are made when a password is set, or at the next log-in with PLAIN or LOGIN; until then SCRAM fails for that account. SCRAM-SHA-1 is for old programs.',
    {
      example: '["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]',
      defaultText: '["SCRAM-SHA-256", "PLAIN", "LOGIN"]; where there is [login.ldap], ["PLAIN", "LOGIN"]',
    },
  ),
  maxFailuresPerAccount: setting(
    count(1, 1_000_000).default(10),
    'Wrong passwords for one account from one network (of IPv4 a /24, of IPv6 a /64), after which the right one is answered as a wrong one too, from there, for a while. Where the account has logged in within the last 90 days each address counts for itself. The same wrong password again from one address is no other one.',
  ),
  maxFailuresPerNetwork: setting(
    count(1, 1_000_000).default(100),
    'The same for one network, whatever the names. And so many for one account, from wherever, after which each network that is new to the account has two tries. Where an account has logged in within the last 90 days neither hinders it.',
  ),
  blockMinutes: setting(
    count(1, 1440).default(15),
    'How long wrong passwords count, from the first of them: after that everybody may try again.',
  ),
  maxDelaySeconds: setting(
    count(0, 60).default(4),
    'From the third wrong password on the answer is held back, first for a quarter of a second, then for twice as long each time, up to this. 0: not at all.',
  ),
  openid: setting(
    z.array(openid).max(20).default([]),
    'Providers whose tokens are taken instead of a password (OpenID Connect; OAUTHBEARER and XOAUTH2): Keycloak, Microsoft Entra ID and others that give out signed tokens (JWT). One [[login.openid]] for each.',
    { defaultText: 'no tokens are taken' },
  ),
  ldap: setting(
    ldap.optional(),
    'A directory over LDAP that knows accounts beside those of this server: OpenLDAP, Active Directory, 389 Directory Server and others. An account of it is made here when somebody first logs in to it, or writes to it; its password is LDAP’s.',
    { defaultText: 'there is none' },
  ),
  certificates: setting(
    clientCertificates.optional(),
    'Certificates of clients instead of a password (EXTERNAL): for programs and devices that have one. With this, mail programs on the ports for users are asked for a certificate; those that have none go on as before.',
    { defaultText: 'none are taken' },
  ),
})

const submission = z.strictObject({
  senderAddress: setting(
    z.enum(['own', 'own-domain', 'any']).default('own'),
    'Which addresses an account may send as: in MAIL, and in the From and Sender fields of the message, which are what a reader sees. own: its own, its aliases, and groups whose members may (postrider group change). own-domain: any in its domain too. any: any at all; what it writes in the name of a domain that is not of this server leaves unsigned.',
  ),
  allowPlaintextAuthOnLoopback: setting(
    z.boolean().default(false),
    'Lets programs on this machine log in without TLS (127.0.0.1 and ::1 only). For trying out.',
  ),
  maxPriority: setting(
    count(0, 9).default(9),
    'The highest priority that your users may give a message (MT-PRIORITY, -9 to 9; usual is 0). What is above 0 goes out before the mail of everybody else, and where a receiver takes only so much at a time, all of it does: lower this where one user must not hold up the others. Whoever asks for more is told what the message has got.',
  ),
  maxHoldDays: setting(
    count(0, 365).default(30),
    'Days for which your users may have a message held before it is delivered: “send later” (FUTURERELEASE). 0: not offered.',
  ),
  bulkSenders: setting(
    z.array(sender()).default([]),
    'Accounts that may write to many at once, by their address; other sender addresses; domains. Their mail counts as mass mail whatever it says of itself, so addresses that do not exist get no more of it (the suppression list). An account that stands here, or whose domain does, is also free of accountLimits, and a mailing of it is no reason to suspect a stolen password.',
    {
      example: '["newsletter@example.com"]',
      defaultText: 'nobody; what says that it goes to many is mass mail all the same',
    },
  ),
  holdSuspects: setting(
    z.boolean().default(true),
    'Holds the mail of an account that suddenly sends far more, to strangers, than it ever did, or to addresses that do not exist: somebody may have its password. The administrator is told (alerts.to). Senders in bulkSenders may.',
  ),
  spamScore: setting(
    z.number().min(0.1).max(1000).optional(),
    'Of what an account sends, so many points of the scanners with outgoing = true, and of the hook file, are too many.',
    { example: '8', defaultText: 'none: no number is' },
  ),
  whenSpam: setting(
    z.enum(['hold', 'refuse']).default('hold'),
    'What becomes of it. hold: it is taken, and all mail of the account is held until "postrider account release"; the administrator is told. refuse: this message is refused, with the reason.',
  ),
  accountLimits: setting(
    accountLimits.prefault({}),
    'How much each account may send that stands neither in submission.limits nor in bulkSenders.',
  ),
  limits: setting(
    z.array(senderLimits).default([]),
    'How much a sender may send to others in a time. What goes beyond is taken and waits in the queue for its turn. The first that means a sender counts.',
    { defaultText: 'no limits' },
  ),
})

const queue = z
  .strictObject({
    retryMinutes: setting(
      z.array(count(1, 10_080)).min(1).default([1, 5, 15, 30, 60, 120, 240]),
      'Minutes to wait before the second, third … attempt to deliver what a server has put off; the last number repeats until the lifetime is over. Where no server can be reached, or one wants less mail, they are the longest waits: the server finds out with one message when the destination is there again (after 1 to 30 minutes; up to 6 hours where it wants none from this server), and then all go.',
    ),
    lifetimeHours: setting(
      count(1, 720).default(120),
      'Hours after which the server gives up and tells the sender. RFC 5321 §4.5.4.1 asks for four to five days.',
    ),
    relayLifetimeHours: setting(
      count(1, 8760).default(720),
      'The same for domains that this server relays ("postrider domain create --relay"), whose own server may be away for weeks. Never shorter than lifetimeHours.',
    ),
    delayNoticeHours: setting(
      count(0, 720).default(4),
      'Hours after which the sender is told, once, that a message is still waiting. 0: never.',
    ),
    hold: setting(
      z.boolean().default(false),
      'Accepts and keeps mail but delivers none: for maintenance and moves. "postrider queue release" lets single messages go.',
    ),
  })
  .check(context => {
    const { delayNoticeHours, lifetimeHours } = context.value
    if (delayNoticeHours >= lifetimeHours) {
      context.issues.push({
        code: 'custom',
        input: context.value,
        path: ['delayNoticeHours'],
        message: `queue.delayNoticeHours is ${delayNoticeHours}, but the server gives up after lifetimeHours = ${lifetimeHours}. Write a smaller number, or 0 for no notice.`,
      })
    }
  })

const smartHost = z
  .strictObject({
    host: setting(
      formed(problemOfHost).overwrite(text => canonicalHostname(text) ?? text),
      'The name or the address of the smart host.',
      { example: '"smtp.example.com"' },
    ),
    port: setting(count(1, 65_535).default(587), 'The port of the smart host.'),
    tls: setting(
      z.enum(['implicit', 'starttls', 'opportunistic', 'never']).default('starttls'),
      'implicit: TLS from the first byte (port 465). starttls: STARTTLS, demanded. opportunistic: STARTTLS where offered. never: none.',
    ),
    username: setting(nonEmpty.optional(), 'The name to log in with at the smart host.', {
      example: '"mail@example.com"',
    }),
    password: setting(
      nonEmpty.optional(),
      'The password to log in with. Better in a file of its own: passwordFile.',
      {
        example: '"…"',
      },
    ),
    passwordFile: setting(nonEmpty.optional(), 'A file whose first line is the password.', {
      example: '"/etc/postrider/smart-host-password"',
    }),
    verifyCertificate: setting(
      z.boolean().default(true),
      'Demands a certificate that is valid for the host. false only for a smart host with a certificate of its own making.',
    ),
  })
  .check(context => {
    const { username, password, passwordFile } = context.value
    const complain = complaintsOf(context)
    const given = passwordFile === undefined ? 'password' : 'passwordFile'
    const hasPassword = password !== undefined || passwordFile !== undefined
    if (password !== undefined && passwordFile !== undefined) {
      complain(
        'password',
        'Both password and passwordFile are given. Remove one of them; passwordFile is the safer one.',
      )
    }
    if (username !== undefined && !hasPassword)
      complain('username', 'username stands without a password. Write passwordFile = "…" too.')
    if (username === undefined && hasPassword)
      complain(given, `${given} stands without a username. Write username = "…" too.`)
  })

const shaping = z.strictObject({
  match: setting(
    z.array(receiver()).min(1),
    'For whom: a provider ("gmail"), a domain (whose mail is then apart from that of others with the same mail hosts), a mail host, or the end of the name of mail hosts (".mail.protection.outlook.com"). What goes through the smart host is limited by its name alone, an address in brackets: ["smtp.example.net"] or ["[192.0.2.1]"].',
    { example: '["gmail", "example.org"]' },
  ),
  connections: setting(count(1, 1000).optional(), 'Connections at one time.', { example: '5' }),
  messagesPerConnection: setting(count(1, 1_000_000).optional(), 'Messages over one connection.', {
    example: '20',
  }),
  recipientsPerTransaction: setting(count(1, 10_000).optional(), 'Recipients of one transaction.', {
    example: '50',
  }),
  ...rates,
})

const source = z.strictObject({
  address: setting(
    formed(problemOfSourceAddress).overwrite(text =>
      ipaddr.isValid(text) ? ipaddr.parse(text).toString() : text,
    ),
    'An address of this machine. IPv4 addresses of receivers are reached from an IPv4 address only, and IPv6 from IPv6.',
    { example: '"192.0.2.10"' },
  ),
  heloName: setting(
    hostname.optional(),
    'The name that this server gives itself in EHLO when it connects from there. The PTR record of the address should name it.',
    { example: '"out1.example.com"', defaultText: 'hostname' },
  ),
  warmUp: setting(
    z.union([z.boolean(), z.array(count(1, 1_000_000_000)).min(1).max(365)]).default(true),
    'true: the address is new, and sends only so much to each receiver in a day, more each day, beginning with the first message that leaves from it. Or a list of your own: recipients a day for each receiver, on the first day, the second … After that there is no such limit. false: it is known already.',
    { example: '[100, 500, 2000, 10000]' },
  ),
})

const sourcePool = z.strictObject({
  name: setting(
    formed(problemOfPoolName),
    'What the pool is called, in letters, digits and hyphens. What waits for it in the queue waits under this name.',
    { example: '"newsletter"' },
  ),
  senders: setting(
    z.array(sender()).default([]),
    'Whose mail: an address, a domain, or "*" for each sender. Reports have no sender.',
    { example: '["news@example.com", "lists.example.com"]', defaultText: 'all mail, reports too' },
  ),
  destinations: setting(
    z.array(receiver()).default([]),
    'To whom, as in delivery.limits: a provider ("gmail"), a domain, a mail host, or the end of the name of mail hosts.',
    { example: '["gmail", "example.org"]', defaultText: 'all' },
  ),
  classes: setting(
    z.array(z.enum(messageClasses)).default([]),
    'What kind of mail. report: it has the null sender, as reports to senders have. bulk: it says itself that it goes to many, by a List-Id or List-Unsubscribe field or by Precedence: bulk, list or junk. transactional: all other.',
    { example: '["bulk"]', defaultText: 'all' },
  ),
  sources: setting(
    z.tuple([source], source),
    'The addresses of the pool, one [[delivery.sourcePools.sources]] for each. A message leaves from one of them that the receiver takes mail from at the moment.',
  ),
})

/** An address has one name at a receiver: to keep two kinds of mail apart is what pools are for. */
const sourcePools = z.array(sourcePool).check(context => {
  const names = new Set<string>()
  const poolOf = new Map<string, string>()
  const refuse = (path: PropertyKey[], message: string): void => {
    context.issues.push({ code: 'custom', input: context.value, path, message })
  }
  for (const [index, { name, sources }] of context.value.entries()) {
    if (names.has(name))
      refuse([index, 'name'], `There is a pool "${name}" already. Give this one another name.`)
    names.add(name)
    for (const [number, { address }] of sources.entries()) {
      const other = poolOf.get(address)
      if (other !== undefined)
        refuse(
          [index, 'sources', number, 'address'],
          `The pool "${other}" has ${address} already. Receivers judge an address by all that comes from it, so it belongs to one pool: remove it here or there.`,
        )
      poolOf.set(address, name)
    }
  }
})

const lmtpStore = z.strictObject({
  to: setting(
    formed(problemOfLmtpStore),
    'Where it takes LMTP: "unix:" and the path of a UNIX socket, or a host and a port.',
    { example: '"unix:/run/dovecot/lmtp"' },
  ),
  domains: setting(
    z.array(domain).default([]),
    'The domains whose mail goes there: of this server, or that it relays (these have to be named).',
    {
      example: '["example.org"]',
      defaultText: 'those of all accounts of which no other [[delivery.lmtp]] says more',
    },
  ),
})

const lmtpStores = z
  .array(lmtpStore)
  .max(100)
  .check(context => {
    const seen = new Set<string>()
    for (const [index, { domains }] of context.value.entries()) {
      for (const name of domains.length > 0 ? domains : ['']) {
        if (seen.has(name))
          context.issues.push({
            code: 'custom',
            input: context.value,
            path: [index, name === '' ? 'to' : 'domains'],
            message:
              name === ''
                ? 'Another [[delivery.lmtp]] without domains takes all the rest already. Name the domains of one of them.'
                : `Another [[delivery.lmtp]] has ${name} already. Name each domain once.`,
          })
        seen.add(name)
      }
    }
  })

const delivery = z.strictObject({
  port: setting(count(1, 65_535).default(25), 'The port of MX hosts: 25 everywhere but in tests.'),
  maxConnections: setting(
    count(1, 10_000).default(500),
    'Outgoing connections at one time. A quarter of them is kept for receivers that have none.',
  ),
  maxConnectionsPerDestination: setting(
    count(1, 1000).default(20),
    'Outgoing connections at one time to one receiver, from one address of this server: to its mail hosts, for however many domains they take mail.',
  ),
  maxRecipientsPerTransaction: setting(
    count(1, 10_000).default(100),
    'Recipients of one outgoing transaction; RFC 5321 §4.5.3.1.8 lets every server take 100.',
  ),
  connectTimeoutSeconds: setting(count(1, 600).default(30), 'Seconds to wait for a connection.'),
  commandTimeoutSeconds: setting(
    count(1, 3600).default(300),
    'Seconds to wait for a reply. RFC 5321 §4.5.3.2 asks for five minutes.',
  ),
  tls: setting(
    z.enum(['opportunistic', 'never']).default('opportunistic'),
    'opportunistic: STARTTLS where the receiver offers it, with any certificate; where the receiver has published a policy (DANE, MTA-STS), what it demands. never: none and no policies, for tests.',
  ),
  dnssec: setting(
    z.enum(['loopback', 'always', 'never']).default('loopback'),
    'Whose word is taken that an answer of the DNS is proven (DNSSEC), which DANE needs. loopback: that of a resolver on this machine (127.0.0.1, ::1). always: that of every DNS server that is asked; only when they validate, and nobody between them and this machine can change their answers. never: nobody’s, so there is no DANE.',
  ),
  tlsReports: setting(
    z.boolean().default(true),
    'Sends a daily report on TLS to each receiver who asks for one (TLS-RPT, RFC 8460): how many connections were encrypted as its policy wants it, and which were not, and why.',
  ),
  dnsServers: setting(
    z.array(formed(problemOfDnsServer)).default([]),
    'DNS servers to ask, each an address, with its port if that is not 53.',
    { example: '["192.0.2.53", "[2001:db8::53]:5353"]', defaultText: 'those of the system' },
  ),
  ipv6: setting(
    z.boolean().default(true),
    'Tries IPv6 addresses of receivers too. Turn it off where IPv6 leads nowhere.',
  ),
  maxReceivedFields: setting(
    count(10, 1000).default(100),
    'Received fields with which a message counts as running in a circle. RFC 5321 §6.3 asks for at least 100.',
  ),
  // Tables last, so that the example file has their headings after all settings of [delivery] itself.
  limits: setting(
    z.array(shaping).default([]),
    'How much some receivers get at a time from one address of this server. What is not said for one is as for all, or as is known of the large providers. What goes beyond waits in the queue for its turn.',
    { defaultText: 'what is known of the large providers' },
  ),
  sourcePools: setting(
    sourcePools.default([]),
    'From which addresses of this machine some mail leaves: one [[delivery.sourcePools]] for each pool of addresses. The first pool whose senders, destinations and classes all fit a message is its own.',
    { defaultText: 'the system chooses the address' },
  ),
  verp: setting(
    z
      .strictObject({
        senders: setting(
          z.array(formed(problemOfVerpSender)).default([]),
          'Whose mail leaves with a return path of its own for each recipient: "news@example.com", or "@lists.example.com" for every address of a domain. A bounce that comes late, or from a server that names nobody, then still tells which recipient it is about. Each must be an account, or lead to one. Such mail goes out one recipient at a time, so name bulk senders only.',
          { example: '["news@example.com"]' },
        ),
        delimiter: setting(
          z.enum(['=', '#', '~']).default('='),
          'What stands for the @ of the recipient in such a return path: news+boris=example.org@example.com. Bounces that come back under another one are not recognised any longer.',
        ),
      })
      .prefault({}),
    'Return paths that name the recipient (VERP).',
  ),
  lmtp: setting(
    lmtpStores.default([]),
    'Mailboxes that another server has (Dovecot, Cyrus): mail for them is handed over by LMTP instead of being kept here. One [[delivery.lmtp]] for each such server.',
    { defaultText: 'mailboxes are here' },
  ),
  smartHost: setting(
    smartHost.optional(),
    'Hands all mail for others to one server (a provider’s, for example) instead of to the MX of each domain. Needed where port 25 is blocked.',
    { defaultText: 'mail goes to the MX of its domain' },
  ),
})

const forwarding = z.strictObject({
  rewriteSender: setting(
    z.boolean().default(true),
    'Mail of strangers that an alias, a group or a catch-all sends on to another server leaves with a sender address of yours (SRS): else the check of its real sender there (SPF) would fail. Reports that come back to such an address go on to the real sender.',
  ),
  domain: setting(
    hostname.optional(),
    'The domain of these sender addresses. Its MX has to lead to this server, and its SPF record has to name it.',
    { example: '"example.com"', defaultText: 'the domain of the alias or group' },
  ),
  sealArc: setting(
    z.boolean().default(false),
    'Seals mail of strangers that an alias, a group or a catch-all sends on to another server (ARC, RFC 8617), with the RSA key of the same domain: it then says what this server had found (SPF, DKIM, DMARC) before the message went on. Of use where the next server trusts yours. Needs dkim.sign, and mailAuthentication.arc not off.',
  ),
})

const dkim = z.strictObject({
  sign: setting(
    z.boolean().default(true),
    'Signs what your users and this server send from a domain of this server (DKIM, RFC 6376), with an RSA and an Ed25519 key for each domain, which the server makes. A key signs as soon as its record is seen in the DNS, and for as long: "postrider domain dns example.com" prints the records, "postrider domain dkim example.com" how it stands.',
  ),
  rotateDays: setting(
    count(0, 3650).default(180),
    'Days after which a key is replaced. The new one is made then, and an alert asks to publish its record; the old one signs until that has been seen for a day. 0: only when you say so ("postrider domain dkim example.com --rotate").',
  ),
  signUnseenAfterHours: setting(
    count(0, 720).default(0),
    'Hours after which a new key signs although this server does not see its record. Only for a server whose own DNS does not show what the world sees: elsewhere a signature with a key that nobody finds is worth less than none. 0: never.',
  ),
})

const fetchedDomain = formed(text =>
  parseDomain(text) === undefined
    ? `"${text}" is no domain name. Write for example "example.org".`
    : undefined,
).overwrite(text => parseDomain(text) ?? text)

const fetched = z
  .strictObject({
    host: setting(
      formed(problemOfHost).overwrite(text => canonicalHostname(text) ?? text),
      'The name or the address of the server that keeps the mail.',
      { example: '"mail.example.com"' },
    ),
    port: setting(
      count(1, 65_535).default(587),
      'Its port: one on which it takes AUTH. On-Demand Mail Relay has 366.',
    ),
    tls: setting(
      z.enum(['implicit', 'starttls']).default('starttls'),
      'implicit: TLS from the first byte (port 465). starttls: STARTTLS. One of them is demanded, for the password’s sake.',
    ),
    verifyCertificate: setting(
      z.boolean().default(true),
      'Demands a certificate that is valid for the host. false only for a server with a certificate of its own making.',
    ),
    username: setting(nonEmpty, 'The account there that owns the domains.', {
      example: '"customer@example.com"',
    }),
    password: setting(nonEmpty.optional(), 'Its password. Better in a file of its own: passwordFile.', {
      example: '"…"',
    }),
    passwordFile: setting(nonEmpty.optional(), 'A file whose first line is the password.', {
      example: '"/etc/postrider/fetch-password"',
    }),
    domains: setting(
      z.array(fetchedDomain).max(100).default([]),
      'The domains whose mail is fetched. They are domains of this server.',
      { example: '["example.org"]', defaultText: 'all that the account owns there' },
    ),
    everyMinutes: setting(
      count(1, 10_080).default(10),
      'Minutes from one time to the next; the first is when the server starts. "postrider fetch" does it at once.',
    ),
  })
  .check(context => {
    const { password, passwordFile } = context.value
    if ((password === undefined) === (passwordFile === undefined))
      context.issues.push({
        code: 'custom',
        input: context.value,
        path: [password === undefined ? 'username' : 'password'],
        message:
          password === undefined
            ? 'username stands without a password. Write passwordFile = "…" too.'
            : 'Both password and passwordFile are given. Remove one of them; passwordFile is the safer one.',
      })
  })

const scannerEndpoint = formed(problemOfScannerEndpoint)

const scanner = z
  .strictObject({
    kind: setting(
      z.enum(['rspamd', 'spamassassin', 'clamav', 'milter', 'http']),
      'What it speaks: rspamd (HTTP, /checkv2), spamassassin (spamd), clamav (clamd, INSTREAM), milter (any that speaks the protocol of Sendmail’s), http (a program of yours behind a URL: JSON in, a verdict in JSON out).',
    ),
    at: setting(
      scannerEndpoint.optional(),
      'Where it listens: a host and a port, or the path of a Unix socket. Not for http.',
      { example: '"127.0.0.1:11333"' },
    ),
    url: setting(
      z.url({ protocol: /^https?$/, error: 'Write a URL that begins with http:// or https://.' }).optional(),
      'For http: what is asked.',
      {
        example: '"http://127.0.0.1:8080/verdict"',
      },
    ),
    authorization: setting(
      nonEmpty.optional(),
      'For http: the field Authorization of the request. For rspamd: the password of its worker.',
      { example: '"Bearer …"' },
    ),
    sendsMessage: setting(z.boolean().default(true), 'For http: whether the message goes too, in base64.'),
    user: setting(nonEmpty.optional(), 'For spamassassin: whose rules and learning it uses.', {
      example: '"debian-spamd"',
    }),
    weight: setting(z.number().min(0).max(100).default(1), 'Its points times this are those of the message.'),
    timeoutSeconds: setting(count(1, 300).default(20), 'Seconds to wait for its verdict.'),
    whenDown: setting(
      z.enum(['accept', 'defer']).optional(),
      'What becomes of a message that it could not look at. accept: it is taken as if the scanner had said nothing. defer: the sender has to try again later.',
      { defaultText: 'defer for clamav, accept for the others' },
    ),
    maxMegabytes: setting(
      count(1, 10_000).default(25),
      'Larger messages are not shown to it: whenTooLarge says what becomes of them.',
    ),
    whenTooLarge: setting(
      z.enum(['accept', 'quarantine', 'refuse']).default('accept'),
      'What becomes of a message that is too large for it, by maxMegabytes or by a limit of its own (StreamMaxLength of ClamAV). accept: it is taken as if the scanner had said nothing, and the trail says so. quarantine: nobody gets it before an administrator has looked at it (of what your accounts send: refused). refuse: the sender is told that it is too large to be looked at.',
    ),
    outgoing: setting(
      z.boolean().default(false),
      'Whether it looks at what your accounts send, too. What it refuses, or wants in quarantine, is refused, and an alert names the account; for its points see spamScore under [submission].',
    ),
  })
  .check(context => {
    const { kind, at, url } = context.value
    const refuse = complaintsOf(context)
    if (kind === 'http') {
      if (url === undefined)
        refuse('kind', 'A scanner of this kind needs the url that is asked. Write url = "http://…" too.')
      if (at !== undefined)
        refuse('at', 'A scanner of the kind http has a url, which says where it is. Remove at.')
      return
    }
    if (at === undefined)
      refuse(
        'kind',
        'Where does this scanner listen? Write at = "127.0.0.1:11333", or the path of its socket, too.',
      )
    if (url !== undefined)
      refuse('url', 'Only a scanner of the kind http has a url. Remove it, or write kind = "http".')
  })

const hooks = z.strictObject({
  file: setting(
    nonEmptyText(),
    'The file, in TypeScript or JavaScript, which exports some of the functions connect, hello, mail, rcpt and data. It is loaded anew when it changes.',
    { example: '"hooks.ts"' },
  ),
  timeoutSeconds: setting(
    z.number().min(0.1).max(60).default(5),
    'Seconds in which a function has to give its verdict. Later there is none.',
  ),
  maxMegabytes: setting(
    count(16, 4096).default(64),
    'Memory for its JavaScript, in each front thread. What needs more is ended and started anew.',
  ),
})

const addressList = z.strictObject({
  zone: setting(
    formed(problemOfHostname).overwrite(text => canonicalHostname(text) ?? text),
    'The zone that is asked for the address of the client.',
    { example: '"zen.spamhaus.org"' },
  ),
  points: setting(
    z.number().min(-100).max(100).default(3),
    'The points of a message from an address that is on the list; below 0 for a list of good senders.',
  ),
  answers: setting(
    z.array(formed(problemOfListAnswer)).max(100).default([]),
    'Which answers count; a star stands for any number.',
    {
      example: '["127.0.0.2", "127.0.0.3"]',
      defaultText: 'all of 127.0.0.0/8',
    },
  ),
})

/** Of a check; 0 for one that is not to count. */
const unprovenPoints = (usual: number) => z.number().min(0).max(100).default(usual)

const unproven = z.strictObject({
  ownDomain: setting(
    unprovenPoints(8),
    'The From field has an address of one of your domains or of a name below one, or has it as the name of somebody else, and neither SPF nor a signature proves that the message is from there: somebody writes as one of your people. A service that sends in your name has to stand in the SPF record of the domain, or to sign; else its mail goes to Junk, as long as these points reach spam.junkScore.',
  ),
  ownWithinName: setting(
    unprovenPoints(1.5),
    'The name of somebody else in the From field has an address of one of your domains and more text behind it, and nothing proves that the message is from there: "boss@example.com, urgent" of a stranger. Calendars and lists write such names too ("anna@example.com via Calendar"), so it is few points, and none of a list to which one of yours has written.',
  ),
  ownLookAlike: setting(
    unprovenPoints(8),
    'The From field has an address, or one in a name, that looks like one of one of your domains, and has letters of another script in it: an "а" of Cyrillic in "example.com". Whoever has registered such a name proves it, so it counts though SPF, DKIM and DMARC pass.',
  ),
  spfFail: setting(
    unprovenPoints(2),
    'SPF says that this server may not send for the domain of the sender address, and no signature of that domain or of the author holds. Mail that somebody forwards here fails too.',
  ),
  spfSoftfail: setting(unprovenPoints(1), 'The same, of which the domain is not sure (~all).'),
  spfPermerror: setting(
    unprovenPoints(1),
    'The SPF record of the domain of the sender address cannot be used (it has a mistake, asks for too much, or there are two), and no signature of that domain or of the author holds: nobody can say who may send for it.',
  ),
  dmarcNone: setting(
    unprovenPoints(1),
    'Nothing proves the domain of the From field (DMARC), which asks for nothing then (p=none).',
  ),
  dmarcQuarantine: setting(
    unprovenPoints(2.5),
    'The same, of a domain that wants such mail treated as suspicious (p=quarantine), where mailAuthentication.dmarc is not "enforce"; and of a From field that each program reads in its own way.',
  ),
  dmarcReject: setting(
    unprovenPoints(3.5),
    'The same, of a domain that wants such mail refused (p=reject), where mailAuthentication.dmarc is not "enforce".',
  ),
})

const spam = z
  .strictObject({
    junkScore: setting(
      z.number().min(0.1).max(1000).default(5),
      'A message of a stranger with so many points goes to the mailbox Junk.',
    ),
    greylistScore: setting(
      z.number().min(0.1).max(1000).default(3),
      'One with so many points, and fewer than junkScore, from somebody who is not known has to come again after five minutes, which mail servers do by themselves. Known is who has come again before, a provider of which several have, and to whom your users have written. A greylistScore that is not below junkScore: nobody has to.',
    ),
    refuseScore: setting(
      z.number().min(0.1).max(1000).default(15),
      'One with so many points is refused, so that its sender hears of it.',
    ),
    clientNames: setting(
      z.boolean().default(true),
      'Points for a server that calls itself by our name, by an address that is not its own or by no full name, and for an address without a name (PTR) that leads back to it.',
    ),
    greetingDelaySeconds: setting(
      z.number().min(0).max(60).default(4),
      'A stranger from a network that has not been here is greeted after so long. Programs that send spam often talk before, and are turned away. 0: at once.',
    ),
    refusalDelaySeconds: setting(
      z.number().min(0).max(60).default(3),
      'Of the recipients that a stranger names in one session, each that is refused after the third is refused after so long: who tries names takes long over it. 0: at once.',
    ),
    quarantineScore: setting(
      z.number().min(0.1).max(1000).optional(),
      'One with so many points, and fewer than refuseScore, is kept aside: nobody gets it before an administrator has looked at it ("postrider quarantine list") and released it. What a scanner wants in quarantine is kept aside in any case.',
      { example: '10', defaultText: 'none: it goes to Junk' },
    ),
    quarantineDays: setting(
      count(1, 3650).default(30),
      'Days for which a message is kept aside. Then it is removed; its sender is not told, since most senders of spam are forged.',
    ),
    filter: setting(
      z.boolean().default(true),
      'The filter that learns from what your users put into Junk, take out of it and answer (over IMAP, "postrider mail junk", "postrider spam").',
    ),
    unproven: setting(
      unproven.prefault({}),
      'Points for a message of which nothing proves that it is from where it says. What a server in mailAuthentication.trustedArcSealers, or a mailing list to which somebody who gets it has written, has sent on has none. 0: it does not count.',
    ),
    lists: setting(
      z.array(addressList).max(20).default([]),
      'Lists of addresses in the DNS: of those that send spam, and of those that do not. Read their terms; most do not answer public resolvers. One [[spam.lists]] for each.',
    ),
  })
  .check(context => {
    const { junkScore, quarantineScore, refuseScore } = context.value
    if (quarantineScore !== undefined && (quarantineScore < junkScore || quarantineScore > refuseScore))
      context.issues.push({
        code: 'custom',
        input: context.value,
        path: ['quarantineScore'],
        message: `quarantineScore is ${quarantineScore}, and not between junkScore (${junkScore}) and refuseScore (${refuseScore}). Write one between them.`,
      })
    if (refuseScore < junkScore)
      context.issues.push({
        code: 'custom',
        input: context.value,
        path: ['refuseScore'],
        message: `refuseScore is ${refuseScore}, less than junkScore, which is ${junkScore}: nothing would ever go to Junk. Write a refuseScore above junkScore.`,
      })
  })

const health = z.strictObject({
  address: setting(
    formed(problemOfAddress).default('127.0.0.1'),
    'The address on which health is told. Whoever reaches it learns no more than which part is in trouble.',
    { example: '"192.0.2.11"' },
  ),
  port: setting(port(), 'The port. 0 lets the system choose one, which only tests want.', {
    example: '8025',
  }),
  stopDelaySeconds: setting(
    count(0, 600).default(0),
    'Seconds between the order to stop, from which on /ready answers 503, and the moment when new connections get 421: so long the server goes on as before, so that a load balancer can notice. Set it to twice the time in which yours notices.',
    { example: '10' },
  ),
})

const mtaSts = z.strictObject({
  mode: setting(
    z.enum(['testing', 'enforce', 'none']).default('testing'),
    'testing: others report what is wrong, and deliver all the same ("postrider tls-reports"). enforce: others deliver only over TLS with a certificate that they can check. none: there was a policy, and it no longer counts.',
  ),
  maxAgeDays: setting(count(1, 365).default(14), 'So long others may go by a policy that they have fetched.'),
  mx: setting(
    z
      .array(formed(problemOfCertificateName).overwrite(text => canonicalCertificateName(text) ?? text))
      .min(1)
      .max(100)
      .optional(),
    'The mail hosts of your domains, as their MX records name them; a * stands for one label.',
    { example: '["mail.example.com", "*.backup.example.net"]', defaultText: 'hostname' },
  ),
  address: setting(
    formed(problemOfAddress).default('::'),
    'The address on which the policy is served, over HTTPS. "::" is every address of this machine.',
    { example: '"192.0.2.1"' },
  ),
  port: setting(
    count(0, 65_535).default(443),
    'Its port, where something before this server leads port 443 to another one. 0 lets the system choose one, which only tests want.',
  ),
})

const autoconfig = z.strictObject({
  address: setting(
    formed(problemOfAddress).default('::'),
    'The address on which they are answered, over HTTPS. "::" is every address of this machine.',
    { example: '"192.0.2.1"' },
  ),
  port: setting(
    count(0, 65_535).default(443),
    'Its port, where something before this server leads port 443 to another one. It may be that of [mtaSts], with the same address. 0 lets the system choose one, which only tests want.',
  ),
})

const checkMode = z.enum(['off', 'note', 'enforce'])

const problemOfOrganization = (text: string): string | undefined =>
  /^[^\p{Cc}]{1,200}$/u.test(text) ? undefined : 'Write a name of at most 200 characters, on one line.'

const dmarcReports = z.strictObject({
  send: setting(
    z.boolean().default(true),
    'Sends a daily report to each domain that asks for one in its DMARC record (rua=, RFC 9990): from which addresses mail in its name came, what SPF and DKIM found, and what became of it. Nothing of a message itself is in it.',
  ),
  organization: setting(
    formed(problemOfOrganization).optional(),
    'Who you are, for those who read the reports.',
    { example: '"Example Ltd"', defaultText: 'the name of this server' },
  ),
  contact: setting(
    formed(problemOfMailAddress).optional(),
    'The address to which those who read the reports may write.',
    { example: '"postmaster@example.com"', defaultText: 'postmaster at the name of this server' },
  ),
})

const mailAuthentication = z
  .strictObject({
    dmarc: setting(
      checkMode.default('enforce'),
      'Is the message from the domain in its From field? enforce: what that domain wants refused (DMARC, p=reject) is refused, or put into Junk where a mailing list or forwarder that is known here has sent it on; what it wants treated as suspicious (p=quarantine) is taken, and put into the mailbox Junk. Needs spf and dkim, not off.',
    ),
    spf: setting(
      checkMode.default('note'),
      'May this server send for the domain of the sender address? DMARC needs the answer. enforce: a clear no (fail) is refused too, and with it mail that somebody forwards here from an address elsewhere.',
    ),
    dkim: setting(
      checkMode.default('note'),
      'Which domains have signed the message, and is it as they signed it? DMARC needs the answer. enforce: refused when it is signed and no signature holds; mailing lists break signatures, so hardly anybody wants that.',
    ),
    arc: setting(
      z.enum(['off', 'note']).default('note'),
      'What servers on the way had found before they changed the message. It counts for those in trustedArcSealers.',
    ),
    iprev: setting(
      checkMode.default('note'),
      'Does the address of the client have a name that leads back to it? enforce: refused when it has none.',
    ),
    trustedArcSealers: setting(
      z.array(domain).default([]),
      'Domains of forwarders and mailing lists whose word is taken: when one of them had found a message good (ARC) before it changed it, DMARC does not refuse it here, and it has none of the points in spam.unproven. Domains below them count too.',
      { example: '["lists.example.org"]' },
    ),
    temporaryFailure: setting(
      z.enum(['defer', 'accept']).default('defer'),
      'When a domain wants mail refused or put aside, and the DNS does not answer what would prove that the message is from it. defer: the sender has to try again later. accept: it is taken.',
    ),
    explanationUrl: setting(
      z.url({ protocol: /^https?$/, error: 'Write a URL that begins with http:// or https://.' }).optional(),
      'The page to which a reply points that refuses a message for where it is from. The server has one of its own, in English and Russian, where [mtaSts] serves port 443 and the certificate is no self-made one.',
      {
        example: '"https://www.example.com/why-refused"',
        defaultText: 'https://<hostname>/refused, or where that is not served, the text of the standard',
      },
    ),
    dmarcReports: setting(
      dmarcReports.prefault({}),
      'Reports on what DMARC found, to the domains that ask for them. Needs dmarc, not off.',
    ),
  })
  .check(context => {
    const { dmarc, spf, dkim } = context.value
    const missing = spf === 'off' ? 'spf' : dkim === 'off' ? 'dkim' : undefined
    if (dmarc === 'off' || missing === undefined) return
    context.issues.push({
      code: 'custom',
      input: context.value,
      path: [missing],
      message: `mailAuthentication.${missing} is "off", but DMARC needs it. Write "note", or dmarc = "off" too.`,
    })
  })

const settingsTable = z.strictObject({
  hostname: setting(
    hostname,
    'The name of this server: in its greeting, in EHLO, in Received fields. Its A or AAAA record has to point here, and the PTR record of its address back to it, or others will take its mail for spam. Where an MX record leads to a server that has the same name, it is taken for this one, and gets no mail: only those that share a database may have it together.',
    { example: '"mail.example.com"' },
  ),
  dataFolder: setting(
    nonEmpty.default('postrider-data'),
    'Where mail, queue, accounts and keys are kept: one folder, to be backed up as one. A relative path counts from this file.',
    { example: '"/var/lib/postrider"' },
  ),
  storage: setting(
    formed(problemOfStorage).default('sqlite'),
    'Where mail, queue and accounts are kept. "sqlite": in the data folder, for one server. Or a PostgreSQL database, for any number of servers that share it: "postgres://user:password@host:port/database"; hosts of a primary and its standbys are parted by commas, and the primary is found among them. What a server made for itself (its generated certificate) stays in the data folder of each.',
    { example: '"postgres://postrider:secret@db1.example.com,db2.example.com/postrider"' },
  ),
  roles: setting(
    z
      .array(z.enum(nodeRoles))
      .min(1)
      .default([...nodeRoles]),
    'What this server does, where several share a PostgreSQL database. "front": it talks to senders. "delivery": it delivers what is in the queue. One alone does both.',
    { example: '["front"]' },
  ),
  language: setting(
    z.enum(['en', 'ru']).default('en'),
    'The language of reports to senders who have not chosen one: English or Russian.',
  ),
  localNetworks: setting(
    networks.default([]),
    'Networks whose machines may send anywhere without logging in. Name only what you trust entirely: whoever is inside can send spam in your name.',
    { example: '["192.0.2.0/24", "2001:db8::/32"]' },
  ),
  verifyForEveryone: setting(
    z.boolean().default(false),
    'VRFY and EXPN answer strangers too. They help collectors of addresses; users who are logged in always get an answer.',
  ),
  allowMissingAngleBrackets: setting(
    z.boolean().default(false),
    'Accepts MAIL FROM:anna@example.com without angle brackets, as some old devices send it.',
  ),
  listeners: setting(
    listeners.default(defaultListeners),
    'Where the server listens: one [[listeners]] for each port. With none in the file it listens for all of them, on their usual ports of every address.',
    { defaultText: listenerRoles.map(role => `${role} on ${usualPorts[role]}`).join(', ') },
  ),
  lmtp: setting(
    z.array(lmtpListener).max(20).default([]),
    'Where another mail server in front of this one hands over mail for mailboxes here, over LMTP (RFC 2033): it is told of each recipient what has become of the message, which is in the mailbox when it is taken (where a script sorts the mail of the account: in the queue, and sorted a moment later). One [[lmtp]] for each socket or port.',
    { defaultText: 'none' },
  ),
  tls: setting(tls.prefault({}), 'The certificate that this server shows.'),
  limits: setting(limits.prefault({}), 'What one stranger may demand of the server.'),
  imap: setting(imap.prefault({}), 'IMAP: how your users read their mail.'),
  pop3: setting(pop3.prefault({}), 'POP3: how programs of your users fetch their mail.'),
  manageSieve: setting(
    manageSieve.prefault({}),
    'ManageSieve: how your users keep the scripts that sort their mail.',
  ),
  login: setting(login.prefault({}), 'How users log in, whatever the protocol.'),
  submission: setting(submission.prefault({}), 'Mail from your own users.'),
  mailAuthentication: setting(
    mailAuthentication.prefault({}),
    'Where mail of strangers on port 25 is from. For each check: off; note: what comes out is written into the message (Authentication-Results) and the trail; enforce: and has consequences. Your users, localNetworks and programs on this machine are not checked.',
  ),
  queue: setting(queue.prefault({}), 'Mail that waits for delivery.'),
  delivery: setting(delivery.prefault({}), 'How mail for others leaves.'),
  forwarding: setting(forwarding.prefault({}), 'Mail that aliases and groups send on to other servers.'),
  dkim: setting(dkim.prefault({}), 'Signatures of mail from domains of this server.'),
  fetch: setting(
    z.array(fetched).default([]),
    'Servers that keep mail for this one, which fetches it on connections that it opens itself (ATRN): for a server without an address of its own, or behind a network that lets nobody in. One [[fetch]] for each.',
    { defaultText: 'none' },
  ),
  mailboxes: setting(
    z
      .strictObject({
        keepExpungedDays: setting(
          count(0, 3650).default(14),
          'Days for which a message that somebody has deleted can be had back ("postrider mail deleted", "postrider mail restore"). Until then its room on the disk is not free, but it does not count for the quota of its owner. 0: it is gone within the hour.',
        ),
        quotaMegabytes: setting(
          count(0, 100_000_000).default(0),
          'How much an account may have in its mailboxes, where neither it nor its domain has a quota of its own ("postrider account quota", "postrider domain quota"). 0: no limit. Its owner gets a message at 80 and at 95 per cent. When it is full, its mail is put off; after a week like that, refused.',
          { example: '5000' },
        ),
        quotaMessages: setting(count(0, 1_000_000_000).default(0), 'The same for the number of messages.', {
          example: '500000',
        }),
        keepTrashDays: setting(
          count(0, 3650).default(30),
          'Days for which a message stays in the trash of an account (its mailbox for \\Trash), counted from when it came there; after that it is as if its owner had deleted it for good, and keepExpungedDays begin. 0: it stays. "postrider account retention" says otherwise for one account.',
        ),
        keepJunkDays: setting(
          count(0, 3650).default(30),
          'The same for what is taken for spam (its mailbox for \\Junk).',
        ),
      })
      .prefault({}),
    'The mailboxes of your accounts.',
  ),
  trail: setting(
    z
      .strictObject({
        retentionDays: setting(
          count(1, 3650).default(30),
          'Days for which "postrider trace" can tell what happened to a message.',
        ),
        maxMegabytes: setting(
          count(1, 10_000_000).default(4000),
          'About how much room that may take. When it is more, the oldest is forgotten sooner. A million messages take about 2000.',
        ),
      })
      .prefault({}),
    'The record of what happened to each message.',
  ),
  log: setting(
    z
      .strictObject({
        level: setting(
          z.enum(['debug', 'info', 'warn', 'error']).default('info'),
          'How much is written to standard error. debug shows each command, without passwords, and the codes of each reply; after a refused DATA only the verbs, since mail data may follow.',
        ),
      })
      .prefault({}),
    'The log of the server.',
  ),
  alerts: setting(
    z
      .strictObject({
        to: setting(
          z.array(formed(problemOfMailAddress)).optional(),
          'Who gets mail when somebody has to act (a receiver refuses all mail from this server, for example), and when that is over. In the language of the first of them. Best an address on this server: mail to others may be just what does not go out. []: no mail; "postrider alerts" shows them all the same.',
          { example: '["admin@example.com"]', defaultText: 'postmaster of the first domain of this server' },
        ),
      })
      .prefault({}),
    'What somebody has to act on.',
  ),
  spam: setting(
    spam.prefault({}),
    'Whether mail of strangers is wanted: all checks add points to one score. Your users and localNetworks are not checked.',
  ),
  scanners: setting(
    z.array(scanner).max(20).default([]),
    'Outside programs that look at mail of strangers before it is accepted. One [[scanners]] for each.',
  ),
  hooks: setting(
    hooks.optional(),
    'A file of your own with functions that see each session and message, and accept, refuse, put off or give points.',
    { defaultText: 'none' },
  ),
  health: setting(
    health.optional(),
    'Tells over HTTP how the server is, for load balancers and whatever starts it anew. /health: it lives (all its threads answer). /ready: it takes mail now (they are all there, the storage answers, there is a domain, and it is not stopping). Each answers 200, or 503 and what is wrong.',
    { defaultText: 'nobody is told' },
  ),
  mtaSts: setting(
    mtaSts.optional(),
    'The policy of your domains for TLS (MTA-STS, RFC 8461), which this server then serves at https://mta-sts.<domain>. "postrider domain dns" prints the records that go with it.',
    { defaultText: 'they have none' },
  ),
  autoconfig: setting(
    autoconfig.optional(),
    'Tells mail programs how to reach this server, so that their users enter no more than address and password: Thunderbird and others (https://autoconfig.<domain>), Outlook (https://autodiscover.<domain>), Apple (a profile to install), and people, at https://<hostname>/mail. They are told of each listener that is for them. "postrider domain dns" prints the records that go with it.',
    { defaultText: 'users enter it themselves' },
  ),
  threads: setting(
    z
      .strictObject({
        front: setting(
          count(1, 15).default(() => Math.max(1, Math.min(4, availableParallelism() - 1))),
          'Threads that talk to mail programs and servers; they share the ports.',
          { defaultText: 'one less than processors, from 1 to 4' },
        ),
      })
      .prefault({}),
    'How the work is spread over processors.',
  ),
})

interface OtherPort {
  readonly path: readonly (string | number)[]
  readonly port: number | undefined
  /** In a sentence: 'health is told'. */
  readonly what: string
}

export const settingsSchema = settingsTable.check(context => {
  const { listeners: bound, health: told, lmtp, roles, storage } = context.value
  const refuse = (path: readonly (string | number)[], message: string): void => {
    context.issues.push({ code: 'custom', input: context.value, path: [...path], message })
  }
  const { dkim: signing, forwarding: onward, mailAuthentication: checks } = context.value
  if (onward.sealArc && !signing.sign)
    refuse(
      ['forwarding', 'sealArc'],
      'The keys are those of DKIM, and dkim.sign is false. Turn that on, or this off.',
    )
  if (onward.sealArc && checks.arc === 'off')
    refuse(
      ['forwarding', 'sealArc'],
      'A seal says whether the seals before it hold, and mailAuthentication.arc is "off". Write "note" there, or turn this off.',
    )
  const asked = context.value.tls.acme
  const others: readonly OtherPort[] = [
    { path: ['health', 'port'], port: told?.port, what: 'health is told' },
    {
      path: ['tls', 'acme', 'port'],
      port: asked && asked.challenge !== 'dns-01' ? (asked.port ?? acmePort(asked.challenge)) : undefined,
      what: 'the authority is answered ([tls.acme])',
    },
    { path: ['mtaSts', 'port'], port: context.value.mtaSts?.port, what: 'the MTA-STS policy is served' },
    {
      path: ['autoconfig', 'port'],
      // With the same address they share it.
      port:
        context.value.autoconfig?.address === context.value.mtaSts?.address &&
        context.value.autoconfig?.port === context.value.mtaSts?.port
          ? undefined
          : context.value.autoconfig?.port,
      what: 'mail programs are told how to reach this server ([autoconfig])',
    },
    ...lmtp.map((one, index) => ({ path: ['lmtp', index, 'port'], port: one.port, what: 'LMTP is spoken' })),
  ]
  for (const [index, { path, port: number, what }] of others.entries()) {
    if (number === undefined || number === 0) continue
    const listener = bound.findIndex(one => one.port === number)
    const other = others.slice(0, index).find(one => one.port === number)
    if (listener !== -1)
      refuse(
        path,
        `The listener number ${listener + 1} has the port ${number} already, on which ${what}. Give one of them another port.`,
      )
    else if (other)
      refuse(
        path,
        `On port ${number} ${other.what} already, and there ${what} too. Give one of them another port.`,
      )
  }
  for (const [index, { to }] of context.value.delivery.lmtp.entries())
    if (lmtp.some(({ path }) => path !== undefined && to === `unix:${path}`))
      refuse(
        ['delivery', 'lmtp', index, 'to'],
        'This is the socket on which this server itself takes LMTP ([[lmtp]]): its mail would go in a circle. Name that of the server that has the mailboxes.',
      )
  for (const [index, { path }] of lmtp.entries())
    if (path !== undefined && lmtp.findIndex(one => one.path === path) < index)
      refuse(['lmtp', index, 'path'], 'Another [[lmtp]] has this path already. Remove one of them.')
  const missing = nodeRoles.filter(role => !roles.includes(role))
  if (storage === 'sqlite' && missing.length > 0)
    refuse(
      ['roles'],
      `With SQLite a server is alone, so nobody else would have the role ${missing.join(', ')}. Leave roles out, or give storage a PostgreSQL database.`,
    )
})
