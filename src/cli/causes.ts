// Why mail was not taken, for the administrator: in plain words, and what he can do about it.
import type { ReportCause } from '../bounce/report.ts'
import { describeStep } from '../bounce/report-content.ts'
import { reportTexts } from '../bounce/texts-of.ts'
import type { Diagnosis } from '../delivery/outcome.ts'
import { describeProvider } from '../delivery/replies/describe-provider.ts'
import { classOf } from '../delivery/replies/reply-class.ts'

export interface CauseWords {
  /** Goes on after "because": 'the mailbox of the recipient is full'. */
  readonly because: string
  /** What somebody can do about it; undefined: nothing. */
  readonly remedy?: string | undefined
  /**
   * What an attempt at once is good for; default: it tells whether the remedy has helped. 'harmful': the other server minds.
   * 'useless': the remedy makes another message of it, or it waits for something else.
   */
  readonly retry?: 'harmful' | 'useless' | undefined
}

const words: Readonly<Record<ReportCause, CauseWords>> = {
  'not-fetched': {
    because: 'the server of the domain has not fetched it yet',
    remedy: 'Its administrator has to connect and fetch it (ATRN), or ask for it (ETRN).',
    retry: 'useless',
  },
  'relay-dns': {
    because: 'this server is to pass it on, and the DNS names no server of the domain to which it could',
    remedy:
      'The domain needs an MX record that leads to its own server, with a smaller number than any that leads to this one. If that server is to fetch its mail instead: "postrider domain relay <domain> --keep-until-fetched --owner <account>". If its people are to have their mail here: hold what waits ("postrider queue hold --domain <domain>"), remove the domain, create it without --relay, with their accounts, and release the mail.',
  },
  'unknown-host': {
    because: 'the host to which an administrator sends it has no address',
    remedy:
      'Name another one ("postrider queue reroute <queue id> --via <host:port>"), send it on its usual way ("postrider queue reroute <queue id> --back"), or give that host an address in the DNS.',
    retry: 'useless',
  },
  'own-limit': {
    because: 'this server sends no more there, or for this sender, at a time',
    remedy:
      'Raise the limit in the settings (delivery.limits, submission.limits, warmUp of an address), if the receiver bears it.',
    retry: 'useless',
  },
  requiretls: {
    because: 'its sender demands encryption all the way (REQUIRETLS), which the other server cannot give',
    remedy: 'The sender has to send it without that demand.',
    retry: 'useless',
  },
  'tls-required': {
    because: 'the domain demands encryption, and its server does not offer it',
    remedy: 'Its administrator has to mend the server; "postrider probe" shows what it offers.',
  },
  'tls-certificate': {
    because: 'the certificate of the other server is not the one that its domain says (MTA-STS, DANE)',
    remedy: 'Its administrator has to mend the certificate, or the records that tell of it.',
  },
  'tlsa-bogus': {
    because: 'the signed DNS records of the other server (DNSSEC, TLSA) are wrong, or do not come',
    remedy: 'Its administrator has to mend the records, or your DNS resolver has to reach them.',
  },
  'sts-mismatch': {
    because: 'the DNS names a server that the policy of the domain (MTA-STS) does not name',
    remedy: 'Its administrator has to correct the MX records or the policy.',
  },
  'too-late': {
    because: 'the time by which its sender wanted it delivered is over',
  },
  'no-deliver-by': {
    because: 'the other server cannot promise to deliver in the time that the sender wants',
    remedy: 'The sender has to send it without that time (BY= with R).',
    retry: 'useless',
  },
  'unknown-user': {
    because: 'there is no such address',
    remedy: 'The sender has to correct the address.',
    retry: 'useless',
  },
  'unknown-domain': {
    because: 'the domain does not exist, or takes no mail',
    remedy: 'The sender has to correct the address.',
    retry: 'useless',
  },
  'null-mx': {
    because: 'the domain takes no mail at all',
    remedy: 'The sender has to reach the recipient in another way.',
    retry: 'useless',
  },
  'known-dead': {
    because: 'there is no such address, as its server has said before, and this was mass mail',
    remedy:
      'The sender has to take it off the list. If the address is right: "postrider suppression remove <address>".',
    retry: 'useless',
  },
  'not-wanted': {
    because: 'it is on the suppression list: the recipient, or an administrator, does not want such mail',
    remedy:
      'The sender has to take it off the list. "postrider suppression show <address>" says who wanted it, and when.',
    retry: 'useless',
  },
  'recipient-rule': {
    because: 'a rule of the recipient (a Sieve script) refuses it',
    remedy: 'The recipient alone can change that rule: "postrider sieve show <account>" shows it.',
    retry: 'useless',
  },
  'mailbox-full': {
    because: 'the mailbox of the recipient is full',
    remedy:
      'The recipient has to make room in it; one of this server can also be given more ("postrider account quota <address>").',
  },
  'message-too-large': {
    because: 'the message is too large for the server, or the mailbox, of the recipient',
    remedy: 'The sender has to send it smaller, or a link in place of the attachment.',
    retry: 'useless',
  },
  policy: {
    because: 'a rule of the other server forbids it',
    remedy: 'Its answer often says which rule; the postmaster there can tell more.',
  },
  blocklist: {
    because: 'this server, or its network, has a bad name there',
    remedy: 'Look whether its address is on a blocklist, find out why, and ask to be taken off.',
  },
  'sender-domain-listed': {
    because: 'the domain of its sender is on a block list, or has a bad name there',
    remedy:
      'Find out why (spam in its name, a website that somebody broke into), mend it, and ask to have it taken off. Mail of other domains is not concerned.',
  },
  'link-listed': {
    because: 'it names a domain, in a link or an address, that is on a block list',
    remedy: 'The sender has to leave it out; if the domain is yours, mend the cause and have it taken off.',
  },
  authentication: {
    because: 'it could not be proved that the mail comes from the domain that it names (SPF, DKIM, DMARC)',
    remedy:
      'The records of the sending domain have to be in its DNS: "postrider domain dns <domain>" prints them, "postrider domain dkim <domain> --check" says which keys are seen there.',
  },
  'sender-refused': {
    because: 'the address of the sender is not accepted there',
    remedy: 'The domain of the sender has to exist in the DNS, and to take mail.',
  },
  'login-required': {
    because: 'the other server wants a log-in that this server does not have, or did not accept it',
    remedy: 'Look at name and password in the settings.',
  },
  'server-name': {
    because: 'the name of this server is not accepted there',
    remedy:
      'Its IP address needs a name in the DNS (PTR) that leads back to it: "postrider check" says more.',
  },
  rate: {
    because: 'the other server wants less mail at a time',
    retry: 'harmful',
  },
  greylisted: {
    because: 'the other server wants to see it come back later (greylisting)',
    retry: 'harmful',
  },
  spam: {
    because: 'the message was taken for spam',
    remedy: 'The sender can write it differently; the postmaster there can let it pass.',
  },
  content: {
    because: 'something in the message is forbidden there (an attachment, a virus)',
    remedy: 'The sender has to send it without that.',
    retry: 'useless',
  },
  'no-answer': {
    because: 'the other server did not answer',
    remedy:
      'If others reach it: look at the firewall and the network of this server; many providers close port 25. Else only its administrator can help.',
  },
  unconfirmed: {
    because:
      'the other server took the whole message, and broke off without saying what becomes of it: the recipient may have it',
    remedy:
      'Each further attempt may bring one more copy (RFC 1047): ask the recipient, and cancel it if it is there ("postrider queue cancel"). Mostly a filter there takes too long at the end of a message; its administrator can help.',
  },
  'refused-connection': {
    because: 'nothing listens at the other server, or a firewall is before it',
    remedy: 'Only its administrator can help.',
  },
  'dns-failure': {
    because: 'the DNS did not answer',
    remedy: 'If it lasts: look at the resolver that this server asks, and at the name servers of the domain.',
  },
  'tls-failure': {
    because: 'no connection with the encryption that is demanded came about',
    remedy:
      'The administrator of the other server has to look at its encryption; "postrider probe <address>" shows how far it comes.',
  },
  loop: {
    because: 'the mail goes round in a circle',
    remedy: 'Look at the aliases and forwardings on its way.',
  },
  'own-mx': {
    because: 'the DNS sends mail for the domain to this server, which has no such domain',
    remedy: 'Add the domain with "postrider domain create", or correct its MX record.',
  },
  'broken-mx': {
    because: 'the DNS names mail hosts of the domain, and none of them has an address',
    remedy: 'The administrator of that domain has to correct its MX records.',
    retry: 'useless',
  },
  'no-ipv6': {
    because: 'the other server has IPv6 addresses only, and delivery.ipv6 is off',
    remedy: 'Set delivery.ipv6 = true, if this machine has IPv6.',
  },
  'no-source': {
    because:
      'the other server can be reached by one kind of address only (IPv4 or IPv6), of which the pool for this mail has none',
    remedy: 'Add an address of that kind to the pool (delivery.sourcePools).',
  },
  'smart-host': {
    because: 'the smart host, through which all mail leaves, did not answer, or did not take it',
    remedy: 'Look at delivery.smartHost in the settings, and ask whoever runs that host.',
  },
  'extension-missing': {
    because: 'the other server lacks what the message needs',
    remedy: 'The sender can send it in a simpler form.',
    retry: 'useless',
  },
  'signed-content': {
    because: 'the other server lacks 8BITMIME, and what is signed must not be converted',
    remedy: 'The sender can send it unsigned, or let the program encode it before it signs.',
  },
  'utf8-address': {
    because: 'the other server lacks SMTPUTF8, which an address beyond ASCII needs',
    remedy: 'The sender has to use addresses in ASCII.',
  },
  'server-busy': {
    because: 'the other server has trouble of its own, or wants it later',
  },
  'local-error': {
    because: 'this server itself had an error',
    remedy: 'Its log says which.',
  },
  other: { because: 'it was not taken, for a reason that is not known here' },
}

/** `cause` may come from the database, and from a newer version. */
export function describeCause(cause: string | undefined): CauseWords {
  return (words as Readonly<Record<string, CauseWords>>)[cause ?? 'other'] ?? words.other
}

type Met = Pick<Diagnosis, 'cause' | 'stage' | 'remoteMta' | 'reply'>

/** The same where more is known than the cause. */
export function describeCauseOf(diagnosis: Met): CauseWords {
  const { cause, stage, reply } = diagnosis
  if (cause === 'rate' && classOf(diagnosis) === 'mailbox-busy')
    return { ...words.rate, because: 'the recipient gets more mail at a time than the other server allows' }
  // Past TLS: it is the connection without it that was refused.
  if (cause === 'tls-failure' && reply && stage !== 'tls') return demandsTls
  if (cause === 'other' && reply)
    return {
      because: 'the other server refused it in words that are not known here',
      remedy: 'Only the postmaster there can tell more than those words.',
    }
  if (cause !== 'smart-host') return { ...describeCause(cause), ...knownRemedy(diagnosis) }
  const isSilent = !reply && (stage === 'connect' || stage === 'greeting')
  return {
    ...words[cause],
    because: `the smart host, through which all mail leaves, did not ${isSilent ? 'answer' : 'take it'}`,
  }
}

/** Of these a reply that is known tells better what helps than the cause does. */
const openCauses: ReadonlySet<ReportCause> = new Set([
  'policy',
  'blocklist',
  'sender-domain-listed',
  'link-listed',
])

function knownRemedy(diagnosis: Met): Pick<CauseWords, 'remedy'> {
  if (!openCauses.has(diagnosis.cause)) return {}
  const provider = describeProvider(diagnosis)
  if (provider?.step === undefined || provider.step === 'wait') return {}
  const step = describeStep(provider, reportTexts.en)
  if (!step) return {}
  return { remedy: step.page === undefined ? step.text : `${step.text} ${step.page}` }
}

const demandsTls: CauseWords = {
  because: 'the other server demands an encryption that the connection did not have',
  remedy:
    'Its administrator has to offer encryption (STARTTLS) there; "postrider probe <address>" shows whether it does. If it does: look whether delivery.tls is "never" in your settings.',
}

export const causeNames: readonly string[] = Object.keys(words)
