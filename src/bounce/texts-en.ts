// Reports in English.
import type { ReportAction, ReportCause } from './report.ts'
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

const causes: Readonly<Record<ReportCause, (facts: CauseFacts) => CauseText>> = {
  'unknown-user': ({ address }) => ({
    happened: `The address ${address} does not exist, or no longer takes mail.`,
    next: 'Check the address for typos. If it is right, ask the recipient for the current one.',
  }),
  'unknown-domain': ({ domain }) => ({
    happened: `The domain ${domain} does not exist, or takes no mail.`,
    next: `Check the part after the @ (${domain}) for typos, and send the message again to the right address.`,
  }),
  'null-mx': ({ domain }) => ({
    happened: `The domain ${domain} says that it takes no mail at all.`,
    next: 'Ask the recipient some other way for an address that takes mail.',
  }),
  'mailbox-full': () => ({
    happened: "The recipient's mailbox is full.",
    next: 'Tell the recipient some other way that the mailbox is full, and send the message again later.',
  }),
  'message-too-large': ({ domain }) => ({
    happened: `The message is larger than ${domain} accepts.`,
    next: 'Send it again with smaller attachments, or put large files somewhere for download and send the link.',
  }),
  policy: ({ domain }) => ({
    happened: `The mail server of ${domain} refused the message under its rules.`,
    next: 'Show this report to your mail administrator: the answer of that server, below, may say which rule it was.',
  }),
  authentication: ({ domain }) => ({
    happened: `${domain} does not believe that the message comes from your domain (SPF, DKIM or DMARC did not pass).`,
    next: 'Show this report to your mail administrator: the DNS records of your own domain have to be corrected.',
  }),
  rate: ({ domain }) => ({
    happened: `${domain} limits how many messages it takes from us at a time.`,
    next: 'Send the message again later. If you send to many people, spread it over a longer time.',
  }),
  blocklist: ({ domain }) => ({
    happened: `${domain} takes no mail from our server at the moment: the server is on a block list, or has a bad reputation there.`,
    next: 'Nothing is wrong with your message or the address. Show this report to your mail administrator, who can have the server taken off the list. Until then, contact the recipient some other way.',
  }),
  spam: ({ domain }) => ({
    happened: `${domain} took the message for spam.`,
    next: 'Leave out links and attachments that are not needed, and send it again. Or contact the recipient some other way, and ask to be added to the known senders there.',
  }),
  content: ({ domain }) => ({
    happened: `${domain} does not let something in the message in: a virus, or a kind of attachment that is forbidden there.`,
    next: 'Check your attachments for viruses. Send files of another kind, or put them somewhere for download and send the link.',
  }),
  'no-answer': ({ domain }) => ({
    happened: `The mail server of ${domain} does not answer.`,
    next: 'The problem is not on your side. Contact the recipient some other way, or send the message again later.',
  }),
  'refused-connection': ({ domain }) => ({
    happened: `The mail server of ${domain} is not accepting connections.`,
    next: 'Nothing is wrong with your message. Contact the recipient some other way, or send it again later.',
  }),
  'dns-failure': ({ domain }) => ({
    happened: `Our server could not find out where mail for ${domain} has to go: the name servers of the domain do not answer.`,
    next: `Check the part after the @ (${domain}). If it is right, the problem is on the recipient's side; send the message again later.`,
  }),
  'tls-failure': ({ domain }) => ({
    happened: `No encrypted connection to the mail server of ${domain} could be made.`,
    next: 'Show this report to your mail administrator.',
  }),
  loop: ({ address }) => ({
    happened: `Mail for ${address} is being forwarded in a loop.`,
    next: 'Tell the recipient some other way that the forwarding of this address has to be fixed.',
  }),
  'own-mx': ({ domain, hostname }) => ({
    happened: `Mail for ${domain} is directed to our server ${hostname}, which does not know this domain.`,
    next: `Check the part after the @ (${domain}) for typos. If it is right, show this report to your mail administrator: either the domain has not been added to ${hostname}, or its DNS record (MX) is wrong.`,
  }),
  'smart-host': () => ({
    happened: 'The server through which our mail leaves could not be reached, or did not take it from us.',
    next: 'Nothing is wrong with your message or the address. Show this report to your mail administrator.',
  }),
  'extension-missing': ({ domain }) => ({
    happened: `The mail server of ${domain} cannot take a message of this kind (special characters in an address, or the encoding of the message).`,
    next: 'Use an address in plain Latin letters, if the recipient has one, or send the message as plain text.',
  }),
  'server-busy': ({ domain }) => ({
    happened: `The mail server of ${domain} could not take the message at the moment.`,
    next: 'Send the message again later.',
  }),
  'local-error': () => ({
    happened: 'Our own server had a problem with this message.',
    next: 'Show this report to your mail administrator.',
  }),
  other: ({ domain, answered }) =>
    answered
      ? {
          happened: `The mail server of ${domain} did not take the message; its answer, below, says why.`,
          next: 'If the answer does not help you, show this report to your mail administrator.',
        }
      : {
          happened: `Our server could not hand the message over to ${domain}.`,
          next: 'Show this report to your mail administrator.',
        },
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
  delivered: action => delivered[action],
  expired: (attempts, last) =>
    attempts === 1
      ? `The server tried once, on ${last}, and has given up.`
      : `The server tried ${attempts} times, the last time on ${last}, and has given up.`,
  nextLabel: 'What to do',
  happenedLabel: 'What happened',
  serverSaid: server => (server === undefined ? 'The other server said' : `The server ${server} said`),
  yourMessage: 'Your message',
  subjectLabel: 'Subject',
  sentLabel: 'Received here',
  idLabel: 'Id',
  idHint: 'your administrator can look the message up by it',
  technical: 'For your administrator',
  closing: hostname => `This report was written by the mail server ${hostname}. Nobody reads replies to it.`,
  date: ms => `${dateFormat.format(ms)} UTC`,
}
