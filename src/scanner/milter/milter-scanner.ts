// A milter as a scanner: it follows a mail transaction from the first recipient on, may refuse each of them alone, and sees the
// message when that has come. It may refuse, put off, put aside, and change the message, its sender and its recipients.
import { HeaderSplitter, parseHeaderFields } from '../../message/header-section.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Reply } from '../../smtp/reply.ts'
import {
  type Advice,
  type Attendance,
  type AttendedRecipient,
  type AttendedTransaction,
  oneLine,
  type Scanner,
  type ScanReport,
  type Specimen,
} from '../contract.ts'
import { formatScannerEndpoint, reach, type ScannerEndpoint } from '../exchange.ts'
import { type Macros, Milter, type MilterChange, type MilterMessage, type MilterVerdict } from './milter.ts'

export interface MilterScannerOptions {
  readonly endpoint: ScannerEndpoint
  /** This server's name, which milters write into what they add. */
  readonly hostname: string
  /** What this server is: 'Postrider 1.0.0'. */
  readonly product?: string | undefined
  readonly clock: Clock
}

const maxHeaderBytes = 1024 * 1024

export function createMilterScanner(options: MilterScannerOptions): Scanner {
  const attend = (transaction: AttendedTransaction): Attendance => new MilterAttendance(options, transaction)
  const name = `milter at ${formatScannerEndpoint(options.endpoint)}`
  return {
    name,
    attend,
    ping: signal => reach({ endpoint: options.endpoint, name, signal }),
    async scan(specimen, signal) {
      const attendance = attend({
        client: specimen.client,
        reversePath: specimen.reversePath,
        parameters: [],
      })
      try {
        // Now it is too late to refuse one of them alone.
        for (const address of specimen.recipients) {
          const reply = await attendance.recipient({ address, parameters: [] }, signal)
          if (reply) return reportOf({ kind: 'refused', reply }, [])
        }
        return await attendance.scan(specimen, signal)
      } finally {
        attendance.close()
      }
    },
  }
}

/** What was said before RCPT holds for each recipient. */
type Opened = { readonly milter: Milter; readonly verdict: MilterVerdict }

/** One connection for one transaction. */
class MilterAttendance implements Attendance {
  readonly #options: MilterScannerOptions
  readonly #transaction: AttendedTransaction
  readonly #end = new AbortController()
  #isBusy = false
  #opened: Promise<Opened> | undefined
  /** It wants to hear no more of the message. */
  #settled: MilterVerdict | undefined

  constructor(options: MilterScannerOptions, transaction: AttendedTransaction) {
    this.#options = options
    this.#transaction = transaction
  }

  async recipient(
    { address, parameters }: AttendedRecipient,
    signal: AbortSignal,
  ): Promise<Reply | undefined> {
    return await this.#within(signal, async ({ milter, verdict: before }) => {
      if (before.kind !== 'continue') return refusalOf(before)
      if (this.#settled) return undefined
      const verdict = await milter.recipient(address, parameters, { '{rcpt_addr}': address })
      if (verdict.kind === 'accept' || verdict.kind === 'discard') this.#settled = verdict
      return refusalOf(verdict)
    })
  }

  async scan(specimen: Specimen, signal: AbortSignal): Promise<ScanReport> {
    return await this.#within(signal, async ({ milter, verdict: before }) => {
      const settled = before.kind === 'continue' ? this.#settled : before
      if (settled) return reportOf(settled, [])
      const macros: Macros = { i: specimen.queueId }
      const atData = await milter.data(macros)
      if (atData.kind !== 'continue') return reportOf(atData, [])
      const { verdict, changes } = await milter.message(await readMessage(specimen), macros)
      return reportOf(verdict, changes)
    })
  }

  close(): void {
    if (this.#isBusy) this.#end.abort()
    else
      this.#opened?.then(
        ({ milter }) => milter.close(),
        () => {},
      )
  }

  async #within<Result>(signal: AbortSignal, work: (opened: Opened) => Promise<Result>): Promise<Result> {
    const giveUp = (): void => this.#end.abort()
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp)
    this.#isBusy = true
    try {
      this.#opened ??= this.#open()
      return await work(await this.#opened)
    } finally {
      this.#isBusy = false
      signal.removeEventListener('abort', giveUp)
    }
  }

  async #open(): Promise<Opened> {
    const { endpoint, hostname, product, clock } = this.#options
    const { client, reversePath, parameters } = this.#transaction
    const milter = await Milter.open({ endpoint, clock, signal: this.#end.signal })
    const peer = { hostName: nameOf(client), address: client.address, port: client.port }
    const connected = await milter.connect(peer, macrosOfConnection(client, hostname, product))
    if (connected.kind !== 'continue') return { milter, verdict: connected }
    const greeted = await milter.hello(client.heloName ?? '', macrosOfTls(client))
    if (greeted.kind !== 'continue') return { milter, verdict: greeted }
    const verdict = await milter.mail(reversePath, parameters, {
      '{mail_addr}': reversePath,
      '{auth_type}': client.mechanism,
      '{auth_authen}': client.account,
    })
    return { milter, verdict }
  }
}

function nameOf({ hostName, address }: AttendedTransaction['client']): string {
  return hostName ?? `[${address}]`
}

/** By the names that Sendmail gave them, which milters look for. */
function macrosOfConnection(
  client: AttendedTransaction['client'],
  hostname: string,
  product: string | undefined,
): Macros {
  const { hostName, pointerName, address, port, localAddress, localPort } = client
  return {
    j: hostname,
    v: product,
    _: `${nameOf(client)}${hostName === undefined ? '' : ` [${address}]`}`,
    '{daemon_name}': 'postrider',
    '{daemon_addr}': localAddress,
    '{daemon_port}': localPort === undefined ? undefined : String(localPort),
    '{client_addr}': address,
    '{client_port}': String(port),
    '{client_name}': hostName ?? 'unknown',
    '{client_ptr}': pointerName ?? hostName ?? 'unknown',
  }
}

function macrosOfTls({ tls, certificate }: AttendedTransaction['client']): Macros {
  const [version, cipher] = tls?.split(' ') ?? []
  return {
    '{tls_version}': version,
    '{cipher}': cipher,
    '{cert_subject}': certificate?.subject,
    '{cert_issuer}': certificate?.issuer,
  }
}

/** What it throws away is taken, and somebody looks at it. Where it wants the connection closed, nobody gets this message. */
function refusalOf(verdict: MilterVerdict): Reply | undefined {
  if (verdict.kind !== 'refused') return undefined
  const { reply } = verdict
  return reply.code === 421 ? { ...reply, code: 451, lines: ['Please try again later'] } : reply
}

async function readMessage(specimen: Specimen): Promise<MilterMessage> {
  const splitter = new HeaderSplitter(maxHeaderBytes)
  const pieces = specimen.open()[Symbol.asyncIterator]()
  for (;;) {
    const next = await pieces.next()
    const split = next.done ? splitter.finish() : splitter.take(next.value)
    if (split === 'incomplete') continue
    // Nothing of a header section that intake has taken is so long.
    if (split === 'too-long') return { headerFields: [], body: remaining(undefined, pieces) }
    const { section, rest, lacksEmptyLine } = split
    return {
      headerFields: readFields(section),
      body: remaining(lacksEmptyLine ? rest : rest.subarray(2), pieces),
    }
  }
}

/** As they stand: with their leading blank and their folding. */
function readFields(section: Uint8Array): MilterMessage['headerFields'] {
  const text = Buffer.from(section)
  return parseHeaderFields(section).map(({ name, start, end }) => ({
    name,
    value: text.toString('utf8', text.indexOf(':', start) + 1, end).replace(/\r\n$/, ''),
  }))
}

async function* remaining(
  first: Uint8Array | undefined,
  pieces: AsyncIterator<Uint8Array>,
): AsyncIterable<Uint8Array> {
  if (first && first.length > 0) yield first
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value
}

function reportOf(verdict: MilterVerdict, changes: readonly MilterChange[]): ScanReport {
  if (verdict.kind === 'refused') {
    const { code, lines } = verdict.reply
    return { advice: code >= 500 ? 'refuse' : 'defer', findings: [], text: oneLine(lines.join(' ')) }
  }
  const held = changes.find(change => change.kind === 'quarantine')
  const advice: Advice = held || verdict.kind === 'discard' ? 'quarantine' : 'accept'
  return { advice, findings: [], ...changesOf(changes), ...(held ? { text: held.reason } : {}) }
}

/** A field more, wherever, goes before all others with those of other scanners: for that the message is not written anew. */
function changesOf(all: readonly MilterChange[]): Pick<ScanReport, 'headerFields' | 'changes'> {
  const fields = all.flatMap(change => (change.kind === 'edit-field' ? [change.edit] : []))
  const pieces = all.flatMap(change => (change.kind === 'replace-body' ? [change.piece] : []))
  const addressesOf = (kind: 'add-recipient' | 'delete-recipient' | 'change-sender'): string[] =>
    all.flatMap(change => (change.kind === kind ? [change.address] : []))
  const addedRecipients = addressesOf('add-recipient')
  const removedRecipients = addressesOf('delete-recipient')
  const reversePath = addressesOf('change-sender').at(-1)
  const onlyAdds = fields.every(({ kind }) => kind !== 'change')
  const changesMore =
    pieces.length > 0 ||
    addedRecipients.length > 0 ||
    removedRecipients.length > 0 ||
    reversePath !== undefined
  return {
    ...(onlyAdds ? { headerFields: fields.map(({ name, value = '' }) => ({ name, value })) } : {}),
    ...(onlyAdds && !changesMore
      ? {}
      : {
          changes: {
            fields: onlyAdds ? [] : fields,
            ...(pieces.length > 0 ? { body: Buffer.concat(pieces) } : {}),
            addedRecipients,
            removedRecipients,
            ...(reversePath === undefined ? {} : { reversePath }),
          },
        }),
  }
}
