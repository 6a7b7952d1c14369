// What the owner of a script is told of a mistake in it.

export interface MistakeFacts {
  readonly script: string
  readonly account: string
  /** 'line 3, column 7' */
  readonly line: number
  readonly column: number
  /** Of a script that it includes. */
  readonly included?: string | undefined
  /** In English. */
  readonly problem: string
  readonly from: string
  readonly subject: string
}

export interface MistakeTexts {
  readonly senderName: string
  subject(script: string): string
  opening(script: string): string
  readonly where: string
  place(facts: MistakeFacts): string
  readonly what: string
  readonly meaning: string
  readonly next: string
  readonly message: string
  readonly fromLabel: string
  readonly subjectLabel: string
  closing(hostname: string): string
}

const english: MistakeTexts = {
  senderName: 'Mail server',
  subject: script => `Your filter "${script}" has a mistake`,
  opening: script => `Your filter (Sieve script) "${script}" could not do what it says.`,
  where: 'Where',
  place: ({ line, column, included }) =>
    `line ${line}, column ${column}${included === undefined ? '' : ` of the script "${included}", which it includes`}`,
  what: 'What',
  meaning: 'No mail is lost: such a message comes into your mailbox as if there were no filter.',
  next: 'Correct the filter at that place, in your mail program or wherever you edit it. Until then you are told of this once a day.',
  message: 'The message',
  fromLabel: 'From',
  subjectLabel: 'Subject',
  closing: hostname => `This message was written by the mail server ${hostname}. Nobody reads answers to it.`,
}

const russian: MistakeTexts = {
  senderName: 'Почтовый сервер',
  subject: script => `Ошибка в вашем фильтре «${script}»`,
  opening: script => `Ваш фильтр (скрипт Sieve) «${script}» не смог сделать того, что в нём написано.`,
  where: 'Где',
  place: ({ line, column, included }) =>
    `строка ${line}, столбец ${column}${included === undefined ? '' : ` скрипта «${included}», который он включает`}`,
  what: 'Что',
  meaning: 'Письма не теряются: такое письмо приходит в ваш ящик так, как если бы фильтра не было.',
  next: 'Исправьте фильтр в этом месте в почтовой программе или там, где вы его редактируете. До тех пор мы будем напоминать об этом раз в день.',
  message: 'Письмо',
  fromLabel: 'От кого',
  subjectLabel: 'Тема',
  closing: hostname => `Это сообщение написал почтовый сервер ${hostname}. Ответы на него никто не читает.`,
}

export const mistakeTexts: Readonly<Record<'en' | 'ru', MistakeTexts>> = { en: english, ru: russian }
