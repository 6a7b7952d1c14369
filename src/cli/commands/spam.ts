// postrider spam: what the statistical filter has learned, and lessons for it from files.
import { createHash } from 'node:crypto'
import { createReadStream, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Argument, type Command, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { displayAddress } from '../../directory/display.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { leastLearned } from '../../screening/estimate.ts'
import { everybody, type LearnedKind, readLearned } from '../../screening/learning.ts'
import { teach } from '../../screening/teach.ts'
import { accountIdOf } from '../account-id.ts'
import { addressArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { describeFileError } from '../describe-file-error.ts'
import type { Invocation } from '../invocation.ts'
import { formatCount } from '../quantities.ts'

interface LearnOptions {
  readonly as: LearnedKind
  readonly account?: Address
}

export function addSpamCommand(program: Command, run: CommandRun): void {
  const spam = addCommand(program, {
    usage: 'spam',
    summary: 'The filter that learns what is spam: status, learn',
    examples: ['spam status', 'spam learn --as spam folder-of-spam'],
  })

  addCommand(spam, {
    usage: 'status',
    summary: 'Show how much the filter has learned',
    examples: ['spam status', 'spam status anna@example.test'],
  })
    .addArgument(
      new Argument('[address]', 'of an account; without it all together').argParser(addressArgument),
    )
    .action(
      perform(run, async (invocation, _options: object, address: Address | undefined) => {
        await invocation.withStorage(async storage => {
          const accountId = address ? await accountIdOf(storage, address) : everybody
          const learned = await storage.run(readLearned, { accountId })
          invocation.output.result(
            { account: address ? displayAddress(address) : null, ...learned, leastOfEach: leastLearned },
            describeLearned(address, learned),
          )
        })
      }),
    )

  addCommand(spam, {
    usage: 'learn',
    summary: 'Teach the filter with messages in files',
    description:
      'Teach the filter with messages in files, one in each, or folders of them. A message that was taught before, as the same, changes nothing.',
    examples: [
      'spam learn --as spam folder-of-spam',
      'spam learn --as ham letter.eml --account anna@example.test',
    ],
  })
    .addArgument(new Argument('<file...>', 'messages, or folders of them'))
    .addOption(
      new Option('--as <kind>', 'what they are: spam, or ham, which is wanted mail')
        .choices(['spam', 'ham'])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--account <address>',
        'for this account, and a little for all; without it for all',
      ).argParser(addressArgument),
    )
    .action(
      perform(run, async (invocation, options: LearnOptions, names: readonly string[]) => {
        const files = names.flatMap(name => filesIn(invocation, name))
        await invocation.withStorage(async storage => {
          const accountId = options.account ? await accountIdOf(storage, options.account) : everybody
          const progress = invocation.output.progress()
          let learned = 0
          try {
            for (const [index, file] of files.entries()) {
              const bytes = await read(file)
              const lesson = {
                accountId,
                messageId: numberOfFile(bytes),
                kind: options.as,
                now: invocation.clock.now(),
              }
              if ((await teach(storage, lesson, inOnePiece(bytes))) === 'learned') learned++
              progress.update(`Messages: ${index + 1} of ${files.length}`)
            }
          } finally {
            progress.end()
          }
          invocation.output.result(
            { messages: files.length, learned },
            `The filter has learned from ${formatCount(learned, 'message')}${learned < files.length ? `; ${files.length - learned} of them it knew` : ''}.`,
          )
        })
      }),
    )
}

function describeLearned(
  address: Address | undefined,
  { spam, ham }: { readonly spam: number; readonly ham: number },
): string {
  const whose = address ? displayAddress(address) : 'All accounts together'
  const taught = `${whose}: ${formatCount(spam, 'message')} of spam, ${formatCount(ham, 'message')} of wanted mail.`
  return spam < leastLearned || ham < leastLearned
    ? `${taught} The filter says nothing before it has learned ${leastLearned} of each: from what people move into Junk and out of it and what they answer, "postrider mail junk" and "not-junk", or "postrider spam learn".`
    : taught
}

function filesIn({ surroundings }: Invocation, name: string): string[] {
  const path = resolve(surroundings.workingFolder, name)
  try {
    if (!statSync(path).isDirectory()) return [path]
    return readdirSync(path, { withFileTypes: true, recursive: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name))
      .sort()
  } catch (cause) {
    throw new UsageFault('CLI_FILE', `${name} cannot be read: ${describeFileError(cause)}`, { cause })
  }
}

/** More of a message the filter does not look at. */
const maxBytes = 4 * 1024 * 1024

async function read(file: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of createReadStream(file, { end: maxBytes - 1 })) chunks.push(chunk as Buffer)
  } catch (cause) {
    throw new UsageFault('CLI_FILE', `${file} cannot be read: ${describeFileError(cause)}`, { cause })
  }
  return Buffer.concat(chunks)
}

async function* inOnePiece(bytes: Buffer): AsyncIterable<Uint8Array> {
  // Files on disk often have the line ends of this system.
  yield Buffer.from(bytes.toString('latin1').replaceAll(/\r?\n/g, '\r\n'), 'latin1')
}

/** Below 0: those of messages in mailboxes are above. */
function numberOfFile(bytes: Buffer): number {
  return -1 - createHash('sha256').update(bytes).digest().readUIntBE(0, 6)
}
