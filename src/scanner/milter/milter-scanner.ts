// A milter as a scanner of whole messages: it is told the session after the message has come, in one go. It may refuse, put
// off, put aside, and change the message, its sender and its recipients.
import { HeaderSplitter, parseHeaderFields } from '../../message/header-section.ts'
import type { Clock } from '../../runtime/clock.ts'
import { type Advice, oneLine, type Scanner, type ScanReport, type Specimen } from '../contract.ts'
import { formatScannerEndpoint, type ScannerEndpoint } from '../exchange.ts'
import { Milter, type MilterChange, type MilterMessage, type MilterVerdict } from './milter.ts'

export interface MilterScannerOptions {
  readonly endpoint: ScannerEndpoint
  /** This server's name, which milters write into what they add. */
  readonly hostname: string
  readonly clock: Clock
}

const maxHeaderBytes = 1024 * 1024

export function createMilterScanner({ endpoint, hostname, clock }: MilterScannerOptions): Scanner {
  return {
    name: `milter at ${formatScannerEndpoint(endpoint)}`,
    async scan(specimen, signal) {
      const milter = await Milter.open({ endpoint, clock, signal })
      try {
        return await tell(milter, specimen, hostname)
      } finally {
        milter.close()
      }
    },
  }
}

async function tell(milter: Milter, specimen: Specimen, hostname: string): Promise<ScanReport> {
  const { client, queueId, recipients, reversePath } = specimen
  const steps = [
    () =>
      milter.connect(
        { hostName: client.hostName ?? `[${client.address}]`, address: client.address, port: client.port },
        { j: hostname, '{daemon_name}': 'postrider' },
      ),
    () => milter.hello(client.heloName ?? '', {}),
    () => milter.mail(reversePath, [], { i: queueId, '{auth_authen}': client.account }),
    ...recipients.map(recipient => () => milter.recipient(recipient, [], {})),
    () => milter.data({ i: queueId }),
  ]
  for (const step of steps) {
    const verdict = await step()
    if (verdict.kind !== 'continue') return reportOf(verdict, [])
  }
  const { verdict, changes } = await milter.message(await readMessage(specimen), { i: queueId })
  return reportOf(verdict, changes)
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
