// What the server answers, named by the reason: status, code and text together, in each language.
import type { Response, ResponseCode } from './response.ts'

const ok = (en: string, ru: string, data?: string): Response => ({ status: '+OK', data, text: { en, ru } })
const err = (en: string, ru: string, code?: ResponseCode): Response => ({
  status: '-ERR',
  code,
  text: { en, ru },
})

const wrongState = {
  authorization: err('Log in first', 'Сначала войдите'),
  transaction: err('You are logged in already', 'Вы уже вошли'),
} as const

export const answers = {
  // The connection
  /** Without angle brackets: between them APOP would look for its challenge (RFC 1939 §7). */
  greeting: (hostname: string) => ok(`${hostname} is ready`, `${hostname} слушает`),
  shuttingDown: err(
    'The server is about to stop; connect again in a moment',
    'Сервер останавливается; подключитесь чуть позже',
    'SYS/TEMP',
  ),
  tooManyConnections: err(
    'Too many connections; try again later',
    'Слишком много соединений; попробуйте позже',
    'SYS/TEMP',
  ),
  tooManyConnectionsFromYou: (host: string) =>
    err(`Too many connections from ${host}`, `Слишком много соединений от ${host}`, 'SYS/TEMP'),
  notYourDoor: err(
    'This server does not talk to your address on this port',
    'С вашего адреса этот порт недоступен',
    'SYS/PERM',
  ),
  noTlsOnThisPort: err('There is no TLS on this port', 'На этом порту нет TLS'),
  tlsOnPlainPort: (ports: readonly number[]) =>
    ports.length > 0
      ? err(
          `TLS begins with STLS on this port, or at once on port ${ports.join(' or ')}`,
          `На этом порту TLS начинается командой STLS, а сразу — на порту ${ports.join(' или ')}`,
        )
      : err('TLS begins with STLS on this port', 'На этом порту TLS начинается командой STLS'),
  fault: err('Something went wrong here; it was written down', 'Ошибка сервера; она записана', 'SYS/TEMP'),
  tooManyErrors: err('Too many errors', 'Слишком много ошибок'),
  logInEnded: err(
    'Your log-in is not good any more; log in again',
    'Ваш вход больше не действует; войдите снова',
    'AUTH',
  ),
  textBehindStls: err(
    'Wait for the answer to STLS before you go on',
    'Дождитесь ответа на STLS, прежде чем продолжать',
  ),
  // Any command
  unknownCommand: (verb: string) => err(`There is no command ${verb}`, `Нет команды ${verb}`),
  syntax: (syntax: string) => err(`Write ${syntax}`, `Пишется так: ${syntax}`),
  wrongState: (needed: keyof typeof wrongState) => wrongState[needed],
  bareLineFeed: err('A line ends with CR LF', 'Строка оканчивается на CR LF'),
  lineTooLong: (octets: number) =>
    err(`A line may have ${octets} octets`, `В строке может быть не больше ${octets} байтов`),
  notUtf8: err('A command is in UTF-8', 'Команда пишется в UTF-8'),
  done: ok('Done', 'Готово'),
  bye: ok('Until next time', 'До встречи'),
  byeUpdated: (deleted: number) =>
    ok(`Until next time; messages deleted: ${deleted}`, `До встречи; удалено писем: ${deleted}`),
  capabilities: ok('What there is', 'Вот что есть'),
  // Log-ins
  goOn: ok('And the password?', 'А пароль?'),
  userFirst: err('Say USER first', 'Сначала USER'),
  noApop: err(
    'APOP needs passwords in clear text, which nobody keeps here; there are USER and AUTH',
    'Для APOP нужны пароли открытым текстом, здесь их не хранят; есть USER и AUTH',
  ),
  noPasswords: err(
    'Passwords are not sent in clear text here; there is AUTH',
    'Пароли открытым текстом здесь не принимаются; есть AUTH',
  ),
  nobodyLogsIn: err('Nobody can log in here', 'Войти здесь нельзя', 'SYS/PERM'),
  loginNeedsTls: err(
    'Say STLS first: no password without TLS',
    'Сначала STLS: без TLS пароли не принимаются',
  ),
  wrongCredentials: err('Wrong name or password', 'Неверное имя или пароль', 'AUTH'),
  tokenRefused: err('This token is not taken', 'Этот токен не принят', 'AUTH'),
  certificateRefused: err('This certificate is not taken', 'Этот сертификат не принят', 'AUTH'),
  loginUnavailable: err(
    'Nobody can say now who you are; try again later',
    'Сейчас нельзя проверить, кто вы; попробуйте позже',
    'SYS/TEMP',
  ),
  unknownMechanism: (offered: string) => err(`There are ${offered}`, `Есть ${offered}`),
  mechanisms: ok('Mechanisms', 'Механизмы'),
  notBase64: err('Expected base64', 'Ожидается base64'),
  malformedResponse: err('This answer makes no sense to the mechanism', 'Ответ механизму непонятен'),
  cancelled: err('The log-in was cancelled', 'Вход отменён'),
  inUse: err(
    'Another program reads this mailbox by POP3; try again when it has ended',
    'Этот ящик читает по POP3 другая программа; попробуйте, когда она закончит',
    'IN-USE',
  ),
  maildropUnavailable: err(
    'The mailbox cannot be opened now; try again later',
    'Ящик сейчас нельзя открыть; попробуйте позже',
    'SYS/TEMP',
  ),
  loggedIn: (messages: number, octets: number) =>
    ok(`Messages: ${messages}, octets: ${octets}`, `Писем: ${messages}, байтов: ${octets}`),
  // TLS and languages
  beginTls: ok('Begin TLS now', 'Начинайте TLS'),
  noTls: err('This server has no TLS', 'На этом сервере нет TLS'),
  hasTls: err('TLS is there already', 'TLS уже есть'),
  tlsUnavailable: err('TLS cannot be had now', 'TLS сейчас недоступен', 'SYS/TEMP'),
  stlsAfterUtf8: err('STLS comes before UTF8', 'STLS идёт до UTF8'),
  utf8: ok('UTF-8 from now on', 'Дальше в UTF-8'),
  languages: ok('Languages', 'Языки'),
  speaks: (tag: string): Response =>
    ok('The answers are in English from now on', 'Ответы теперь по-русски', tag),
  noSuchLanguage: err(
    'There is no such language; LANG lists them',
    'Такого языка нет; LANG покажет, какие есть',
  ),
  // Messages
  stat: (messages: number, octets: number): Response => ({ status: '+OK', data: `${messages} ${octets}` }),
  /** LIST and UIDL of one message. */
  facts: (message: number, fact: number | string): Response => ({
    status: '+OK',
    data: `${message} ${fact}`,
  }),
  listing: (messages: number) => ok(`Messages: ${messages}`, `Писем: ${messages}`),
  message: (octets: number) => ok('octets', 'байтов', `${octets}`),
  top: ok('The beginning of the message', 'Начало письма'),
  deleted: ok('Deleted when you QUIT', 'Удалится после QUIT'),
  noSuchMessage: (messages: number) =>
    err(`There is no such message; there are ${messages}`, `Такого письма нет; всего их ${messages}`),
  isDeleted: err('You have deleted this message', 'Это письмо вы удалили'),
  hasLeft: err(
    'Another program has removed this message meanwhile',
    'Это письмо тем временем убрала другая программа',
  ),
  needsUtf8: err(
    'The header of this message cannot be written in ASCII; say UTF8 before you log in',
    'Заголовок этого письма нельзя записать в ASCII; скажите UTF8 до входа',
    'UTF8',
  ),
  unavailable: err(
    'This cannot be read now; it was written down',
    'Сейчас это не читается; ошибка записана',
    'SYS/TEMP',
  ),
  reset: (messages: number, octets: number) =>
    ok(`Messages: ${messages}, octets: ${octets}`, `Писем: ${messages}, байтов: ${octets}`),
  /** RFC 1939 §6, QUIT: what was marked is still there, or some of it. */
  notUpdated: err(
    'The mailbox could not be changed; what you deleted may still be there',
    'Ящик не удалось изменить; удалённое вами могло остаться',
    'SYS/TEMP',
  ),
  lockLost: err(
    'Another program has taken this mailbox over; what you deleted is still there',
    'Ящик тем временем заняла другая программа; удалённое вами осталось',
    'IN-USE',
  ),
} as const satisfies Readonly<Record<string, Response | ((...values: never[]) => Response)>>
