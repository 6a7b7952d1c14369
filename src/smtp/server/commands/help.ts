// HELP (RFC 5321 §4.1.1.8): every command explained.
import { replies } from '../../replies.ts'
import { always, type Command } from '../command.ts'

export const help: Command = {
  verb: 'HELP',
  syntax: 'HELP [command]',
  explanation: ['Lists the commands, or explains one.'],
  phases: always,
  run(session, argument) {
    if (argument === '') {
      const verbs = [...session.commands.values()]
        .filter(command => !command.denied?.(session))
        .map(command => command.verb)
      return session.stay(
        replies.help(['You can say:', verbs.join(' '), 'HELP with one of them explains it.']),
      )
    }
    const command = session.commands.get(argument.toUpperCase())
    if (!command)
      return session.stay(replies.syntax(`There is no command ${argument.slice(0, 32)}; HELP lists them`))
    return session.stay(replies.help([command.syntax, ...command.explanation]))
  },
}
