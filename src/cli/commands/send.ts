// postrider send: an SMTP client that shows the dialogue, to try a server or to send from a script.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Address, ReversePath } from '../../address/address.ts'
import { formatAddress } from '../../address/format-address.ts'
import { isLoopback } from '../../address/networks.ts'
import type { Settings } from '../../config/settings.ts'
import { displayAddress } from '../../directory/display.ts'
import type { ServerStatus } from '../../main/control-protocol.ts'
import { UsageFault, WrongUsage } from '../../runtime/fault.ts'
import { isAscii } from '../../runtime/text.ts'
import type {
  ClientTls,
  OutgoingTransaction,
  RecipientResult,
  SmtpClientOptions,
} from '../../smtp/client/contract.ts'
import {
  addressArgument,
  addressesArgument,
  type GivenReversePath,
  portArgument,
  reversePathArgument,
} from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { composeTextMessage } from '../compose-text-message.ts'
import { describeFileError } from '../describe-file-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatReply } from '../format-trail.ts'
import type { Invocation } from '../invocation.ts'
import { askPassword, readAll } from '../prompt.ts'
import { askRunningServer } from '../running-server.ts'

interface SendOptions {
  readonly from?: GivenReversePath
  readonly to: readonly Address[]
  readonly server?: string
  readonly port?: number
  readonly user?: string
  readonly password?: string
  readonly passwordStdin?: true
  readonly tls?: ClientTls
  readonly insecure?: true
  readonly helo?: string
  readonly subject: string
  readonly body?: string
  readonly dataFile?: string
}

export function addSendCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'send',
    summary: 'Send a message and show the SMTP dialogue',
    description:
      'Send a message by SMTP and show the dialogue, C: for what this client says, S: for what the server says. Without ' +
      '--server it goes to the server of the settings, on the ports on which that runs. The body is --body, or stdin, or a ' +
      'line of its own.',
    examples: [
      'send --from test@testmail.com --to anna@example.test --subject "Test header" --body "Some text"',
      'send --user anna@example.test --to boris@example.test --password-stdin < password.txt',
      'send --from a@example.test --to b@example.org --server mx.example.org --data-file message.eml',
    ],
  })
    .addOption(
      new Option('--from <address>', 'the reverse-path, <> for the null one; default: the user').argParser(
        reversePathArgument,
      ),
    )
    .addOption(
      new Option('--to <address>', 'a recipient; may be repeated')
        .argParser(addressesArgument)
        .makeOptionMandatory(),
    )
    .option('--server <host>', 'name or IP address')
    .addOption(new Option('--port <port>', 'default: 25, or 587 with --user').argParser(portArgument))
    .option('--user <name>', 'log in as')
    .option('--password <password>', 'others on this machine may see it in the list of processes')
    .option('--password-stdin', 'read the password from stdin')
    .addOption(
      new Option('--tls <mode>', 'default: opportunistic; starttls with --user').choices([
        'implicit',
        'starttls',
        'opportunistic',
        'never',
      ]),
    )
    .option('--insecure', 'accept any certificate')
    .option('--helo <name>', 'the name in EHLO; default: that of the settings')
    .option('--subject <text>', 'the Subject field', 'Test')
    .option('--body <text>', 'the text of the message')
    .option(
      '--data-file <file>',
      'a whole message, header section and body, instead of subject and body; "-" is stdin',
    )
    .action(perform(run, async (invocation, options: SendOptions) => await sendMessage(invocation, options)))
}

async function sendMessage(invocation: Invocation, options: SendOptions): Promise<void> {
  const destination = await findDestination(invocation, options)
  const reversePath = options.from === undefined ? senderOf(options) : options.from.reversePath
  const password = options.user === undefined ? undefined : await passwordFor(invocation, options)
  const mailData = await readMailData(invocation, options, reversePath)
  const transaction: OutgoingTransaction = {
    reversePath,
    body: isAscii(mailData.toString('latin1')) ? '7BIT' : '8BITMIME',
    smtpUtf8: [...options.to, ...(reversePath ? [reversePath] : [])].some(
      address => !isAscii(address.localPart),
    ),
    recipients: options.to.map(forwardPath => ({ forwardPath })),
    mailData: {
      size: mailData.length,
      async *open() {
        yield mailData
      },
    },
  }
  const dialogue: string[] = []
  const results = await deliver(transaction, {
    ...destination,
    auth:
      options.user === undefined || password === undefined ? undefined : { username: options.user, password },
    clock: invocation.clock,
    onDialogue: line => {
      dialogue.push(line)
      if (!invocation.output.json) invocation.output.line(line, line.startsWith('C:') ? 'dim' : undefined)
    },
  })
  const accepted = results.filter(({ result }) => result.kind === 'accepted').length
  invocation.output.result(
    { accepted, recipients: results.map(resultJson), dialogue },
    results
      .map(({ recipient, result }) => `${displayAddress(recipient.forwardPath)}: ${describeResult(result)}`)
      .join('\n'),
  )
  if (accepted < results.length) invocation.exitCode = exitCodes.failed
}

/** One result a recipient, also when there is no connection. */
async function deliver(
  transaction: OutgoingTransaction,
  options: SmtpClientOptions,
): Promise<readonly RecipientResult[]> {
  const { connectSmtp } = await import('../../smtp/client/connect.ts')
  const { SmtpClientFailure } = await import('../../smtp/client/smtp-client-failure.ts')
  try {
    const connection = await connectSmtp(options)
    const results = await connection.send(transaction)
    await connection.quit()
    return results
  } catch (cause) {
    if (!(cause instanceof SmtpClientFailure)) throw cause
    const failure = cause.facts
    return transaction.recipients.map(recipient => ({ recipient, result: { kind: 'failed', failure } }))
  }
}

interface Destination {
  readonly host: string
  readonly port: number
  readonly tls: ClientTls
  readonly verifyCertificate: boolean
  readonly allowPlaintextAuth: boolean
  readonly helloName: string
}

// A password must not go to whoever pretends to be the server, so with --user the certificate is checked, unless the
// server is on this machine.
async function findDestination(invocation: Invocation, options: SendOptions): Promise<Destination> {
  const withUser = options.user !== undefined
  if (options.server !== undefined) {
    const loopback = options.server === 'localhost' || isLoopback(options.server)
    const tls = options.tls ?? (withUser && !loopback ? 'starttls' : 'opportunistic')
    return {
      host: options.server,
      port: options.port ?? (withUser ? 587 : 25),
      tls,
      verifyCertificate: withUser && !loopback && options.insecure !== true,
      allowPlaintextAuth: loopback || tls === 'never',
      helloName: options.helo ?? 'localhost',
    }
  }
  const settings = await invocation.settings()
  const listeners = (await listenersOfRunningServer(settings)) ?? settings.listeners
  const wanted = withUser ? ['submission', 'submissions', 'relay'] : ['relay', 'submission', 'submissions']
  const listener = wanted.map(role => listeners.find(one => one.role === role)).find(one => one !== undefined)
  if (!listener)
    throw new UsageFault('CLI_NO_LISTENER', 'The settings have no listener. Name a server with --server.')
  const everyAddress = listener.address === '::' || listener.address === '0.0.0.0'
  return {
    host: everyAddress ? '127.0.0.1' : listener.address,
    port: options.port ?? listener.port,
    tls: options.tls ?? (listener.role === 'submissions' ? 'implicit' : 'opportunistic'),
    verifyCertificate: false,
    // It stays on this machine.
    allowPlaintextAuth: true,
    helloName: options.helo ?? settings.hostname,
  }
}

/** A server to try out may have been started with --ports; and whoever sends mail need not be the administrator. */
async function listenersOfRunningServer(settings: Settings): Promise<ServerStatus['listeners'] | undefined> {
  const status = await askRunningServer(settings, control => control.status())
  return typeof status === 'string' ? undefined : status.listeners
}

function senderOf({ user }: SendOptions): ReversePath {
  if (user === undefined) {
    throw new WrongUsage('Say from whom: --from <address>, or --from "<>" for the null reverse-path.')
  }
  try {
    return addressArgument(user)
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError)) throw cause
    throw new WrongUsage(`"${user}" is no address to send from. Say from whom: --from <address>.`, { cause })
  }
}

async function passwordFor(invocation: Invocation, options: SendOptions): Promise<string> {
  return (
    options.password ??
    (await askPassword('Password: ', invocation.surroundings.keyboard, invocation.surroundings.stderr))
  )
}

async function readMailData(
  invocation: Invocation,
  options: SendOptions,
  reversePath: ReversePath,
): Promise<Buffer> {
  const { keyboard, workingFolder } = invocation.surroundings
  if (options.dataFile !== undefined) {
    const bytes =
      options.dataFile === '-' ? await readAll(keyboard) : readFile(resolve(workingFolder, options.dataFile))
    return withCrlf(bytes)
  }
  const stdinIsFree =
    keyboard.isTTY !== true &&
    options.passwordStdin !== true &&
    !(options.user !== undefined && options.password === undefined)
  const body =
    options.body ??
    (stdinIsFree ? (await readAll(keyboard)).toString('utf8') : 'A message from "postrider send".')
  const now = invocation.clock.now()
  const domain = reversePath?.domain ?? 'localhost'
  return composeTextMessage({
    author: reversePath ? formatAddress(reversePath) : `postmaster@${domain}`,
    to: options.to.map(formatAddress),
    subject: options.subject,
    body: body === '' ? 'A message from "postrider send".' : body,
    at: now,
    messageId: `${now.toString(36)}.${Buffer.from(invocation.random.bytes(9)).toString('hex')}@${domain}`,
  })
}

function readFile(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new UsageFault('CLI_FILE', `${file} cannot be read: ${describeFileError(cause)}`, { cause })
  }
}

// A file of an editor ends its lines with LF; SMTP's lines end with CRLF and nothing else (RFC 5321 §2.3.8).
function withCrlf(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(/\r\n|\r|\n/g, '\r\n'), 'latin1')
}

function describeResult(result: RecipientResult['result']): string {
  switch (result.kind) {
    case 'accepted':
      return `accepted (${formatReply(result.reply)})`
    case 'refused':
      return `refused at ${result.stage} (${formatReply(result.reply)})`
    case 'failed':
      return `failed: ${result.failure.detail}${result.failure.reply ? ` (${formatReply(result.failure.reply)})` : ''}`
    default:
      return result satisfies never
  }
}

function resultJson({ recipient, result }: RecipientResult): unknown {
  return { address: displayAddress(recipient.forwardPath), ...result }
}
