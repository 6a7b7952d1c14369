// What a test script of the suite runs in: a message, mailboxes, what was sent, the scripts beside the file.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Address } from '../../src/address/address.ts'
import { formatAddress } from '../../src/address/format-address.ts'
import { parseAddress } from '../../src/address/parse-address.ts'
import type { Circumstances, SieveMessage } from '../../src/sieve/circumstances.ts'
import { composeNotification } from '../../src/sieve/compose/compose-notification.ts'
import { composeRejection } from '../../src/sieve/compose/compose-rejection.ts'
import { composeReply } from '../../src/sieve/compose/compose-reply.ts'
import type { ComposedMail, ComposeOptions } from '../../src/sieve/compose/composed-mail.ts'
import { defaultLimits, type SieveLimits } from '../../src/sieve/limits.ts'
import type { FileInto, Keep, SieveAction } from '../../src/sieve/outcome.ts'
import { parseScript } from '../../src/sieve/parse-script.ts'
import type { SieveProblem } from '../../src/sieve/problem.ts'
import type { ParsedScript, SieveScript } from '../../src/sieve/script.ts'
import { joinMessage, messageOf } from '../../test/harness/sieve.ts'

/** A test asks for what belongs to another program, and says nothing about this one. */
export class NotApplicable extends Error {}

/** `test_fail` */
export class TestFailed extends Error {}

interface Stored {
  readonly message: SieveMessage
  readonly flags: readonly string[]
}

interface Sent {
  readonly message: SieveMessage
  readonly from: Address | null
  readonly to: Address
}

export class World {
  /** Of the scripts that are tested. */
  limits: SieveLimits = defaultLimits
  readonly #folder: string
  message: SieveMessage = messageOf('From: sender@example.com\r\nTo: recipient@example.com\r\n\r\nTest\r\n')
  reversePath: Address | null = address('sender@example.com')
  recipient: Address = address('recipient@example.com')
  originalRecipient: Address | undefined
  authenticatedAs: string | undefined
  owner: Address | undefined
  delimiter = '+'
  readonly mailboxes = new Map<string, Stored[]>([['INBOX', []]])
  readonly metadata = new Map<string, string>()
  readonly executed = new Set<SieveAction>()
  readonly sent: Sent[] = []
  /** Of the script that was read or run last. */
  problems: readonly SieveProblem[] = []
  script: SieveScript | undefined
  /** Of the script that was read last. */
  unknownExtension: string | undefined
  /** What `test_error` was asked last. */
  askedAboutProblems: { readonly problems: readonly string[]; readonly isText: boolean } | undefined
  /** What another program was told by its settings, which this one has not. */
  readonly foreignSettings = new Set<string>()

  constructor(file: string) {
    this.#folder = dirname(file)
  }

  /** What a test that fails has to be seen with. */
  seen(): Pick<World, 'askedAboutProblems' | 'unknownExtension'> {
    return this
  }

  circumstances(): Circumstances {
    return {
      message: this.message,
      envelope: {
        reversePath: this.reversePath,
        recipient: this.recipient,
        originalRecipient: this.originalRecipient,
        authenticatedAs: this.authenticatedAs,
      },
      owner: { addresses: this.owner ? [this.owner, this.recipient] : [this.recipient] },
      nowMs: Date.now(),
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      mailboxes: {
        exists: name => Promise.resolve(this.mailboxes.has(mailboxName(name))),
        hasId: () => Promise.resolve(false),
        hasSpecialUse: () => Promise.resolve(false),
        readMetadata: (mailbox, name) =>
          Promise.resolve(this.metadata.get(`${mailbox ?? ''}\0${name.toLowerCase()}`)),
      },
      // Each test of the suite is the first of its kind.
      memory: { has: () => Promise.resolve(false) },
      readScript: (location, name) => Promise.resolve(this.#readIncluded(location, name)),
      environment: {
        // What the server of the suite calls itself.
        name: 'Pigeonhole Sieve',
        version: '0',
        host: 'mail.example.com',
        domain: 'example.com',
        location: 'MS',
        phase: 'during',
      },
      recipientDelimiter: this.delimiter,
    }
  }

  readScriptFile(name: string): ParsedScript | undefined {
    const path = join(this.#folder, name)
    return existsSync(path) ? parseScript(readFileSync(path, 'utf8')) : undefined
  }

  #readIncluded(location: string, name: string): ParsedScript | undefined {
    const folder = location === 'global' ? 'included-global' : 'included'
    return this.readScriptFile(join(folder, `${name}.sieve`))
  }

  /** Does what actions say; false where one cannot be done. */
  async perform(actions: readonly SieveAction[]): Promise<boolean> {
    let isDone = true
    for (const action of actions) {
      if (this.executed.has(action)) continue
      this.executed.add(action)
      isDone = (await this.#performOne(action)) && isDone
    }
    return isDone
  }

  async #performOne(action: SieveAction): Promise<boolean> {
    switch (action.kind) {
      case 'keep':
        return this.#store('INBOX', action)
      case 'fileinto': {
        const name = mailboxName(action.mailbox)
        // In the mailboxes of the suite a slash parts levels, none of which is empty.
        if (!this.mailboxes.has(name) && action.create && !name.includes('//')) this.mailboxes.set(name, [])
        return this.#store(name, action)
      }
      case 'redirect':
        this.sent.push({
          message: await this.#redirected(action.headerSection),
          from: this.reversePath,
          to: action.forwardPath,
        })
        return true
      case 'vacation':
        this.#send(composeReply(action, this.#composeOptions()))
        return true
      case 'notify':
        this.#send(composeNotification(action, { ...this.#composeOptions(), owner: this.recipient }))
        return true
      case 'reject':
        if (this.reversePath)
          this.#send(
            composeRejection(action, {
              ...this.#composeOptions(),
              hostname: 'mail.example.com',
              language: 'en',
              to: this.reversePath,
              recipient: this.recipient,
              headerSection: this.message.headerSection,
            }),
          )
        return true
      case 'discard':
        return true
      default:
        return action satisfies never
    }
  }

  #composeOptions(): ComposeOptions {
    return { messageId: `${this.sent.length}@mail.example.com`, at: Date.now() }
  }

  #send({ mailData, reversePath, recipients }: ComposedMail): void {
    for (const to of recipients)
      this.sent.push({ message: messageOf(mailData.toString()), from: reversePath, to })
  }

  /** What cannot be stored where it should go is kept as it came (RFC 5228 §2.10.6, RFC 5293 §7). */
  async #store(name: string, action: Keep | FileInto): Promise<boolean> {
    const mailbox = this.mailboxes.get(name)
    const message = mailbox ? await this.#edited(action.headerSection) : this.message
    // The server of the suite has this keyword for each message of plain text that it stores.
    const flags = [...action.flags, '$HasNoAttachment']
    ;(mailbox ?? this.mailboxes.get('INBOX'))?.push({ message, flags })
    return mailbox !== undefined
  }

  /** The server of the suite says who has redirected. */
  async #redirected(section: Uint8Array | undefined): Promise<SieveMessage> {
    const { headerSection } = await this.#edited(section)
    const field = Buffer.from(`X-Sieve-Redirected-From: ${formatAddress(this.recipient)}\r\n`)
    return joinMessage(Buffer.concat([field, headerSection]), await this.message.readBody(Infinity))
  }

  async #edited(section: Uint8Array | undefined): Promise<SieveMessage> {
    if (!section) return this.message
    const body = await this.message.readBody(Infinity)
    return joinMessage(section, body)
  }
}

/** INBOX in any letters, and what is below it. */
function mailboxName(name: string): string {
  return name.replace(/^inbox(?=$|[./])/i, 'INBOX')
}

export function address(text: string): Address {
  const found = parseAddress(text)
  if (!found) throw new NotApplicable(`an address that SMTP would not have let in: ${JSON.stringify(text)}`)
  return found
}
