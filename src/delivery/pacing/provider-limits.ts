// How much the large receivers take from one sending server at a time, and where that is written.
import type { ProviderKey } from '../replies/provider-key.ts'

/**
 * What is known of how much the large receivers take at a time; `source`: where the figures stand. Own settings
 * (`delivery.limits`) go before. A figure that is missing was found nowhere. `per…` counts recipients.
 * 'own-choice': nobody publishes any, and what other senders use differs widely; so these are cautious guesses of ours.
 */
export interface ProviderLimits {
  readonly connections?: number
  readonly messagesPerConnection?: number
  readonly recipientsPerTransaction?: number
  readonly perSecond?: number
  readonly perMinute?: number
  readonly perHour?: number
  readonly perDay?: number
  readonly source: string
}

const kumoMta = 'https://github.com/KumoCorp/kumomta/blob/main/assets/policy-extras/shaping.toml'
const kumoMtaCommunity = 'https://github.com/KumoCorp/kumomta/blob/main/assets/community/shaping.toml'

export const ownChoice = 'own-choice'

export const providerLimits: Readonly<Partial<Record<ProviderKey, ProviderLimits>>> = {
  gmail: { connections: 5, messagesPerConnection: 50, source: kumoMta },
  // Its own page names only an upper bound, 500: https://sendersupport.olc.protection.outlook.com/pm/policies
  outlook: { connections: 5, messagesPerConnection: 50, source: kumoMta },
  'exchange-online': { connections: 5, messagesPerConnection: 50, source: kumoMta },
  // Says itself that it publishes no number of connections.
  yahoo: { messagesPerConnection: 20, source: 'https://help.yahoo.com/kb/SLN3433.html' },
  // On the hosts of Yahoo.
  aol: { messagesPerConnection: 20, source: 'https://help.yahoo.com/kb/SLN3433.html' },
  'yahoo-japan': { connections: 2, messagesPerConnection: 20, perSecond: 10, source: kumoMtaCommunity },
  // Its page on mailings asks for consent and a good list, and names no figure for servers that send to it:
  // https://yandex.com/support/mail/web/letter/create/send-many-letters.html; the 500 messages a day there are for its users.
  yandex: { connections: 5, messagesPerConnection: 20, source: ownChoice },
  'mail.ru': { connections: 5, messagesPerConnection: 20, source: ownChoice },
  // Its figures, https://www.zoho.com/mail/help/adminconsole/rates-and-limits.html, are for what its own users send.
  zoho: { connections: 5, messagesPerConnection: 20, source: ownChoice },
  icloud: { connections: 10, messagesPerConnection: 5, source: kumoMta },
  // mail.com, on hosts of its own at the same company, takes 100 messages in a connection.
  gmx: { connections: 4, messagesPerConnection: 20, source: kumoMtaCommunity },
  'web.de': { connections: 4, messagesPerConnection: 20, source: kumoMtaCommunity },
  // Messages in a connection: KumoMTA. Over IPv6 a netblock may also send no more than 1000 messages an hour.
  comcast: {
    connections: 25,
    messagesPerConnection: 1000,
    recipientsPerTransaction: 100,
    source: 'https://mdpcontent-ch-1p-162831.sys.comcast.net/avoidblocksv6.html',
  },
  // Advice of Validity; AT&T publishes no figures.
  att: {
    connections: 5,
    messagesPerConnection: 100,
    source:
      'https://knowledge.validity.com/hc/en-us/articles/115002814627-AT-T-Bellsouth-and-SBC-deliverability-best-practices',
  },
  // Messages in a connection: its older list of error codes, https://wordtothewise.com/isp-information/cox/
  cox: {
    connections: 10,
    messagesPerConnection: 100,
    source: 'https://www.cox.com/residential/support/email-error-codes.html',
  },
  // Also wanadoo.fr.
  orange: {
    connections: 2,
    messagesPerConnection: 100,
    recipientsPerTransaction: 100,
    source: 'https://postmaster.orange.fr/',
  },
  // From a guide for senders, not from La Poste itself.
  laposte: {
    connections: 2,
    messagesPerConnection: 100,
    source: 'https://bentonow.com/smtp-errors/laposte',
  },
  qq: { connections: 4, messagesPerConnection: 8, source: kumoMtaCommunity },
  // An hour and a day: its own advice to senders, http://money.mail.yeah.net/
  netease: {
    connections: 4,
    messagesPerConnection: 7,
    perHour: 3000,
    perDay: 100_000,
    source: kumoMtaCommunity,
  },
  // To each of its regions. Recipients: its error codes, in lib/Sisimai/Rhost/Mimecast.pm of sisimai/p5-sisimai.
  mimecast: {
    connections: 10,
    messagesPerConnection: 100,
    recipientsPerTransaction: 100,
    source: kumoMta,
  },
  barracuda: { connections: 10, messagesPerConnection: 15, source: kumoMtaCommunity },
}
