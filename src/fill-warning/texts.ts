// What an owner is told whose mailboxes fill up: English and Russian.
import type { Extent, Quota } from '../mailbox/quota.ts'
import type { Language } from '../queue/records.ts'
import { formatSize } from '../runtime/format-size.ts'

/** Of what is told. */
export interface WarningFacts {
  readonly address: string
  readonly hostname: string
  /** Hundredths of the limit that is nearer. */
  readonly percent: number
  readonly quota: Pick<Quota, 'used' | 'limit'>
}

export interface WarningTexts {
  readonly senderName: string
  readonly subject: (facts: WarningFacts) => string
  readonly opening: (facts: WarningFacts) => string
  readonly happened: (facts: WarningFacts) => string
  /** Of the level that this is about. */
  readonly meaning: Readonly<Record<80 | 95, string>>
  readonly stepsTitle: string
  readonly steps: readonly string[]
  readonly detailsTitle: string
  readonly labels: { readonly account: string; readonly size: string; readonly messages: string }
  readonly of: (used: string, limit: string) => string
  /** In a sentence: '4 of 5 messages'. */
  readonly inMessages: (number: string) => string
  readonly size: (bytes: number) => string
  readonly closing: (hostname: string) => string
}

const english: WarningTexts = {
  senderName: 'Mail server',
  subject: ({ percent }) => `Your mailbox is ${percent}% full`,
  opening: ({ percent }) => `You have used ${percent}% of the room for your mail.`,
  happened: facts => `In the mailboxes of ${facts.address} are ${describe(facts, english)}.`,
  meaning: {
    80: 'All still arrives. Make room in time.',
    95: 'When nothing is left, new mail does not arrive: it waits for some days, and after a week it goes back to its senders.',
  },
  stepsTitle: 'What you can do',
  steps: [
    'Delete what you no longer need. Large attachments help most: sort a folder by size to find them.',
    'Empty the trash and the folder for spam: what lies there counts too.',
    'If that is not enough, ask the administrator of your mail server for more room.',
  ],
  detailsTitle: 'For your records',
  labels: { account: 'Account', size: 'Size', messages: 'Messages' },
  of: (used, limit) => `${used} of ${limit}`,
  inMessages: number => `${number} messages`,
  size: formatSize,
  closing: hostname =>
    `The mail server ${hostname} wrote this message by itself. Nobody reads an answer to it.`,
}

const russianUnits: Readonly<Record<string, string>> = { B: 'Б', KB: 'КБ', MB: 'МБ', GB: 'ГБ', TB: 'ТБ' }

const russian: WarningTexts = {
  senderName: 'Почтовый сервер',
  subject: ({ percent }) => `Ваш почтовый ящик заполнен на ${percent}%`,
  opening: ({ percent }) => `Вы заняли ${percent}% места, отведённого под вашу почту.`,
  happened: facts => `В ящике ${facts.address} занято: ${describe(facts, russian)}.`,
  meaning: {
    80: 'Пока приходит всё. Освободите место заранее.',
    95: 'Когда места не останется, новые письма перестанут приходить: несколько дней они подождут, а через неделю будут возвращаться отправителям.',
  },
  stepsTitle: 'Что можно сделать',
  steps: [
    'Удалите то, что больше не нужно. Больше всего места занимают вложения: чтобы найти их, упорядочите письма в папке по размеру.',
    'Очистите корзину и папку для спама: то, что лежит в них, тоже занимает место.',
    'Если этого мало, попросите больше места у администратора вашего почтового сервера.',
  ],
  detailsTitle: 'Подробности',
  labels: { account: 'Учётная запись', size: 'Размер', messages: 'Писем' },
  of: (used, limit) => `${used} из ${limit}`,
  inMessages: number => `писем: ${number}`,
  size: bytes =>
    formatSize(bytes)
      .replace('.', ',')
      .replace(/[A-Z]+$/, unit => russianUnits[unit] ?? unit),
  closing: hostname => `Это письмо написал сам почтовый сервер ${hostname}. Ответ на него никто не прочтёт.`,
}

export const warningTexts: Readonly<Record<Language, WarningTexts>> = { en: english, ru: russian }

function describe({ quota: { used, limit } }: WarningFacts, texts: WarningTexts): string {
  const parts = [
    ...(limit.bytes > 0 ? [describeSize(used, limit, texts)] : []),
    ...(limit.messages > 0 ? [texts.inMessages(describeNumber(used, limit, texts))] : []),
  ]
  return parts.join('; ')
}

export function describeSize(used: Extent, limit: Extent, { of, size }: WarningTexts): string {
  return of(size(used.bytes), size(limit.bytes))
}

export function describeNumber(used: Extent, limit: Extent, { of }: WarningTexts): string {
  return of(`${used.messages}`, `${limit.messages}`)
}
