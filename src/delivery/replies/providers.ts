// The big receivers: by which names of mail hosts each is known, and the page it has for people who run mail servers.
import type { ProviderKey } from './provider-key.ts'

export interface Provider {
  readonly key: ProviderKey
  /** As people know it. */
  readonly name: string
  /** The names of its mail hosts end with one of these, whole labels of them. */
  readonly hostSuffixes: readonly string[]
  /** Where it tells administrators of other servers what it asks of them, or how to reach somebody. */
  readonly postmasterPage?: string | undefined
}

export const providers: readonly Provider[] = [
  {
    key: 'gmail',
    name: 'Gmail',
    hostSuffixes: ['google.com', 'googlemail.com'],
    postmasterPage: 'https://support.google.com/mail/answer/81126',
  },
  {
    key: 'outlook',
    name: 'Outlook.com',
    hostSuffixes: ['olc.protection.outlook.com', 'hotmail.com'],
    postmasterPage: 'https://sendersupport.olc.protection.outlook.com/pm/',
  },
  {
    key: 'exchange-online',
    name: 'Microsoft 365',
    hostSuffixes: ['protection.outlook.com', 'outlook.office365.com', 'mx.microsoft'],
    postmasterPage: 'https://sender.office.com/',
  },
  {
    key: 'yahoo',
    name: 'Yahoo',
    hostSuffixes: ['yahoodns.net', 'yahoo.com'],
    postmasterPage: 'https://senders.yahooinc.com/smtp-error-codes/',
  },
  {
    key: 'aol',
    name: 'AOL',
    hostSuffixes: ['mx-aol.mail.gm0.yahoodns.net', 'aol.com'],
    postmasterPage: 'https://senders.yahooinc.com/smtp-error-codes/',
  },
  {
    key: 'yahoo-japan',
    name: 'Yahoo! Japan',
    hostSuffixes: ['yahoo.co.jp'],
    postmasterPage: 'https://www.yahoo-help.jp/app/answers/detail/a_id/80870/p/622',
  },
  {
    key: 'icloud',
    name: 'iCloud',
    hostSuffixes: ['mail.icloud.com', 'me.com', 'privaterelay.appleid.com'],
    postmasterPage: 'https://support.apple.com/en-us/102322',
  },
  {
    key: 'yandex',
    name: 'Yandex',
    hostSuffixes: ['yandex.ru', 'yandex.net'],
    postmasterPage: 'https://yandex.com/support/yandex-360/customers/mail/en/bounces/yandex',
  },
  {
    key: 'mail.ru',
    name: 'Mail.ru',
    hostSuffixes: ['mail.ru'],
    postmasterPage: 'https://postmaster.mail.ru/',
  },
  { key: 'rambler', name: 'Rambler', hostSuffixes: ['rambler.ru'] },
  { key: 'zoho', name: 'Zoho', hostSuffixes: ['zoho.com', 'zoho.eu', 'zoho.in'] },
  {
    key: 'gmx',
    name: 'GMX',
    hostSuffixes: ['gmx.net', 'mail.com'],
    postmasterPage: 'https://postmaster.gmx.net/en/error-messages',
  },
  {
    key: 'web.de',
    name: 'WEB.DE',
    hostSuffixes: ['web.de'],
    postmasterPage: 'https://postmaster.web.de/de/fehlermeldungen',
  },
  {
    key: 't-online',
    name: 'T-Online',
    hostSuffixes: ['t-online.de'],
    postmasterPage: 'https://postmaster.t-online.de/index.en.html',
  },
  {
    key: 'comcast',
    name: 'Comcast',
    hostSuffixes: ['comcast.net'],
    postmasterPage: 'https://postmaster.comcast.net/',
  },
  { key: 'att', name: 'AT&T', hostSuffixes: ['prodigy.net', 'att.net', 'sbcglobal.net'] },
  {
    key: 'cox',
    name: 'Cox',
    hostSuffixes: ['cox.net', 'cxr.mx.a.cloudfilter.net'],
    postmasterPage: 'https://www.cox.com/residential/support/email-error-codes.html',
  },
  {
    key: 'spectrum',
    name: 'Spectrum',
    hostSuffixes: ['charter.net', 'rr.com'],
    postmasterPage: 'https://www.spectrumbusiness.net/support/internet/understanding-email-error-codes',
  },
  {
    key: 'orange',
    name: 'Orange',
    hostSuffixes: ['orange.fr', 'wanadoo.fr'],
    postmasterPage: 'https://postmaster.orange.fr/',
  },
  { key: 'laposte', name: 'La Poste', hostSuffixes: ['laposte.net'] },
  { key: 'free', name: 'Free', hostSuffixes: ['free.fr'], postmasterPage: 'http://postmaster.free.fr/' },
  { key: 'sfr', name: 'SFR', hostSuffixes: ['sfr.fr'] },
  {
    key: 'libero',
    name: 'Libero',
    hostSuffixes: ['libero.it', 'iol.it'],
    postmasterPage: 'https://aiuto.libero.it/articolo/mail/messaggi-di-errore-piu-frequenti-dopo-invio-email',
  },
  {
    key: 'qq',
    name: 'QQ Mail',
    hostSuffixes: ['qq.com'],
    postmasterPage: 'https://service.mail.qq.com/',
  },
  {
    key: 'netease',
    name: 'NetEase',
    hostSuffixes: ['netease.com', '163.com', '126.com'],
    postmasterPage: 'https://mail.163.com/help/help_spam_16.htm',
  },
  { key: 'naver', name: 'Naver', hostSuffixes: ['naver.com'] },
  { key: 'daum', name: 'Daum', hostSuffixes: ['daum.net', 'hanmail.net'] },
  { key: 'i.ua', name: 'I.UA', hostSuffixes: ['email.ua', 'i.ua'], postmasterPage: 'https://mail.i.ua/err/' },
  {
    key: 'proofpoint',
    name: 'Proofpoint',
    hostSuffixes: ['pphosted.com', 'ppe-hosted.com'],
    postmasterPage: 'https://ipcheck.proofpoint.com/',
  },
  {
    key: 'mimecast',
    name: 'Mimecast',
    hostSuffixes: ['mimecast.com', 'mimecast.org'],
    postmasterPage: 'https://community.mimecast.com/docs/DOC-1369',
  },
  {
    key: 'barracuda',
    name: 'Barracuda',
    hostSuffixes: ['barracudanetworks.com'],
    postmasterPage: 'https://www.barracudacentral.org/lookups',
  },
  {
    key: 'ironport',
    name: 'Cisco Secure Email',
    hostSuffixes: ['iphmx.com'],
    postmasterPage: 'https://talosintelligence.com/reputation_center',
  },
  {
    key: 'messagelabs',
    name: 'Symantec Email Security',
    hostSuffixes: ['messagelabs.com'],
  },
  {
    key: 'cloudmark',
    name: 'Cloudmark',
    hostSuffixes: ['cloudfilter.net'],
    postmasterPage: 'https://csi.cloudmark.com/en/reset/',
  },
  { key: 'rackspace', name: 'Rackspace', hostSuffixes: ['emailsrvr.com'] },
  {
    key: 'godaddy',
    name: 'GoDaddy',
    hostSuffixes: ['secureserver.net'],
    postmasterPage: 'https://www.godaddy.com/help/what-does-my-email-bounceback-mean-3568',
  },
  { key: 'amazon', name: 'Amazon SES', hostSuffixes: ['amazonaws.com'] },
  { key: 'proton', name: 'Proton Mail', hostSuffixes: ['protonmail.ch'] },
  { key: 'fastmail', name: 'Fastmail', hostSuffixes: ['messagingengine.com'] },
]

const byKey: ReadonlyMap<string, Provider> = new Map(providers.map(provider => [provider.key, provider]))
const bySuffix = new Map(
  providers.flatMap(provider => provider.hostSuffixes.map(suffix => [suffix, provider] as const)),
)

export function providerOf(key: ProviderKey): Provider {
  const provider = byKey.get(key)
  if (!provider) throw new RangeError(`no provider has the key ${key}`)
  return provider
}

/** What people call a receiver, by the key of its site. */
export function nameOfSite(key: string): string {
  return byKey.get(key)?.name ?? key.replaceAll(' ', ', ')
}

/** Whose mail host this is, by the longest suffix: one look for each label of the name. */
export function findProvider(host: string): Provider | undefined {
  let suffix = host.toLowerCase().replace(/\.$/, '')
  for (;;) {
    const provider = bySuffix.get(suffix)
    if (provider) return provider
    const dot = suffix.indexOf('.')
    if (dot < 0) return undefined
    suffix = suffix.slice(dot + 1)
  }
}
