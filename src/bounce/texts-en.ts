// Reports in English.
import type { NextStep, RefusedStep, ReportAction, ReportCause } from './report.ts'
import type { CauseFacts, CauseText, ReportTexts } from './texts.ts'

const recipients = (count: number): string => (count === 1 ? 'this recipient' : `these ${count} recipients`)

const openings: Readonly<Record<ReportAction, (count: number) => string>> = {
  failed: count =>
    `Your message could not be delivered to ${recipients(count)}. No further attempts will be made.`,
  delayed: count =>
    `Your message has not yet reached ${recipients(count)}. It is not lost: the server keeps trying, and there is no need to send it again.`,
  delivered: count => `Your message was delivered to ${recipients(count)}.`,
  relayed: count =>
    `Your message was handed to the mail server of ${recipients(count)}. That server does not report whether it was delivered.`,
  expanded: count =>
    `Your message was passed on to the members of ${count === 1 ? 'this list' : `these ${count} lists`}.`,
}

const subjects: Readonly<Record<ReportAction, string>> = {
  failed: 'Not delivered',
  delayed: 'Still being delivered',
  delivered: 'Delivered',
  relayed: 'Handed on',
  expanded: 'Passed on to a list',
}

const delivered: Readonly<Record<ReportAction, string>> = {
  failed: '',
  delayed: '',
  delivered: 'It has arrived.',
  relayed: 'The next server has taken it.',
  expanded: 'It goes to each member of the list.',
}

/** The server whose words these are, at the start of a sentence. */
function otherServer({ domain, remoteMta, viaSmartHost }: CauseFacts): string {
  if (!viaSmartHost) return `The mail server of ${domain}`
  return remoteMta === undefined
    ? 'The server through which our mail leaves'
    : `The server ${remoteMta}, through which our mail leaves,`
}

const causes: Readonly<Record<ReportCause, (facts: CauseFacts) => CauseText>> = {
  'unknown-user': ({ address, several }) =>
    several
      ? {
          happened: 'None of these addresses exists, or they no longer take mail.',
          next: 'Check the addresses for typos. If they are right, ask the recipients for the current ones.',
        }
      : {
          happened: `The address ${address} does not exist, or no longer takes mail.`,
          next: 'Check the address for typos. If it is right, ask the recipient for the current one.',
        },
  'unknown-domain': ({ domain }) => ({
    happened: `The domain ${domain} does not exist, or takes no mail.`,
    next: `Check the part after the @ (${domain}) for typos, and send the message again to the right address.`,
  }),
  'null-mx': ({ domain }) => ({
    happened: `The domain ${domain} says that it takes no mail at all.`,
    next: 'Ask the recipient some other way for an address that takes mail.',
  }),
  'mailbox-full': ({ several }) => ({
    happened: several ? 'The mailboxes of these recipients are full.' : "The recipient's mailbox is full.",
    next: `Tell the recipient${several ? 's' : ''} some other way that the mailbox is full, and send the message again later.`,
  }),
  'message-too-large': facts => ({
    happened: `${otherServer(facts)} does not accept messages as large as this one.`,
    next: 'Send it again with smaller attachments, or put large files somewhere for download and send the link.',
  }),
  policy: facts => ({
    happened: `${otherServer(facts)} refused the message under its rules.`,
    next: facts.answered
      ? 'Show this report to your mail administrator: the answer of that server, below, may say which rule it was.'
      : 'Show this report to your mail administrator.',
  }),
  authentication: facts => ({
    happened: `${otherServer(facts)} does not believe that the message comes from your domain (SPF, DKIM or DMARC did not pass).`,
    next: 'Show this report to your mail administrator: the DNS records of your own domain have to be corrected.',
  }),
  'sender-refused': facts => ({
    happened: `${otherServer(facts)} does not accept the address from which the message was sent (${facts.sender}).`,
    next: "Show this report to your mail administrator. The recipient's address is not the problem. Most often the domain of your own address has no working DNS record, or your address does not exist or is blocked there.",
  }),
  'login-required': facts => ({
    happened: `${otherServer(facts)} takes mail only after a login, and our server is not logged in there.`,
    next: 'Show this report to your mail administrator: our server needs a user name and a password that are valid there, or has to send such mail through another one. Nothing is wrong with your message.',
  }),
  'server-name': facts => ({
    happened: `${otherServer(facts)} takes no mail from our server, because of the name that our server has in DNS, or gives itself.`,
    next: 'Show this report to your mail administrator: the name of our server and the DNS records of its IP address (PTR) have to match. Nothing is wrong with your message or the address.',
  }),
  rate: facts => ({
    happened: `${otherServer(facts)} limits how many messages it takes at a time.`,
    next: 'Send the message again later. If you send to many people, spread it over a longer time.',
  }),
  greylisted: facts => ({
    happened: `${otherServer(facts)} does not know our server yet and asked it to come again later (greylisting), each time it came.`,
    next: 'Send the message again: it may be taken then. If not, contact the recipient some other way; the administrator there can say what is wrong.',
  }),
  blocklist: facts => ({
    happened: `${otherServer(facts)} takes no mail from us at the moment: our server is on a block list or has a bad reputation there.`,
    next: 'Show this report to your mail administrator, who can have us taken off the list. Nothing is wrong with the address. Until then, contact the recipient some other way.',
  }),
  'sender-domain-listed': facts => ({
    happened: `${otherServer(facts)} takes no mail from the domain of your address (${facts.sender}): it is on a block list or has a bad reputation there.`,
    next: 'Show this report to your mail administrator: somebody may have sent spam in the name of this domain. Nothing is wrong with the address of the recipient. Until that is cleared up, contact the recipient some other way.',
  }),
  'link-listed': facts => ({
    happened: `${otherServer(facts)} refused the message because of a link in it, or of an address: the domain that it leads to is on a block list.`,
    next: 'Leave out all links and addresses that are not needed, those in your signature too, and send it again. If it may be your own website that is meant, show this report to your mail administrator.',
  }),
  spam: facts => ({
    happened: `${otherServer(facts)} took the message for spam.`,
    next: facts.viaSmartHost
      ? 'Leave out links and attachments that are not needed, and send it again. If that does not help, show this report to your mail administrator.'
      : 'Leave out links and attachments that are not needed, and send it again. Or contact the recipient some other way, and ask to be added to the known senders there.',
  }),
  content: facts => ({
    happened: `${otherServer(facts)} does not let something in the message in: a virus, a kind of attachment that is forbidden there, or words or links in the text.`,
    next: 'Check your attachments for viruses, and send files of another kind. Without attachments, change the text: leave out links and pictures from elsewhere.',
  }),
  'no-answer': facts => ({
    happened: `${otherServer(facts)} does not answer.`,
    next: 'The problem is not on your side. Contact the recipient some other way, or send the message again later.',
  }),
  unconfirmed: facts => ({
    happened: `${otherServer(facts)} took the whole message, and then broke off without saying whether it keeps it.`,
    next: 'The recipient may have it, perhaps several times. Ask them before you send it again.',
  }),
  'not-fetched': ({ domain }) => ({
    happened: `Our server keeps mail for ${domain} until the mail server of that domain takes it, which it has not done yet.`,
    next: 'Nothing is wrong with your message or the address. Contact the recipient some other way: their mail server has been out of reach for a long time.',
  }),
  'relay-dns': ({ domain }) => ({
    happened: `Our server takes mail for ${domain} only to pass it on to the mail server of that domain, and the DNS names none.`,
    next: 'Show this report to your mail administrator. Nothing is wrong with your message or the address; until that is corrected, contact the recipient some other way.',
  }),
  'unknown-host': () => ({
    happened: 'Our server was told to send your message by way of a server that does not exist.',
    next: 'Show this report to your mail administrator. Nothing is wrong with your message or the address.',
  }),
  'refused-connection': facts => ({
    happened: `${otherServer(facts)} is not accepting connections.`,
    next: 'Nothing is wrong with your message. Contact the recipient some other way, or send it again later.',
  }),
  'dns-failure': ({ domain }) => ({
    happened: `Our server could not find out where mail for ${domain} has to go: the name servers of the domain do not answer.`,
    next: `Check the part after the @ (${domain}). If it is right, the problem is on the recipient's side; send the message again later.`,
  }),
  'tls-failure': facts => ({
    happened: `${otherServer(facts)} and our server could not agree on an encrypted connection.`,
    next: 'Show this report to your mail administrator.',
  }),
  'tls-required': facts => ({
    happened: `${facts.domain} takes mail over encrypted connections only, and its mail server offered none. Without encryption our server sends nothing there: somebody on the way could read it.`,
    next: 'The problem is not on your side. Contact the recipient some other way, and show this report to your mail administrator.',
  }),
  'tls-certificate': facts => ({
    happened: `The mail server of ${facts.domain} could not prove who it is: its certificate is not the one that ${facts.domain} has published. It may be somebody else's server, so it did not get your message.`,
    next: 'The problem is not on your side. Contact the recipient some other way, so that the mail server or the DNS records there can be corrected.',
  }),
  'tlsa-bogus': ({ domain }) => ({
    happened: `Our server could not find out safely how to recognise the mail server of ${domain}: the signed DNS records (DNSSEC, TLSA) of that server are wrong, or do not come.`,
    next: 'The problem is not on your side. Contact the recipient some other way, so that the DNS records there can be corrected.',
  }),
  'sts-mismatch': ({ domain }) => ({
    happened: `The DNS leads mail for ${domain} to a server that ${domain} does not name among its own (MTA-STS). It may be somebody else's server, so it did not get your message.`,
    next: 'The problem is not on your side. Contact the recipient some other way, so that the DNS records or the policy there can be corrected.',
  }),
  requiretls: facts => ({
    happened: `Your message demands that every server on its way protects it (REQUIRETLS). ${otherServer(facts)} does not promise that, so it did not get the message.`,
    next: 'Send the message again without that demand if it may go with less protection, or contact the recipient some other way.',
  }),
  loop: ({ address }) => ({
    happened: `Mail for ${address} is being forwarded in a loop.`,
    next: 'Tell the recipient some other way that the forwarding of this address has to be fixed.',
  }),
  'own-mx': ({ domain, hostname }) => ({
    happened: `Mail for ${domain} is directed to our server ${hostname}, which does not know this domain.`,
    next: `Check the part after the @ (${domain}) for typos. If it is right, show this report to your mail administrator: either the domain has not been added to ${hostname}, or its DNS record (MX) is wrong.`,
  }),
  'broken-mx': ({ domain }) => ({
    happened: `The DNS names a mail server of ${domain}, but not where it is.`,
    next: `Tell the recipient some other way that the MX records of ${domain} have to be fixed, and send the message again when they are. You did nothing wrong.`,
  }),
  'no-ipv6': ({ domain }) => ({
    happened: `The mail server of ${domain} can be reached only by IPv6, a kind of Internet address that our server does not use.`,
    next: 'Show this report to your mail administrator, who can connect our server by IPv6 and allow it (the setting delivery.ipv6). Until then, contact the recipient some other way. You did nothing wrong.',
  }),
  'no-source': ({ domain }) => ({
    happened: `The mail server of ${domain} can be reached only by a kind of Internet address that our server does not use for this mail.`,
    next: 'Show this report to your mail administrator, who can add such an address (the setting delivery.sourcePools). Until then, contact the recipient some other way. You did nothing wrong.',
  }),
  'smart-host': () => ({
    happened: 'The server through which our mail leaves could not be reached, or did not take it from us.',
    next: 'Nothing is wrong with your message or the address. Show this report to your mail administrator.',
  }),
  'extension-missing': facts => ({
    happened: `${otherServer(facts)} cannot take a message that is encoded like this one.`,
    next: 'Send it again as plain text, with files as ordinary attachments, or from another mail program.',
  }),
  'signed-content': facts => ({
    happened: `${otherServer(facts)} cannot take the message as your mail program wrote it, and our server must not convert it: it is signed, and the signature would no longer fit.`,
    next: 'Send it again without the signature (S/MIME, OpenPGP). Or let your mail program write signed messages in 7 bits, as the standards ask: the setting may be called quoted-printable or base64.',
  }),
  'utf8-address': facts => ({
    happened: `${otherServer(facts)} knows only addresses in plain Latin letters, and another one is among those of your message.`,
    next: 'Use addresses in plain Latin letters, if there are any: that of the recipient, your own, and those of the others whom the message names.',
  }),
  'too-late': () => ({
    happened: 'It could not be delivered by the time that you had set for it.',
    next: 'If the message is still of use, send it again, with more time or with none.',
  }),
  'no-deliver-by': facts => ({
    happened: `${otherServer(facts)} does not promise to deliver by the time that you had set, so it was not given the message.`,
    next: 'Send the message again without a time by which it has to be there.',
  }),
  'server-busy': facts => ({
    happened: `${otherServer(facts)} could not take the message at the moment.`,
    next: 'Send the message again later.',
  }),
  'known-dead': ({ address, several }) => ({
    happened: several
      ? 'These addresses do not exist, as their mail servers have told ours before. So that our server does not get the reputation of sending to old lists, it sent them no mass mail again.'
      : `The address ${address} does not exist, as its mail server has told ours before. So that our server does not get the reputation of sending to old lists, it sent no mass mail there again.`,
    next: 'Take it off your list. If you know that the address is right, write to it personally, or ask your mail administrator to take it off the suppression list.',
  }),
  'not-wanted': ({ address, several }) => ({
    happened: several
      ? 'Our server does not send this mail to these addresses: the people there have complained about mail from you, or have asked to get no more of it.'
      : `Our server does not send this mail to ${address}: somebody there has complained about mail from you, or has asked to get no more of it.`,
    next: 'Take it off your list. If you know that the mail is wanted there, ask your mail administrator, who can see the reason and change it.',
  }),
  'recipient-rule': ({ address, several }) => ({
    happened: several
      ? 'Rules that the recipients have set up for their mail refuse this message.'
      : `A rule that the recipient has set up for the mail to ${address} refuses this message.`,
    next: 'Read below what the recipient has to say. If the message has to arrive, reach the recipient in another way.',
  }),
  'own-limit': ({ domain }) => ({
    happened: `Our server sends only so much mail to ${domain}, or for you, in a time, and the turn of this message did not come.`,
    next: 'Ask your mail administrator to raise the limit, or send the message again when less is waiting.',
  }),
  'local-error': () => ({
    happened: 'Our own server had a problem with this message.',
    next: 'Show this report to your mail administrator.',
  }),
  other: facts =>
    facts.answered
      ? {
          happened: `${otherServer(facts)} did not take the message. Our server does not know that answer, so it cannot say why.`,
          next: "Read that server's own words, below. If they do not help you, show this report to your mail administrator.",
        }
      : {
          happened: facts.viaSmartHost
            ? 'Our server could not hand the message over to the server through which our mail leaves.'
            : `Our server could not hand the message over to ${facts.domain}.`,
          next: 'Show this report to your mail administrator.',
        },
}

const steps: Readonly<Record<NextStep, (them: string) => string>> = {
  wait: () => 'There is nothing to do; the server goes on by itself.',
  'slow-down': them =>
    `Less mail at a time is the cure: the server slows down by itself. If it keeps happening, read what ${them} asks of senders.`,
  'ask-delisting': them =>
    `Find out why our server is on that list, mend it, and then ask ${them} to take it off.`,
  'clear-sender-domain': them =>
    `Find out why the domain of the sender is on that list or has a bad name (spam in its name, a website that somebody broke into), mend it, and then ask ${them} to take it off.`,
  'check-links': () =>
    'Look up which of the domains that the message names is on that list. If it is one of yours, mend the cause and have it taken off; else it has to be left out.',
  'introduce-server': them =>
    `Write to ${them}, and say who runs our server: mail of servers whose owners are not known is not taken there.`,
  'use-smart-host': () =>
    'Send mail through the mail server of your Internet or hosting provider (the setting delivery.smartHost), or from another IP address: the one that our server has is not taken there for that of a mail server.',
  'fix-authentication': () =>
    "Correct SPF, DKIM and DMARC of the sender's domain, so that mail from our server passes.",
  'fix-dns-name': () =>
    'Give the IP address of our server a PTR record whose name leads back to it, and let the server call itself by that name.',
  'fix-sender': () => "Correct the sender's address, or the MX and A records of its domain.",
  'fix-message': () =>
    'The program that wrote the message made a mistake in its header section; bring it up to date.',
  'change-content': () => 'Change what the message says or brings.',
  'make-smaller': () => 'Make the message smaller.',
  encrypt: () => 'Allow encryption (STARTTLS) for mail to this server.',
  'log-in': () => 'Give our server a user name and a password for the other one, or another way out.',
  'remove-address': () => 'Take the address off your lists.',
  'ask-recipient': () => 'Only the recipient can change this.',
  'ask-their-administrator': () =>
    "A rule of the recipient's own server is in the way: its administrator can change it, ours cannot.",
}

const refusedSteps: Readonly<Record<RefusedStep, string>> = {
  connect: 'the connection',
  greeting: 'the connection',
  hello: 'EHLO',
  tls: 'STARTTLS',
  auth: 'AUTH',
  mail: 'MAIL',
  rcpt: 'RCPT',
  data: 'DATA',
  'end-of-data': 'the message',
}

const dateFormat = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'full',
  timeStyle: 'short',
  timeZone: 'UTC',
})

export const english: ReportTexts = {
  senderName: 'Mail delivery',
  subject: (action, subject) => (subject === '' ? subjects[action] : `${subjects[action]}: ${subject}`),
  opening: (action, count) => openings[action](count),
  cause: (cause, facts) => causes[cause](facts),
  delayNext: until =>
    `Nothing. The server will keep trying until ${until}, and tell you if it has to give up.`,
  keptNext: until =>
    `Nothing. Our server keeps the message until ${until}, and tells you if nobody has come for it by then.`,
  delivered: action => delivered[action],
  expired: ({ attempts, at, isUntried }) => {
    const times = attempts === 1 ? 'once' : `${attempts} times`
    if (attempts === 0) return `Our server kept the message until ${at}, and has given up.`
    if (isUntried) return `The server tried ${times}, kept the message until ${at}, and has given up.`
    return `The server tried ${times}, ${attempts === 1 ? '' : 'the last time '}on ${at}, and has given up.`
  },
  nextLabel: 'What to do',
  happenedLabel: 'What happened',
  serverSaid: server => (server === undefined ? 'The other server said' : `The server ${server} said`),
  serverSaidOfFirst: server =>
    `${server === undefined ? 'The other server' : `The server ${server}`} said, of the first of them`,
  administratorLabel: 'What your administrator can do',
  step: (step, provider) => steps[step](provider ?? 'whoever keeps it'),
  postmasterPage: provider => `What ${provider} asks of mail servers, and how to reach it:`,
  yourMessage: 'Your message',
  subjectLabel: 'Subject',
  sentLabel: 'Received here',
  idLabel: 'Id',
  idHint: 'your administrator can look the message up by it',
  technical: 'For your administrator',
  refused: (server, step) => `${server} refused ${refusedSteps[step]}`,
  closing: hostname => `This report was written by the mail server ${hostname}. Nobody reads replies to it.`,
  date: ms => `${dateFormat.format(ms)} UTC`,
}
