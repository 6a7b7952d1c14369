// Reports in English.
import type { ReportAction, ReportCause } from './report.ts'
import type { CauseFacts, CauseText, ReportTexts } from './texts.ts'

const recipients = (count: number): string => (count === 1 ? 'this recipient' : `these ${count} recipients`)

const openings: Readonly<Record<ReportAction, (count: number) => string>> = {
  failed: count => `Your message could not be delivered to ${recipients(count)}. It will not be tried again.`,
  delayed: count =>
    `Your message has not yet reached ${recipients(count)}. It is not lost: it is still being tried, and you need not send it again.`,
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
  delivered: 'It lies in the mailbox.',
  relayed: 'The next server has taken it.',
  expanded: 'It goes to each member of the list.',
}

const causes: Readonly<Record<ReportCause, (facts: CauseFacts) => CauseText>> = {
  'unknown-user': ({ address, domain }) => ({
    happened: `There is no mailbox ${address} at ${domain}.`,
    next: 'Check the address for typing mistakes. If it is right, ask the recipient for the current one.',
  }),
  'unknown-domain': ({ domain }) => ({
    happened: `The domain ${domain} does not exist, or takes no mail.`,
    next: `Check the part after the @ (${domain}) for typing mistakes, and send the message again to the right address.`,
  }),
  'null-mx': ({ domain }) => ({
    happened: `The domain ${domain} says that it takes no mail at all.`,
    next: 'Ask the recipient, in another way, for an address that receives mail.',
  }),
  'mailbox-full': () => ({
    happened: "The recipient's mailbox is full.",
    next: 'Tell the recipient in another way that the mailbox is full, and send the message again later.',
  }),
  'message-too-large': ({ domain }) => ({
    happened: `The message is larger than ${domain} accepts.`,
    next: 'Send it again with smaller attachments, or put large files somewhere for download and send the link.',
  }),
  policy: ({ domain }) => ({
    happened: `The rules of ${domain} do not let this message in.`,
    next: 'Show this report to your mail administrator: the answer of the other server, below, says which rule it is.',
  }),
  authentication: ({ domain }) => ({
    happened: `${domain} does not believe that the message comes from your domain (SPF, DKIM or DMARC did not pass).`,
    next: 'Show this report to your mail administrator: the DNS records of your own domain have to be set right.',
  }),
  rate: ({ domain }) => ({
    happened: `${domain} takes only so many messages at a time from us.`,
    next: 'Send the message again later. If you send to many people, spread it over a longer time.',
  }),
  blocklist: ({ domain }) => ({
    happened: `${domain} takes no mail from our server at the moment: the server is on a block list, or has a bad reputation there.`,
    next: 'Nothing is wrong with your message or the address. Show this report to your mail administrator, who can have the server taken off the list. Until then, reach the recipient in another way.',
  }),
  spam: ({ domain }) => ({
    happened: `${domain} took the message for spam.`,
    next: 'Leave out links and attachments that are not needed, and send it again. Or reach the recipient in another way, and ask to be added to the known senders there.',
  }),
  content: ({ domain }) => ({
    happened: `${domain} does not let something in the message in: a virus, or a kind of attachment that is forbidden there.`,
    next: 'Check your attachments for viruses. Send files of another kind, or put them somewhere for download and send the link.',
  }),
  'no-answer': ({ domain }) => ({
    happened: `The mail server of ${domain} does not answer.`,
    next: 'Nothing is wrong on your side. Reach the recipient in another way, or send the message again later.',
  }),
  'refused-connection': ({ domain }) => ({
    happened: `The mail server of ${domain} does not accept connections.`,
    next: 'Nothing is wrong with your message. Reach the recipient in another way, or send it again later.',
  }),
  'dns-failure': ({ domain }) => ({
    happened: `It could not be found out where the mail of ${domain} has to go: its name servers do not answer.`,
    next: `Check the part after the @ (${domain}). If it is right, the fault is at the recipient's side; send the message again later.`,
  }),
  'tls-failure': ({ domain }) => ({
    happened: `No encrypted connection to the mail server of ${domain} could be made.`,
    next: 'Show this report to your mail administrator.',
  }),
  loop: ({ address }) => ({
    happened: `The mail for ${address} is being forwarded in a circle.`,
    next: 'Tell the recipient, or the administrator of the recipient, that the forwarding of this address has to be mended.',
  }),
  'own-mx': ({ domain, hostname }) => ({
    happened: `The DNS sends mail for ${domain} to our server ${hostname}, which does not know this domain.`,
    next: `Check the part after the @ (${domain}) for typing mistakes. If it is right, show this report to your mail administrator: either ${domain} has to be added to ${hostname}, or the MX record of ${domain} has to name another server.`,
  }),
  'smart-host': () => ({
    happened: 'The server through which our mail leaves could not be reached, or did not let us in.',
    next: 'Nothing is wrong with your message or the address. Show this report to your mail administrator.',
  }),
  'extension-missing': ({ domain }) => ({
    happened: `The mail server of ${domain} cannot take a message of this kind (special characters in the address, or its encoding).`,
    next: 'Use an address in plain Latin letters, if the recipient has one, or send the message as plain text.',
  }),
  'server-busy': ({ domain }) => ({
    happened: `The mail server of ${domain} has no time for this message at the moment.`,
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
          happened: `Our server could not hand the message over at ${domain}.`,
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
  delayNext: until => `Nothing. The server goes on trying until ${until}, and tells you if it gives up.`,
  delivered: action => delivered[action],
  expired: (attempts, last) =>
    `It was tried ${attempts === 1 ? 'once' : `${attempts} times`}, the last time on ${last}; then the time for it was over.`,
  nextLabel: 'What to do',
  happenedLabel: 'What happened',
  serverSaid: server => (server === undefined ? 'The other server said' : `The server ${server} said`),
  yourMessage: 'Your message',
  subjectLabel: 'Subject',
  sentLabel: 'Received here',
  idLabel: 'Id',
  idHint: 'your administrator finds out everything about the message with it',
  technical: 'For your administrator',
  closing: hostname => `This report was written by the mail server ${hostname}. Nobody reads replies to it.`,
  date: ms => `${dateFormat.format(ms)} UTC`,
}
