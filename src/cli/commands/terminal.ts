// postrider terminal: a live session where SEND, SAML and SOML show mail (RFC 821 §3.4).
import { Argument, type Command } from 'commander'
import type { Address } from '../../address/address.ts'
import { findAccount } from '../../directory/accounts.ts'
import { directoryFault } from '../../directory/directory-fault.ts'
import { displayAddress } from '../../directory/display.ts'
import { connectControl } from '../../main/control-client.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { addressArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { formatTerminalText } from '../format-message.ts'

/** Parts one message from the next. */
const messageEnd = '─'.repeat(40)

export function addTerminalCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'terminal',
    summary: 'Open a terminal: show the messages that SEND, SAML and SOML bring to an address',
    description:
      'Open a terminal for an address: messages sent with SEND, SAML and SOML (RFC 821 §3.4) appear here while it is open. ' +
      'Their text is decoded, as "mail read" does it; with --json it is what came. Ctrl-C closes it.',
    examples: ['terminal anna@example.test'],
  })
    .addArgument(new Argument('<address>', 'an account of this server').argParser(addressArgument))
    .action(
      perform(run, async (invocation, _options: object, address: Address) => {
        const settings = await invocation.settings()
        const account = await invocation.withStorage(storage => storage.run(findAccount, { address }))
        if (!account) {
          throw directoryFault(
            'DIRECTORY_NO_SUCH_ADDRESS',
            `There is no account ${displayAddress(address)}. "postrider account list" shows them.`,
          )
        }
        const control = await connectControl(settings.dataFolder)
        if (!control)
          throw new UsageFault(
            'CLI_NO_SERVER',
            'No server is running on this data folder. Start it first: postrider serve',
          )
        await control.openTerminal(displayAddress(address), async text => {
          if (invocation.output.json)
            invocation.output.bytes(Buffer.from(`${JSON.stringify({ message: text })}\n`))
          else invocation.output.line(`${await formatTerminalText(text)}\n${messageEnd}`)
        })
        invocation.output.note(`The terminal of ${displayAddress(address)} is open. Ctrl-C closes it.`)
        await control.closed
        throw new UsageFault('CLI_SERVER_GONE', 'The server has gone; the terminal is closed.')
      }),
    )
}
