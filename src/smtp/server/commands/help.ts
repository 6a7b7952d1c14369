// HELP (RFC 5321 §4.1.1.8): every command explained.
import { replies } from '../../replies.ts'
import { always, type Command } from '../command.ts'
import type { Session } from '../session.ts'
import type { Step } from '../session-state.ts'

/** HELP explains the other commands of the table, so it is made from them. */
export function createHelp(others: readonly Command[]): Command {
  const help: Command = {
    verb: 'HELP',
    syntax: 'HELP [command]',
    explanation: ['Lists the commands, or explains one.'],
    phases: always,
    endsGroup: false,
    run: (session, argument) => session.stay(explain(session, argument)),
  }
  const commands = [...others, help]

  function explain(session: Session, topic: string): NonNullable<Step['reply']> {
    if (topic === '') {
      const verbs = commands.filter(command => !command.denied?.(session)).map(({ verb }) => verb)
      return replies.help(['You can say:', verbs.join(' '), 'HELP with one of them explains it.'])
    }
    // Who asks for "MAIL FROM" means MAIL.
    const [word = ''] = topic.split(/[ \t]/)
    const command = commands.find(({ verb }) => verb === word.toUpperCase())
    if (!command) return replies.noSuchTopic(topic)
    const { explanation } = command
    const lines = [
      command.syntax,
      ...(typeof explanation === 'function' ? explanation(session) : explanation),
    ]
    if (command.endsGroup) lines.push('Wait for the answer before you send more (RFC 2920).')
    return replies.help(lines)
  }

  return help
}
