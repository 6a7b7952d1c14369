// Alerts in English.
import type { AlertFacts, AlertNews, AlertTexts } from './texts.ts'

const subjects: Readonly<Record<AlertNews, string>> = {
  raised: 'Alert',
  lasting: 'Still',
  over: 'Over',
}

const openings: Readonly<Record<AlertNews, (title: string, hostname: string) => string>> = {
  raised: (title, hostname) => `${hostname} needs somebody to act: ${title}.`,
  lasting: (title, hostname) => `${hostname} still needs somebody to act. It has happened again: ${title}.`,
  over: (title, hostname) => `What ${hostname} told of is over, and there is nothing to do: ${title}.`,
}

function countRecipients({ waiting: { recipients, isCounted } }: AlertFacts): string {
  if (!isCounted) return `More than ${recipients} recipients wait`
  return recipients === 1 ? '1 recipient waits' : `${recipients} recipients wait`
}

function whatFailed({ evidence: { reply, source } }: AlertFacts): string {
  if (!reply || reply.code < 500) return ''
  return source?.isOnly === false
    ? ' What was refused is tried from another address of the pool, and goes back to its sender once all are refused.'
    : ' What was refused has gone back to its sender.'
}

/** From where the mail came that is refused. */
function origin({ evidence: { source } }: AlertFacts): string {
  return source ? `${source.address} (source pool "${source.pool}")` : 'this server'
}

function whatGoesOn({ name, evidence: { source } }: AlertFacts): string {
  if (!source)
    return 'Nothing is sent there for now, since more attempts make it worse; mail for others goes on.'
  const others = source.isOnly
    ? ''
    : ` What leaves from the other addresses of the pool goes on, unless ${name} refuses these as well.`
  return `From this address nothing is sent there for now, since more attempts make it worse; mail for others goes on.${others}`
}

function takenAgain({ ended, evidence: { source } }: AlertFacts): string {
  if (!ended) return ''
  if (ended.isUntried) return 'No mail has gone there for a week, so nobody knows whether it is refused.'
  const from = source ? `from ${source.address} ` : ''
  return `Mail ${from}has been taken there again since ${ended.at}. What waited goes out by itself.`
}

/** What to do about each sort of problem with an authority (src/acme/records.ts). */
export const issuingSteps: Readonly<Record<string, string>> & { readonly refused: string } = {
  unreachable:
    'The server cannot talk to the authority: see that it reaches the address under directory in [tls.acme] (a firewall, a proxy, the DNS, the clock of this machine), or wait until the authority is well again.',
  'rate-limited':
    'The authority wants fewer requests from you, and says until when. The server waits for as long; trying earlier makes it longer.',
  'http-01':
    'The authority asks on port 80 of each A and AAAA record of the name, from anywhere in the world. All these addresses have to lead to this server, and no firewall or other web server may be in the way.',
  'tls-alpn-01':
    'The authority asks on port 443 of each A and AAAA record of the name, from anywhere in the world. All these addresses have to lead to this server, and nothing in between may end TLS.',
  'dns-01':
    'The authority looks for a TXT record at _acme-challenge below the name. See that your program under hook puts it into the zone, and ends only when all servers of the zone have it.',
  caa: 'A CAA record of the domain says who may issue certificates, and this authority is not among them. Add it there, or remove the record.',
  account:
    'The authority wants an account that it knows, or an address that it takes: see contact, keyId and hmacKeyFile in [tls.acme].',
  hook: 'Run your program under hook in [tls.acme] by hand, as the user of the server, and mend what it says.',
  port: 'Free the port, let this user open it, or give the server another port in [tls.acme] and lead port 80 (or 443) to it.',
  certificate:
    'The authority issued something that is not what was asked for. Tell whoever runs it, or choose another one in [tls.acme].',
  refused: 'Mend what the authority says.',
}

const dayFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' })

function describeInUse(endsOn: string | undefined, isOurs: boolean): string {
  if (endsOn === undefined)
    return 'Mail programs of your users warn of what the server shows instead, or refuse to connect. So do servers that check certificates (DANE, MTA-STS): their mail waits. All others send as before.'
  return `${isOurs ? 'Until then all goes on' : `The certificate before it stays in use, until ${endsOn}`}. After that, mail programs of your users refuse to connect, and mail from servers that check certificates (MTA-STS) waits.`
}

function describeSending({ subject, evidence: { sending, detail, sort } }: AlertFacts): string {
  if (sort === 'spam') return `What ${subject} sends looks like spam: ${detail}.`
  if (!sending) return `${subject} sends far more than it usually does: ${detail}.`
  const { recipients, newRecipients, ended, failed, before } = sending.figures
  return sending.suspicion === 'rate'
    ? `Within two hours ${subject} has sent to ${recipients} recipients elsewhere, to ${newRecipients} of them for the first time. In the busiest hour of the 30 days before it were ${before.busiestHour}.`
    : `Of ${ended} recipients elsewhere to whom ${subject} has sent within a day, ${failed} do not exist. In the 30 days before it were ${before.failed} of ${before.ended}. Old or bought lists of addresses look like that.`
}

export const english: AlertTexts = {
  senderName: 'Mail server',
  subject: (news, title) => `${subjects[news]}: ${title}`,
  opening: (news, title, hostname) => openings[news](title, hostname),
  kinds: {
    'reputation-block': facts => ({
      about: facts.name,
      title: `${facts.name} ${facts.ended ? 'refused' : 'refuses'} mail from ${origin(facts)} because of its reputation`,
      happened: `The mail servers there take no mail from ${origin(facts)}, whatever it says: ${facts.evidence.source ? 'this' : 'its'} IP address, its name or its domain has a bad reputation with them, or is on a block list.`,
      meaning: `${countRecipients(facts)}.${whatFailed(facts)} ${whatGoesOn(facts)} From time to time one message finds out whether it is taken again: then all that waits follows by itself. What waits too long goes back to its sender.`,
      steps: [
        {
          text: 'See whose mail waits there. A stolen password or a list of old addresses is the most frequent reason for a bad reputation: stop that first.',
          command: `postrider queue summary --by sender --destination ${facts.argument}`,
        },
        facts.knownStep ?? { text: 'Read in its answer what it has against this server, and mend that.' },
        {
          text: 'When it is mended, have all that waits tried at once:',
          command: `postrider queue retry --destination ${facts.argument}`,
        },
        {
          text: 'What cannot wait so long can leave through another server that takes it from you:',
          command: `postrider queue reroute --destination ${facts.argument} --via smtp.example.com:25`,
        },
      ],
      now: takenAgain(facts),
      detail: facts.detail,
    }),
    'message-set-aside': facts => ({
      about: facts.subject,
      title: `message ${facts.subject} was set aside, because delivery died of it`,
      happened:
        'The part of this server that delivers mail ended each time it worked on this message. So that all other mail goes on, the message is on hold.',
      meaning: `${countRecipients(facts)} for you to decide; the sender has been told nothing. All other mail goes on.`,
      steps: [
        {
          text: 'See from whom it is, and what was done about it:',
          command: `postrider trace ${facts.subject}`,
        },
        {
          text: 'The log says of what the delivery thread died. That is a fault of the program: please report it, with these lines, and install a newer version if there is one.',
        },
        {
          text: 'Have it tried once more. If delivery dies of it again, it is set aside again.',
          command: `postrider queue release ${facts.subject}`,
        },
        {
          text: 'Or take it out of the queue. Its sender is not told: do that yourself.',
          command: `postrider queue cancel ${facts.subject}`,
        },
      ],
      now: `The message is not on hold since ${facts.ended?.at ?? ''}: it was released, or taken out of the queue.`,
      detail: facts.detail,
    }),
    'certificate-file': ({ subject, evidence, endsOn, ended, detail }) => ({
      about: subject,
      ...(evidence.sort === 'ending'
        ? {
            title: `the certificate ${subject} ${ended ? 'was about to end' : endsOn === undefined ? 'is over' : `ends on ${endsOn}`}`,
            happened: 'Nobody has put a new certificate in its place.',
          }
        : {
            title: `the certificate ${subject} ${ended ? 'could' : 'can'}not be used`,
            happened: evidence.detail,
          }),
      meaning: describeInUse(endsOn, evidence.sort === 'ending'),
      steps: [
        {
          text: 'Put the right certificate, with its chain, and its key into the files that the settings name. The server looks at them once a minute. What it shows, and what is wrong with the files:',
          command: 'postrider certificate show',
        },
        {
          text: 'See why the program that renews it (certbot, acme.sh, …) did not: its log says so. Or let this server get its certificates itself ([tls.acme] in the settings).',
        },
      ],
      now: `The files have been in order since ${ended?.at ?? ''}.`,
      detail,
    }),
    'account-sends-virus': ({ subject, account, evidence, ended, detail }) => ({
      about: subject,
      title: `what ${subject} ${ended ? 'sent was' : 'sends is'} refused by a scanner`,
      happened: `Of a message of this account a scanner said: ${evidence.detail}.`,
      meaning:
        'The message was refused and nobody got it. A machine of its owner may have a virus, or a stranger the password.',
      steps: [
        {
          text: 'Look at what the account has sent lately, and from where.',
          command: `postrider trace ${account}`,
        },
        {
          text: 'If it was not its owner: set a new password,',
          command: `postrider account password ${account} --generate`,
        },
        {
          text: 'and hold what it still sends until you know more.',
          command: `postrider account hold ${account}`,
        },
      ],
      now: `Nothing of the kind has been sent since ${ended?.at ?? ''}.`,
      detail,
    }),
    'hook-file': ({ subject, evidence, ended, detail }) => ({
      about: subject,
      title: `the hook file ${subject} ${ended ? 'could' : 'can'}not be used`,
      happened: `Its newest version does not run: ${evidence.detail}.`,
      meaning:
        'The version before is used, where there was one; after a start there is none, and mail comes in as if there were no hook file.',
      steps: [
        {
          text: 'Correct the file at that place. The server notices it by itself, and the log says that it is loaded.',
        },
      ],
      now: `Nothing has been wrong with it since ${ended?.at ?? ''}.`,
      detail,
    }),
    'scanner-away': ({ subject, evidence, ended, detail }) => ({
      about: subject,
      title: `the scanner ${subject} ${ended ? 'did' : 'does'} not look at mail`,
      happened: evidence.detail,
      meaning:
        evidence.sort === 'defer'
          ? 'All mail that it is to look at is put off (451) for as long as it is away: whenDown of this scanner is "defer". The senders try again for some days, then they give up.'
          : 'Mail is taken without it for as long as it is away: whenDown of this scanner is "accept".',
      steps: [
        {
          text: 'Start the scanner, or correct where the settings say that it listens ([[scanners]]). Then see whether each answers:',
          command: 'postrider check',
        },
        ...(evidence.sort === 'defer'
          ? [{ text: 'If it stays away: whenDown = "accept" takes the mail without having looked at it.' }]
          : []),
      ],
      now: `It has looked at mail again, or none was to be looked at, since ${ended?.at ?? ''}.`,
      detail,
    }),
    'certificate-renewal': ({ subject, evidence, endsOn, ended, detail }) => ({
      about: subject,
      title:
        endsOn === undefined
          ? `the authority ${ended ? 'issued' : 'issues'} no certificate for ${subject}`
          : `the certificate for ${subject} ${ended ? 'was' : 'is'} not renewed and ${ended ? 'would have ended' : 'ends'} on ${endsOn}`,
      happened: `The last attempt failed. ${evidence.detail}`,
      meaning: describeInUse(endsOn, true),
      steps: [
        { text: issuingSteps[evidence.sort ?? 'refused'] ?? issuingSteps.refused },
        {
          text: 'Then have it tried at once, and see what comes of it:',
          command: 'postrider certificate renew',
        },
      ],
      now: `The authority has issued it (seen ${ended?.at ?? ''}).`,
      detail,
    }),
    'dkim-record': facts => ({
      about: facts.subject,
      title: `the DKIM record of ${facts.subject} is not in the DNS as it has to be`,
      happened:
        'The DNS has no record, or another one, of a key with which this server signs mail of this domain. The details below say which.',
      meaning:
        'Receivers could not check such a signature, so nothing is signed with this key for now. Mail goes out as before, but with one signature less or with none, and receivers are more likely to take it for spam or to refuse it.',
      steps: [
        {
          text: 'See the records that have to be there, and publish what is missing where the DNS of the domain is kept:',
          command: `postrider domain dns ${facts.argument}`,
        },
        {
          text: 'Then have the DNS asked again. Signing goes on by itself as soon as the record is seen.',
          command: `postrider domain dkim ${facts.argument} --check`,
        },
      ],
      now: `The DNS has the right records (seen ${facts.ended?.at ?? ''}).`,
      detail: facts.detail,
    }),
    'dkim-key-to-publish': facts => ({
      about: facts.subject,
      title: `${facts.subject} has a new DKIM key, whose record is to be published`,
      happened:
        'The keys with which mail of this domain is signed are replaced from time to time, so that one that was stolen or broken is of no use for long. The next ones are made.',
      meaning:
        'Nothing changes for mail: the present keys go on signing until the records of the next ones have been seen in the DNS for a day. The old records have to stay for two weeks after that.',
      steps: [
        {
          text: 'Publish the records that are marked as new where the DNS of the domain is kept:',
          command: `postrider domain dns ${facts.argument}`,
        },
        {
          text: 'See how the keys stand, and when an old record may go:',
          command: `postrider domain dkim ${facts.argument}`,
        },
      ],
      now: `The DNS has the records of the new keys (seen ${facts.ended?.at ?? ''}).`,
      detail: facts.detail,
    }),
    'dmarc-alignment': facts => ({
      about: facts.subject,
      title: `mail of ${facts.subject} that leaves this server ${facts.ended ? 'failed' : 'fails'} DMARC elsewhere`,
      happened:
        'Another server reports that it got mail with an author of this domain from an address of this server, and that neither DKIM nor SPF proved it. Which server, and how much mail, stands in the details below.',
      meaning:
        'What the DMARC record of the domain says about forged mail is done with such mail: with p=quarantine it is taken for spam, with p=reject it is refused. With p=none nothing happens yet.',
      steps: [
        {
          text: 'See which address it is, and whether DKIM or SPF fails:',
          command: `postrider dmarc-reports --domain ${facts.argument}`,
        },
        {
          text: 'If DKIM fails, see whether the keys of the domain are in the DNS:',
          command: `postrider domain dkim ${facts.argument} --check`,
        },
        {
          text: 'If SPF fails, compare the SPF record with the one that it should be:',
          command: `postrider domain dns ${facts.argument}`,
        },
        {
          text: 'If both are right, find out who sends such mail through this server (an old program, a form on a web site, somebody who forwards), and with which author.',
        },
      ],
      now: `No report has said so for three days (seen ${facts.ended?.at ?? ''}).`,
      detail: facts.detail,
    }),
    'account-held': facts => ({
      about: facts.subject,
      title: `the mail of ${facts.subject} ${facts.ended ? 'was' : 'is'} held: a stranger may have its password`,
      happened: describeSending(facts),
      meaning: `${countRecipients(facts)} on hold, and so does what the account still sends; nobody was told. It can log in and gets mail as before; all other mail goes on.`,
      steps: [
        {
          text: 'Look at what it sends, and ask its owner whether it is theirs.',
          command: `postrider queue list --account ${facts.account}`,
        },
        {
          text: 'If not: set a new password at once, so that the stranger is out,',
          command: `postrider account password ${facts.account} --generate`,
        },
        {
          text: 'and take what the stranger sent out of the queue. Look first whether a letter of the owner is among it.',
          command: `postrider queue cancel --account ${facts.account}`,
        },
        {
          text: 'Then, or if all of it is wanted, let the rest go. For a day the account is not held again.',
          command: `postrider account release ${facts.account}`,
        },
        {
          text: 'An account that often writes to many belongs into submission.bulkSenders of the settings: its mailings are no reason for this.',
        },
      ],
      now: `The account was released (seen ${facts.ended?.at ?? ''}), and its mail goes again.`,
      detail: facts.detail,
    }),
  },
  happenedLabel: 'What happened',
  nowLabel: 'Now',
  meaningLabel: 'What that means for mail',
  stepsTitle: 'What to do now',
  detailsTitle: 'For your records',
  sinceLabel: 'Since',
  seenLabel: 'Last seen',
  timesLabel: 'Times',
  endedLabel: 'Ended',
  detailLabel: 'Detail',
  closing: hostname =>
    `This message was written by the mail server ${hostname}. Nobody reads replies to it. "postrider alerts" shows what is open; the setting alerts.to says who gets such mail.`,
  day: at => dayFormat.format(at),
}
