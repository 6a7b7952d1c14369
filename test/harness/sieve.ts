// Runs Sieve scripts in tests, and tells what they want in a line for each action.
import assert from 'node:assert/strict'
import type { Address } from '../../src/address/address.ts'
import { formatAddress } from '../../src/address/format-address.ts'
import { parseAddress } from '../../src/address/parse-address.ts'
import { HeaderSplitter } from '../../src/message/header-section.ts'
import type { Circumstances, SieveMessage } from '../../src/sieve/circumstances.ts'
import type { SieveLimits } from '../../src/sieve/limits.ts'
import type { SieveAction, SieveOutcome } from '../../src/sieve/outcome.ts'
import { parseScript } from '../../src/sieve/parse-script.ts'
import { formatProblem } from '../../src/sieve/problem.ts'
import { runScript } from '../../src/sieve/run-script.ts'
import type { SieveScript } from '../../src/sieve/script.ts'

export interface SieveWorld {
  readonly from?: string | null
  readonly to?: string
  readonly owner?: readonly string[]
  readonly now?: string
  readonly timeZone?: string
  readonly mailboxes?: readonly string[]
  readonly mailboxIds?: readonly string[]
  /** 'Spam \\Junk' */
  readonly specialUses?: readonly string[]
  /** By 'mailbox /annotation', or '/annotation' of the server. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Kinds and keys that earlier runs left. */
  readonly remembered?: ReadonlySet<string>
  /** By 'personal name' or 'global name'. */
  readonly scripts?: Readonly<Record<string, string>>
  readonly environment?: Readonly<Record<string, string>>
}

export function addressOf(text: string): Address {
  const address = parseAddress(text)
  assert.ok(address, text)
  return address
}

/** Lines may end with LF alone. */
export function messageOf(text: string): SieveMessage {
  const bytes = Buffer.from(text.replaceAll(/\r?\n/g, '\r\n'))
  const splitter = new HeaderSplitter(10_000_000)
  const taken = splitter.take(bytes)
  const { section, rest, lacksEmptyLine } = typeof taken === 'string' ? splitter.finish() : taken
  return joinMessage(section, lacksEmptyLine ? rest : rest.length === 0 ? undefined : rest.subarray(2))
}

/** `body` is undefined where there is not even an empty line. */
export function joinMessage(headerSection: Uint8Array, body: Uint8Array | undefined): SieveMessage {
  return {
    headerSection,
    size: headerSection.length + (body ? 2 + body.length : 0),
    readBody: max => Promise.resolve(body?.subarray(0, max)),
  }
}

export function circumstancesOf(message: string | SieveMessage, world: SieveWorld = {}): Circumstances {
  const { from = 'sender@example.net', to = 'me@example.com', owner = [to], mailboxes = ['INBOX'] } = world
  return {
    message: typeof message === 'string' ? messageOf(message) : message,
    envelope: { reversePath: from === null ? null : addressOf(from), recipient: addressOf(to) },
    owner: { addresses: owner.map(addressOf) },
    nowMs: Date.parse(world.now ?? '2026-11-27T12:00:00Z'),
    timeZone: world.timeZone ?? 'UTC',
    mailboxes: {
      exists: name => Promise.resolve(mailboxes.includes(name)),
      hasId: id => Promise.resolve(world.mailboxIds?.includes(id) === true),
      hasSpecialUse: (mailbox, attribute) =>
        Promise.resolve(
          (world.specialUses ?? []).some(
            each =>
              each.endsWith(` ${attribute}`) && (mailbox === undefined || each.startsWith(`${mailbox} `)),
          ),
        ),
      readMetadata: (mailbox, annotation) =>
        Promise.resolve(world.metadata?.[mailbox === undefined ? annotation : `${mailbox} ${annotation}`]),
    },
    memory: { has: (kind, key) => Promise.resolve(world.remembered?.has(`${kind} ${key}`) ?? false) },
    readScript: (location, name) => {
      const text = world.scripts?.[`${location} ${name}`]
      return Promise.resolve(text === undefined ? undefined : parseScript(text))
    },
    environment: world.environment ?? {},
    recipientDelimiter: '+',
  }
}

export function readScript(text: string): SieveScript {
  const parsed = parseScript(text)
  assert.deepEqual((parsed.problems ?? []).map(formatProblem), [])
  assert.ok(parsed.script)
  return parsed.script
}

export function run(
  script: string,
  message: string | SieveMessage,
  world?: SieveWorld,
  limits?: SieveLimits,
): Promise<SieveOutcome> {
  return runScript(readScript(script), circumstancesOf(message, world), limits)
}

/** One line for each action; a mistake of the run is one more. */
export async function decide(
  script: string,
  message: string | SieveMessage,
  world?: SieveWorld,
): Promise<string[]> {
  const { actions, error } = await run(script, message, world)
  return [...actions.map(describe), ...(error ? [`error: ${formatProblem(error)}`] : [])]
}

/** What is wrong with a script: 'line 1, column 2: …'. */
export function problemsOf(script: string): string[] {
  return (parseScript(script).problems ?? []).map(formatProblem)
}

function describe(action: SieveAction): string {
  switch (action.kind) {
    case 'keep':
      return `${action.origin ? '' : 'implicit '}keep${flagText(action.flags)}`
    case 'fileinto':
      return `fileinto ${action.mailbox}${action.create ? ' :create' : ''}${
        action.specialUse === undefined ? '' : ` :specialuse ${action.specialUse}`
      }${action.mailboxId === undefined ? '' : ` :mailboxid ${action.mailboxId}`}${flagText(action.flags)}`
    case 'discard':
      return 'discard'
    case 'redirect':
      return `redirect ${formatAddress(action.forwardPath)}`
    case 'reject':
      return `${action.by}: ${oneLine(action.text)}`
    case 'vacation':
      return `vacation ${formatAddress(action.to)} <${action.subject}> ${oneLine(action.text)}`
    case 'notify':
      return `notify ${[...action.to, ...action.cc, ...action.bcc].map(formatAddress).join(' ')} ${action.importance}: ${action.subject}`
    default:
      return action satisfies never
  }
}

function flagText(flags: readonly string[]): string {
  return flags.length === 0 ? '' : ` [${flags.join(' ')}]`
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\r\n\s*/g, ' ')
}
