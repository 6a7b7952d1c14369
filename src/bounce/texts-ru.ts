// Reports in Russian.
import type { ReportAction, ReportCause } from './report.ts'
import type { CauseFacts, CauseText, ReportTexts } from './texts.ts'

const plural = new Intl.PluralRules('ru')

/** один получатель, два получателя, пять получателей: `one`, `few`, `many`. */
function counted(count: number, one: string, few: string, many: string): string {
  const form = plural.select(count)
  return `${count} ${form === 'one' ? one : form === 'few' ? few : many}`
}

const toRecipients = (count: number): string =>
  count === 1
    ? 'этому получателю'
    : `${counted(count, 'получателю', 'получателям', 'получателям')} из списка ниже`

const openings: Readonly<Record<ReportAction, (count: number) => string>> = {
  failed: count => `Ваше письмо не удалось доставить ${toRecipients(count)}. Больше попыток не будет.`,
  delayed: count =>
    `Ваше письмо пока не доставлено ${toRecipients(count)}. Оно не потеряно: сервер продолжает попытки, отправлять его ещё раз не нужно.`,
  delivered: count => `Ваше письмо доставлено ${toRecipients(count)}.`,
  relayed: count =>
    count === 1
      ? 'Ваше письмо передано почтовому серверу этого получателя. Тот сервер не сообщает, доставлено ли оно.'
      : 'Ваше письмо передано почтовым серверам получателей из списка ниже. Те серверы не сообщают, доставлено ли оно.',
  expanded: count =>
    count === 1
      ? 'Ваше письмо разослано участникам этого списка.'
      : 'Ваше письмо разослано участникам списков, названных ниже.',
}

const subjects: Readonly<Record<ReportAction, string>> = {
  failed: 'Не доставлено',
  delayed: 'Доставка задерживается',
  delivered: 'Доставлено',
  relayed: 'Передано дальше',
  expanded: 'Разослано по списку',
}

const delivered: Readonly<Record<ReportAction, string>> = {
  failed: '',
  delayed: '',
  delivered: 'Письмо лежит в почтовом ящике.',
  relayed: 'Следующий сервер принял письмо.',
  expanded: 'Письмо идёт каждому участнику списка.',
}

const causes: Readonly<Record<ReportCause, (facts: CauseFacts) => CauseText>> = {
  'unknown-user': ({ address, domain }) => ({
    happened: `На ${domain} нет почтового ящика ${address}.`,
    next: 'Проверьте, нет ли в адресе опечатки. Если адрес верный, спросите у получателя, каким он пользуется сейчас.',
  }),
  'unknown-domain': ({ domain }) => ({
    happened: `Домена ${domain} не существует, или он не принимает почту.`,
    next: `Проверьте, нет ли опечатки в части адреса после @ (${domain}), и отправьте письмо ещё раз по верному адресу.`,
  }),
  'null-mx': ({ domain }) => ({
    happened: `Домен ${domain} сообщает, что вообще не принимает почту.`,
    next: 'Узнайте у получателя другим способом адрес, на который приходит почта.',
  }),
  'mailbox-full': () => ({
    happened: 'Почтовый ящик получателя переполнен.',
    next: 'Сообщите об этом получателю другим способом и отправьте письмо ещё раз позже.',
  }),
  'message-too-large': ({ domain }) => ({
    happened: `Письмо больше, чем принимает ${domain}.`,
    next: 'Отправьте его с вложениями поменьше или выложите большие файлы для скачивания и пришлите ссылку.',
  }),
  policy: ({ domain }) => ({
    happened: `Правила ${domain} не пропускают это письмо.`,
    next: 'Покажите это сообщение администратору своей почты: какое именно правило, сказано ниже в ответе того сервера.',
  }),
  authentication: ({ domain }) => ({
    happened: `${domain} не верит, что письмо отправлено с вашего домена (не пройдена проверка SPF, DKIM или DMARC).`,
    next: 'Покажите это сообщение администратору своей почты: нужно исправить записи DNS вашего домена.',
  }),
  rate: ({ domain }) => ({
    happened: `${domain} принимает от нас лишь ограниченное число писем за раз.`,
    next: 'Отправьте письмо ещё раз позже. Если вы пишете многим, растяните рассылку по времени.',
  }),
  content: ({ domain }) => ({
    happened: `${domain} принял содержание письма за спам или за что-то вредоносное.`,
    next: 'Посмотрите на ссылки и вложения в письме, уберите то, что может показаться подозрительным, и отправьте его ещё раз — или свяжитесь с получателем иначе.',
  }),
  'no-answer': ({ domain }) => ({
    happened: `Почтовый сервер ${domain} не отвечает.`,
    next: 'С вашей стороны всё в порядке. Свяжитесь с получателем иначе или отправьте письмо ещё раз позже.',
  }),
  'refused-connection': ({ domain }) => ({
    happened: `Почтовый сервер ${domain} не принимает соединений.`,
    next: 'С вашим письмом всё в порядке. Свяжитесь с получателем иначе или отправьте письмо ещё раз позже.',
  }),
  'dns-failure': ({ domain }) => ({
    happened: `Не удалось узнать, куда доставлять почту для ${domain}: серверы имён этого домена не отвечают.`,
    next: `Проверьте часть адреса после @ (${domain}). Если она верна, неисправность на стороне получателя; отправьте письмо ещё раз позже.`,
  }),
  'tls-failure': ({ domain }) => ({
    happened: `Не удалось установить зашифрованное соединение с почтовым сервером ${domain}.`,
    next: 'Покажите это сообщение администратору своей почты.',
  }),
  loop: ({ address }) => ({
    happened: `Почта для ${address} пересылается по кругу.`,
    next: 'Сообщите получателю или его администратору, что пересылку с этого адреса нужно исправить.',
  }),
  'smart-host': () => ({
    happened: 'Сервер, через который уходит наша почта, недоступен или не принимает её от нас.',
    next: 'С письмом и адресом всё в порядке. Покажите это сообщение администратору своей почты.',
  }),
  'extension-missing': ({ domain }) => ({
    happened: `Почтовый сервер ${domain} не может принять письмо такого вида (особые символы в адресе или его кодировка).`,
    next: 'Напишите на адрес из латинских букв, если он есть у получателя, или отправьте письмо простым текстом.',
  }),
  'server-busy': ({ domain }) => ({
    happened: `Почтовый сервер ${domain} сейчас слишком занят, чтобы принять письмо.`,
    next: 'Отправьте письмо ещё раз позже.',
  }),
  'local-error': () => ({
    happened: 'С этим письмом не справился наш собственный сервер.',
    next: 'Покажите это сообщение администратору своей почты.',
  }),
  other: ({ domain, answered }) =>
    answered
      ? {
          happened: `Почтовый сервер ${domain} не принял письмо; почему, сказано ниже в его ответе.`,
          next: 'Если из ответа неясно, что делать, покажите это сообщение администратору своей почты.',
        }
      : {
          happened: `Наш сервер не смог передать письмо для ${domain}.`,
          next: 'Покажите это сообщение администратору своей почты.',
        },
}

const dateFormat = new Intl.DateTimeFormat('ru', { dateStyle: 'full', timeStyle: 'short', timeZone: 'UTC' })

export const russian: ReportTexts = {
  senderName: 'Доставка почты',
  subject: (action, subject) => (subject === '' ? subjects[action] : `${subjects[action]}: ${subject}`),
  opening: (action, count) => openings[action](count),
  cause: (cause, facts) => causes[cause](facts),
  delayNext: until =>
    `Ничего. Сервер будет пытаться дальше (срок: ${until}) и сообщит вам, если доставить не удастся.`,
  delivered: action => delivered[action],
  expired: (attempts, last) => `Попыток: ${attempts}; последняя — ${last}; потом отведённое время истекло.`,
  nextLabel: 'Что делать',
  happenedLabel: 'Что случилось',
  serverSaid: server => (server === undefined ? 'Ответ другого сервера' : `Ответ сервера ${server}`),
  yourMessage: 'Ваше письмо',
  subjectLabel: 'Тема',
  sentLabel: 'Принято здесь',
  idLabel: 'Номер',
  idHint: 'по нему администратор узнает о письме всё',
  technical: 'Для администратора',
  closing: hostname => `Это сообщение составил почтовый сервер ${hostname}. Ответы на него никто не читает.`,
  date: ms => `${dateFormat.format(ms)} UTC`,
}
