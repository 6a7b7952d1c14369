// LANG (RFC 6856 §3): in which language the server answers.
import { findLanguage, languages } from '../../grammar/language.ts'
import { answers } from '../../responses/answers.ts'
import { formatLines } from '../../responses/lines.ts'
import { always, type Command } from '../command.ts'

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
