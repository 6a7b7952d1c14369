// UTF8 and LANG (RFC 6856): in which form messages are sent, and in which language the server answers.
import { findLanguage, languages } from '../../grammar/language.ts'
import { answers } from '../../responses/answers.ts'
import { formatLines } from '../../responses/lines.ts'
import { always, beforeLogin, type Command } from '../command.ts'

export const utf8: Command<'UTF8'> = {
  verb: 'UTF8',
  phases: beforeLogin,
  run(session) {
    session.form = 'utf-8'
    return session.answer(answers.utf8)
  },
}

export const lang: Command<'LANG'> = {
  verb: 'LANG',
  phases: always,
  run(session, { range }) {
    if (range === undefined)
      return {
        ...session.answer(answers.languages),
        lines: formatLines(languages.map(({ tag, name }) => `${tag} ${name}`)),
      }
    // §3.2, §7: the account's own, once it is known whose.
    const language = range === '*' ? (session.client.account?.language ?? 'en') : findLanguage(range)
    if (!language) return session.answer(answers.noSuchLanguage)
    session.language = language
    return session.answer(answers.speaks(language))
  },
}
