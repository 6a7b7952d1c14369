// A program of IMAP that changes a mailbox and remembers what it was answered: what it knows has to hold after the server has died.
import { randomBytes, randomInt } from 'node:crypto'
import { ImapClient } from './imap-client.ts'

export const mailboxes = ['INBOX', 'Archive'] as const
export type MailboxName = (typeof mailboxes)[number]

/** A message that a program has put there. `places`: where it may be by now ('gone': nowhere); of several the answer to a command has not come. */
export interface KnownMessage {
  readonly token: string
  readonly bytes: number
  /** 'INBOX 7': mailbox and UID; without the UID where it is not known. */
  places: readonly string[]
  /** undefined: the answer to a command that changes it has not come. */
  isFlagged: boolean | undefined
}

/** What programs have seen of one mailbox. */
export interface MailboxSight {
  uidValidity: number
  uidNext: number
  modSeq: number
  readonly tokens: Map<number, string>
}

export interface MailboxLedger {
  readonly messages: Map<string, KnownMessage>
  readonly sights: Map<MailboxName, MailboxSight>
  /** What must not be: a sentence each. */
  readonly faults: string[]
  /** Commands that were answered. */
  answered: number
}

export function createMailboxLedger(): MailboxLedger {
  return {
    messages: new Map(),
    sights: new Map(
      mailboxes.map(name => [name, { uidValidity: 0, uidNext: 1, modSeq: 0, tokens: new Map() }]),
    ),
    faults: [],
    answered: 0,
  }
}

/** The server is gone, or has closed the connection. */
class Cut extends Error {}

export class MailboxProgram {
  readonly #client: ImapClient
  readonly #ledger: MailboxLedger
  #selected: MailboxName | undefined
  #tags = 0

  private constructor(client: ImapClient, ledger: MailboxLedger) {
    this.#client = client
    this.#ledger = ledger
  }

  static async open(
    port: number,
    { user, password }: { readonly user: string; readonly password: string },
    ledger: MailboxLedger,
  ): Promise<MailboxProgram> {
    const client = await ImapClient.open(port)
    await client.line()
    const program = new MailboxProgram(client, ledger)
    await program.#command(`LOGIN "${user}" "${password}"`)
    return program
  }

  /** Does one thing after the other to messages of its own until the server is gone. */
  async changeOn(): Promise<void> {
    const own: KnownMessage[] = []
    try {
      for (;;) {
        const settled = own.filter(({ places }) => places.length === 1 && places[0] !== 'gone')
        const message = settled[randomInt(Math.max(settled.length, 1))]
        const choice = randomInt(10)
        if (!message || choice < 4) own.push(await this.#append())
        else if (choice < 7) await this.#flag(message)
        else if (choice < 9) await this.#move(message)
        else await this.#expunge(message)
      }
    } catch (cause) {
      if (!(cause instanceof Cut)) throw cause
    } finally {
      this.#client.destroy()
    }
  }

  /** All that is there, compared with what was seen before. Returns it: by token, the places and flags. */
  async look(): Promise<Map<string, { readonly place: string; readonly isFlagged: boolean }[]>> {
    const found = new Map<string, { readonly place: string; readonly isFlagged: boolean }[]>()
    for (const mailbox of mailboxes) {
      this.#selected = undefined
      await this.#select(mailbox)
      const lines = await this.#command('UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
      for (const { uid, flags, token } of readFetched(lines)) {
        this.#see(mailbox, uid, token)
        const place = { place: `${mailbox} ${uid}`, isFlagged: flags.includes('\\Flagged') }
        found.set(token, [...(found.get(token) ?? []), place])
      }
    }
    return found
  }

  /** In octets. */
  async sizeOf(place: string): Promise<number> {
    const [mailbox, uid] = place.split(' ')
    await this.#select(mailbox as MailboxName)
    const lines = await this.#command(`UID FETCH ${uid} (BODY.PEEK[])`)
    return Number(/BODY\[\] \{(\d+)\}/.exec(lines.join('\n'))?.[1] ?? -1)
  }

  close(): void {
    this.#client.destroy()
  }

  async #append(): Promise<KnownMessage> {
    const token = randomBytes(8).toString('hex')
    const body = 'x'.repeat(randomInt(10) === 0 ? 100_000 : randomInt(10, 4000))
    const text = `Subject: token ${token}\r\n\r\n${body}\r\n`
    const message: KnownMessage = { token, bytes: text.length, places: ['INBOX', 'gone'], isFlagged: false }
    this.#ledger.messages.set(token, message)
    const lines = await this.#command(`APPEND INBOX {${text.length}+}\r\n${text}`)
    const [, uid] = /APPENDUID \d+ (\d+)/.exec(lines.at(-1) ?? '') ?? []
    message.places = [`INBOX ${uid}`]
    this.#see('INBOX', Number(uid), token)
    return message
  }

  async #flag(message: KnownMessage): Promise<void> {
    const wanted = message.isFlagged !== true
    const uid = await this.#go(message)
    message.isFlagged = undefined
    await this.#command(`UID STORE ${uid} ${wanted ? '+' : '-'}FLAGS (\\Flagged)`)
    message.isFlagged = wanted
  }

  async #move(message: KnownMessage): Promise<void> {
    const [from = ''] = message.places
    const target = from.startsWith('INBOX') ? 'Archive' : 'INBOX'
    const uid = await this.#go(message)
    message.places = [from, target]
    const lines = await this.#command(`UID MOVE ${uid} ${target}`)
    const [, moved] = /COPYUID \d+ \d+ (\d+)/.exec(lines.join('\n')) ?? []
    message.places = [`${target} ${moved}`]
    this.#see(target, Number(moved), message.token)
  }

  async #expunge(message: KnownMessage): Promise<void> {
    const uid = await this.#go(message)
    const { places } = message
    await this.#command(`UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`)
    message.places = [...places, 'gone']
    await this.#command(`UID EXPUNGE ${uid}`)
    message.places = ['gone']
  }

  /** Selects where it is; its UID. */
  async #go({ places: [place = ''] }: KnownMessage): Promise<string> {
    const [mailbox, uid = ''] = place.split(' ')
    await this.#select(mailbox as MailboxName)
    return uid
  }

  async #select(mailbox: MailboxName): Promise<void> {
    if (this.#selected === mailbox) return
    const sight = this.#sightOf(mailbox)
    // What was answered before it is asked; others go on meanwhile.
    const before = { ...sight }
    const lines = await this.#command(`SELECT ${mailbox}`)
    this.#selected = mailbox
    const said = (name: string): number =>
      Number(new RegExp(`\\[${name} (\\d+)\\]`).exec(lines.join('\n'))?.[1])
    const now = { uidValidity: said('UIDVALIDITY'), uidNext: said('UIDNEXT'), modSeq: said('HIGHESTMODSEQ') }
    const { faults } = this.#ledger
    if (before.uidValidity !== 0 && now.uidValidity !== before.uidValidity)
      faults.push(`${mailbox} has UIDVALIDITY ${now.uidValidity}, and had ${before.uidValidity}`)
    if (now.uidNext < before.uidNext)
      faults.push(`${mailbox} has UIDNEXT ${now.uidNext}, and had ${before.uidNext}`)
    if (now.modSeq < before.modSeq)
      faults.push(`${mailbox} has HIGHESTMODSEQ ${now.modSeq}, and had ${before.modSeq}`)
    sight.uidValidity = now.uidValidity
    sight.uidNext = Math.max(sight.uidNext, now.uidNext)
    sight.modSeq = Math.max(sight.modSeq, now.modSeq)
  }

  #see(mailbox: MailboxName, uid: number, token: string): void {
    const sight = this.#sightOf(mailbox)
    const known = sight.tokens.get(uid)
    if (known !== undefined && known !== token)
      this.#ledger.faults.push(`UID ${uid} of ${mailbox} is of ${token}, and was of ${known}`)
    sight.tokens.set(uid, token)
    sight.uidNext = Math.max(sight.uidNext, uid + 1)
  }

  #sightOf(mailbox: MailboxName): MailboxSight {
    const sight = this.#ledger.sights.get(mailbox)
    if (!sight) throw new Error(`${mailbox} is none of the mailboxes`)
    return sight
  }

  /** Throws a Cut where no answer comes. */
  async #command(text: string): Promise<readonly string[]> {
    const tag = `a${++this.#tags}`
    const lines = await this.#client.command(`${tag} ${text}`)
    const answer = lines.at(-1)
    if (!answer?.startsWith(`${tag} `)) throw new Cut('the server is gone')
    // A server that stops may refuse; one that works does what is asked.
    if (!answer.startsWith(`${tag} OK`)) throw new Error(`${text.slice(0, 80)}: ${answer}`)
    for (const line of lines) this.#noteModSeq(line)
    this.#ledger.answered++
    return lines
  }

  #noteModSeq(line: string): void {
    const [, modSeq] = /MODSEQ \((\d+)\)/.exec(line) ?? []
    if (modSeq === undefined || !this.#selected) return
    const sight = this.#sightOf(this.#selected)
    sight.modSeq = Math.max(sight.modSeq, Number(modSeq))
  }
}

interface Fetched {
  readonly uid: number
  readonly flags: string
  readonly token: string
}

/** The header field comes as a literal, and so on lines of its own. */
function readFetched(lines: readonly string[]): Fetched[] {
  const fetched: Fetched[] = []
  for (const [at, line] of lines.entries()) {
    const [, uid, flags = ''] = /^\* \d+ FETCH \(UID (\d+) FLAGS \(([^)]*)\)/.exec(line) ?? []
    if (uid === undefined) continue
    const token = /^Subject: token ([\w-]+)/.exec(lines[at + 1] ?? '')?.[1]
    fetched.push({ uid: Number(uid), flags, token: token ?? `no token at UID ${uid}` })
  }
  return fetched
}
