// A milter as a scanner of whole messages: it is told the session after the message has come, in one go. It may refuse, put
// off, put aside and add header fields. That fields which are there are changed is offered to it, because many milters want it
// before they begin, and is not done: a finding says so. Changes of the body and of recipients are not offered.
import { HeaderSplitter, parseHeaderFields } from '../../message/header-section.ts'
import type { Clock } from '../../runtime/clock.ts'
import {
  type Advice,
  type Finding,
  type HeaderFieldToAdd,
  oneLine,
  type Scanner,
  type ScanReport,
  type Specimen,
} from '../contract.ts'
import { formatScannerEndpoint, type ScannerEndpoint } from '../exchange.ts'
import { Milter, type MilterChange, type MilterMessage, type MilterVerdict } from './milter.ts'
import { actions } from './packets.ts'

export interface MilterScannerOptions {
  readonly endpoint: ScannerEndpoint
  /** This server's name, which milters write into what they add. */
  readonly hostname: string
  readonly clock: Clock
}

const offers = actions.addHeaders + actions.changeHeaders + actions.quarantine
const maxHeaderBytes = 1024 * 1024

export function createMilterScanner({ endpoint, hostname, clock }: MilterScannerOptions): Scanner {
  return {
    name: `milter at ${formatScannerEndpoint(endpoint)}`,
    async scan(specimen, signal) {
      const milter = await Milter.open({ endpoint, clock, signal, offers })
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
  const held = changes.find(change => change.kind === 'quarantine')
  const headerFields = changes.flatMap((change): HeaderFieldToAdd[] =>
    change.kind === 'add-field' || change.kind === 'insert-field'
      ? [{ name: change.name, value: change.value }]
      : [],
  )
  const findings = changes.flatMap((change): Finding[] =>
    change.kind === 'change-field'
      ? [
          {
            name: `wants ${oneLine(change.name, 60)} ${change.value === undefined ? 'removed' : 'changed'}, which is not done`,
          },
        ]
      : [],
  )
  if (verdict.kind === 'refused') {
    const { code, lines } = verdict.reply
    return {
      advice: code >= 500 ? 'refuse' : 'defer',
      findings,
      text: oneLine(lines.join(' ')),
      headerFields,
    }
  }
  const advice: Advice = held || verdict.kind === 'discard' ? 'quarantine' : 'accept'
  return { advice, findings, headerFields, ...(held ? { text: held.reason } : {}) }
}
