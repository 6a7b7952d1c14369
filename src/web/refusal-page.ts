// What a refusal of mail points to: why mail is refused for where it is from, and what to do, in English and Russian on one page.
// Nothing of any message is on it.
import { escapeHtml, frameHtml } from '../notice/format-html.ts'
import type { Page } from './page-server.ts'

export const refusalPath = '/refused'

interface Section {
  readonly title: string
  readonly lines: readonly string[]
}

interface Texts {
  readonly language: 'en' | 'ru'
  readonly title: (hostname: string) => string
  readonly opening: string
  readonly sections: readonly Section[]
  readonly standards: string
}

const english: Texts = {
  language: 'en',
  title: hostname => `Why ${hostname} refused a message`,
  opening:
    'Before anybody gets a message, this mail server checks whether it is from where it says that it is. The refusal that led you here says which check failed, and its last line has a number.',
  sections: [
    {
      title: 'What is checked',
      lines: [
        'SPF: the domain of the sender publishes which servers may send its mail.',
        'DKIM: the sending server signs the message in the name of a domain. Who changes it on the way breaks the signature.',
        'DMARC: the domain in the From field asks what is to become of mail for which neither SPF nor DKIM proves that it comes from that domain. With p=reject it asks that such mail be refused. That is the wish of the domain, and no rule of this server.',
      ],
    },
    {
      title: 'You have sent the message',
      lines: [
        'Send it the way that your provider or your organisation gives you: through its server, with your account there. A website or program that sends in your name by another way needs the consent of your domain.',
        'Give the whole refusal to whoever looks after the domain in your address. They let the sending server in the SPF record, or have it sign with DKIM.',
        'If the message went through a mailing list or a forwarding address, tell whoever runs that: it sends on, or changes, what is no longer provable then.',
      ],
    },
    {
      title: 'You have not sent it',
      lines: [
        'Somebody else wrote in your name, and the refusal kept the message from its recipient. There is nothing that you have to do.',
      ],
    },
    {
      title: 'It still looks like a mistake',
      lines: [
        'Ask the recipient, or postmaster at the same domain, from another address or by telephone, and name the number in the last line of the refusal: by it the administrator finds what was checked, and what was found.',
      ],
    },
  ],
  standards: 'The standards',
}

const russian: Texts = {
  language: 'ru',
  title: hostname => `Почему сервер ${hostname} не принял письмо`,
  opening:
    'Прежде чем передать письмо получателю, этот почтовый сервер проверяет, действительно ли оно отправлено оттуда, откуда сказано. В отказе, который привёл вас сюда, названа проверка, которую письмо не прошло, а в последней строке стоит номер.',
  sections: [
    {
      title: 'Что проверяется',
      lines: [
        'SPF: домен отправителя публикует список серверов, которым разрешено отправлять его почту.',
        'DKIM: отправляющий сервер подписывает письмо от имени домена. Если письмо изменить в пути, подпись перестаёт быть верной.',
        'DMARC: домен из поля From сообщает, как поступать с письмами, для которых ни SPF, ни DKIM не подтверждают, что они отправлены этим доменом. Запись p=reject — просьба такие письма отклонять. Это желание самого домена, а не правило этого сервера.',
      ],
    },
    {
      title: 'Если письмо отправили вы',
      lines: [
        'Отправляйте его так, как предлагает ваш почтовый провайдер или ваша организация: через их сервер, со своей учётной записью. Сайту или программе, которые отправляют от вашего имени иначе, нужно согласие вашего домена.',
        'Передайте весь текст отказа тому, кто обслуживает домен вашего адреса. Он внесёт отправляющий сервер в запись SPF или настроит на нём подпись DKIM.',
        'Если письмо прошло через список рассылки или переадресацию, сообщите их владельцу: они пересылают или меняют то, что после этого уже нельзя подтвердить.',
      ],
    },
    {
      title: 'Если вы его не отправляли',
      lines: [
        'Кто-то другой писал от вашего имени, и благодаря отказу письмо не дошло до получателя. Вам ничего делать не нужно.',
      ],
    },
    {
      title: 'Если это всё же ошибка',
      lines: [
        'Обратитесь к получателю или на адрес postmaster в том же домене, с другого адреса или по телефону, и назовите номер из последней строки отказа: по нему администратор найдёт, что проверялось и что было обнаружено.',
      ],
    },
  ],
  standards: 'Стандарты',
}

const standards = [
  ['SPF', 'https://www.rfc-editor.org/rfc/rfc7208'],
  ['DKIM', 'https://www.rfc-editor.org/rfc/rfc6376'],
  ['DMARC', 'https://www.rfc-editor.org/rfc/rfc9989'],
] as const

export function composeRefusalPage(hostname: string): Page {
  const lines = frameHtml({ language: english.language, title: english.title(hostname) }, [
    '<p><a href="#en">English</a> · <a href="#ru" lang="ru">По-русски</a></p>',
    ...[english, russian].flatMap(texts => formatTexts(texts, hostname)),
  ])
  return { status: 200, text: `${lines.join('\n')}\n`, contentType: 'text/html; charset=utf-8' }
}

function formatTexts(
  { language, title, opening, sections, standards: word }: Texts,
  hostname: string,
): string[] {
  const links = standards.map(([name, url]) => `<a href="${url}">${name}</a>`).join(', ')
  return [
    `<section id="${language}" lang="${language}">`,
    `<h1>${escapeHtml(title(hostname))}</h1>`,
    `<p>${escapeHtml(opening)}</p>`,
    ...sections.flatMap(section => [
      `<h2>${escapeHtml(section.title)}</h2>`,
      '<ul>',
      ...section.lines.map(line => `<li>${escapeHtml(line)}</li>`),
      '</ul>',
    ]),
    `<p>${escapeHtml(word)}: ${links}</p>`,
    '</section>',
  ]
}
