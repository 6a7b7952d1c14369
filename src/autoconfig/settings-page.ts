// The settings of a mail program on a page for people, in English and Russian: to enter by hand, or as a profile for Apple's
// programs, which this page links.
import { formatAddress, formatAddressForPeople } from '../address/format-address.ts'
import { formatDomainForPeople } from '../address/parse-domain.ts'
import { escapeHtml, frameHtml } from '../notice/format-html.ts'
import type { Page } from '../web/page-server.ts'
import { profilePathOf } from './apple.ts'
import type { MailAccount } from './mail-account.ts'
import type { MailService } from './mail-services.ts'

export const settingsPath = '/mail'

interface Texts {
  readonly language: 'en' | 'ru'
  readonly title: string
  readonly ask: string
  readonly address: string
  readonly show: string
  /** What was entered is no address of a domain that is here. */
  readonly notOurs: string
  readonly automatic: string
  readonly profile: string
  readonly install: string
  readonly by: Readonly<Record<MailService['protocol'], string>>
  readonly server: string
  readonly port: string
  readonly security: string
  readonly user: string
  readonly password: string
  readonly yourPassword: string
}

const english: Texts = {
  language: 'en',
  title: 'Settings for your mail program',
  ask: 'Enter your mail address.',
  address: 'Mail address',
  show: 'Show the settings',
  notOurs: 'That is no mail address of this server. Look for a slip of the pen.',
  automatic:
    'Thunderbird, Outlook and many others find these settings by themselves: enter your address and your password there. Where one of them asks for the servers, they are below.',
  profile: 'iPhone, iPad and Mac: download the profile',
  install:
    'Then open Settings, where the profile waits to be installed (on a Mac: System Settings, Device Management), and enter your password when it asks.',
  by: { imap: 'Incoming mail (IMAP)', pop3: 'Incoming mail (POP3)', smtp: 'Outgoing mail (SMTP)' },
  server: 'Server',
  port: 'Port',
  security: 'Security',
  user: 'User name',
  password: 'Password',
  yourPassword: 'that of your mail account, for incoming and outgoing mail alike',
}

const russian: Texts = {
  language: 'ru',
  title: 'Настройки почтовой программы',
  ask: 'Введите адрес вашей почты.',
  address: 'Адрес почты',
  show: 'Показать настройки',
  notOurs: 'Такого адреса на этом сервере быть не может. Проверьте, нет ли опечатки.',
  automatic:
    'Thunderbird, Outlook и многие другие программы находят эти настройки сами: введите в них адрес и пароль. Если программа спросит о серверах, их данные приведены ниже.',
  profile: 'iPhone, iPad и Mac: скачать профиль',
  install:
    'Затем откройте «Настройки»: профиль ждёт там установки (на Mac: «Системные настройки», «Управление устройством»). Введите пароль, когда его спросят.',
  by: { imap: 'Входящая почта (IMAP)', pop3: 'Входящая почта (POP3)', smtp: 'Исходящая почта (SMTP)' },
  server: 'Сервер',
  port: 'Порт',
  security: 'Защита',
  user: 'Имя пользователя',
  password: 'Пароль',
  yourPassword: 'пароль вашей почты, один для входящих и исходящих писем',
}

/** Asks for the address; `isWrong`: what was entered is none of ours. */
export function composeQuestion(state: 'new' | 'not-ours'): Page {
  return composePage(state === 'new' ? 200 : 404, texts => [
    ...(state === 'not-ours' ? [`<p><strong>${escapeHtml(texts.notOurs)}</strong></p>`] : []),
    `<p>${escapeHtml(texts.ask)}</p>`,
    `<form action="${settingsPath}"><p><input type="email" name="address" size="30" autocomplete="email" aria-label="${escapeHtml(texts.address)}"> <button>${escapeHtml(texts.show)}</button></p></form>`,
  ])
}

export function composeSettingsPage(account: MailAccount): Page {
  const { address, hostname, services } = account
  return composePage(200, texts => [
    `<p><strong><bdi>${escapeHtml(formatAddressForPeople(address))}</bdi></strong></p>`,
    `<p>${escapeHtml(texts.automatic)}</p>`,
    `<p><a href="${escapeHtml(profilePathOf(account))}">${escapeHtml(texts.profile)}</a>. ${escapeHtml(texts.install)}</p>`,
    ...services.flatMap(service => [
      `<h2>${escapeHtml(texts.by[service.protocol])}</h2>`,
      '<ul>',
      formatRow(texts.server, formatDomainForPeople(hostname)),
      formatRow(texts.port, String(service.port)),
      formatRow(texts.security, service.security === 'tls' ? 'SSL/TLS' : 'STARTTLS'),
      formatRow(texts.user, formatAddress(address)),
      formatRow(texts.password, texts.yourPassword),
      '</ul>',
    ]),
  ])
}

function formatRow(label: string, value: string): string {
  return `<li>${escapeHtml(label)}: <strong><bdi>${escapeHtml(value)}</bdi></strong></li>`
}

function composePage(status: number, compose: (texts: Texts) => readonly string[]): Page {
  const lines = frameHtml({ language: english.language, title: `${english.title} · ${russian.title}` }, [
    '<p><a href="#en">English</a> · <a href="#ru" lang="ru">По-русски</a></p>',
    ...[english, russian].flatMap(texts => [
      `<section id="${texts.language}" lang="${texts.language}">`,
      `<h1>${escapeHtml(texts.title)}</h1>`,
      ...compose(texts),
      '</section>',
    ]),
  ])
  return { status, text: `${lines.join('\n')}\n`, contentType: 'text/html; charset=utf-8' }
}
