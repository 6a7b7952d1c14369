// ClamAV's daemon: INSTREAM (clamd(8)). The message goes in pieces, each behind its length; one line comes back.
import { oneLine, type Scanner, ScannerFault, type ScanReport, type Specimen } from './contract.ts'
import { confused, type Exchange, exchange, formatScannerEndpoint, type ScannerEndpoint } from './exchange.ts'

const command = 'zINSTREAM\0'
/** Of a piece; clamd takes any length up to its StreamMaxLength. */
const maxPieceBytes = 64 * 1024

export function createClamdScanner(endpoint: ScannerEndpoint): Scanner {
  const name = `clamd at ${formatScannerEndpoint(endpoint)}`
  const askUntil =
    (signal: AbortSignal): Ask =>
    request =>
      exchange({ endpoint, name, request, isWhole: bytes => bytes.includes(0), signal })
  return {
    name,
    async scan(specimen, signal) {
      const answer = await askAgainWhenCut(name, specimen, askUntil(signal))
      return readReport(name, answer.toString('utf8').replace(/\0.*$/s, ''), specimen.size)
    },
    async ping(signal) {
      const answer = await askUntil(signal)(ping)
      if (!isPong(answer)) throw confused(name, answer.toString('utf8'))
    },
  }
}

type Ask = (request: Exchange['request']) => Promise<Buffer>

const ping = [Buffer.from('zPING\0')]
const maxAsked = 3
/** Nobody gives StreamMaxLength less: it is 25 or 100 MB as clamd comes. */
const leastLimit = 1_000_000

/**
 * What is too large for it clamd says and closes at once: if more was on its way, the system drops what it said with the
 * connection. Only where it is there, and the message is not small, is it believed to be that: somebody before it, or what is left
 * of it, may cut off everything.
 */
async function askAgainWhenCut(name: string, specimen: Specimen, ask: Ask): Promise<Buffer> {
  for (let asked = 1; ; asked++) {
    try {
      return await ask(streamIn(specimen))
    } catch (cause) {
      if (!isCut(cause)) throw cause
      if (asked < maxAsked) continue
      if (specimen.size < leastLimit || !(await isThere(ask))) throw cause
      throw tooLarge(name, specimen.size)
    }
  }
}

async function isThere(ask: Ask): Promise<boolean> {
  const answer = await ask(ping).catch(() => Buffer.alloc(0))
  return isPong(answer)
}

function isPong(answer: Buffer): boolean {
  return answer.toString('latin1').startsWith('PONG')
}

function isCut(fault: unknown): boolean {
  const cause = fault instanceof Error ? (fault.cause as NodeJS.ErrnoException | undefined) : undefined
  return cause?.code === 'EPIPE' || cause?.code === 'ECONNRESET'
}

async function* streamIn(specimen: Specimen): AsyncIterable<Uint8Array> {
  yield Buffer.from(command)
  for await (const chunk of specimen.open())
    for (let from = 0; from < chunk.length; from += maxPieceBytes) {
      const piece = chunk.subarray(from, from + maxPieceBytes)
      // In one write: what clamd says of the length shall be here before more is sent.
      yield Buffer.concat([lengthOf(piece), piece])
    }
  yield Buffer.alloc(4)
}

function lengthOf(piece: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(piece.length)
  return length
}

/** 'stream: OK', 'stream: Eicar-Test-Signature FOUND', 'INSTREAM size limit exceeded. ERROR' */
function readReport(name: string, line: string, size: number): ScanReport {
  if (line === 'stream: OK') return { advice: 'accept', findings: [] }
  const virus = /^stream: (?<virus>.+) FOUND$/s.exec(line)?.groups?.virus
  if (virus !== undefined) {
    const shown = oneLine(virus)
    return {
      advice: 'refuse',
      findings: [{ name: shown }],
      text: `The message contains a virus (${shown}), so it was not accepted`,
    }
  }
  if (line.startsWith('INSTREAM size limit exceeded')) throw tooLarge(name, size)
  if (line.endsWith(' ERROR'))
    throw new ScannerFault('SCANNER_UNAVAILABLE', `The scanner ${name} could not look: ${oneLine(line)}.`)
  throw confused(name, line)
}

function tooLarge(name: string, size: number): ScannerFault {
  return new ScannerFault(
    'SCANNER_TOO_LARGE',
    `The scanner ${name} does not look at messages of ${size} bytes: raise StreamMaxLength in clamd.conf, or write a smaller maxMegabytes for it.`,
  )
}
