// SpamAssassin's daemon: REPORT of the SPAMC/SPAMD protocol (spamd/PROTOCOL of SpamAssassin). One request with the whole
// message, one answer with the score and a table of rules.
import { type Finding, oneLine, type Scanner, ScannerFault, type ScanReport } from './contract.ts'
import { confused, exchange, formatScannerEndpoint, type ScannerEndpoint } from './exchange.ts'

export interface SpamdOptions {
  readonly endpoint: ScannerEndpoint
  /** Whose rules and learning; default: those of the daemon. */
  readonly user?: string | undefined
}

export function createSpamdScanner({ endpoint, user }: SpamdOptions): Scanner {
  const name = `spamd at ${formatScannerEndpoint(endpoint)}`
  return {
    name,
    async scan(specimen, signal) {
      const head = [
        'REPORT SPAMC/1.5',
        `Content-length: ${specimen.size}`,
        ...(user === undefined ? [] : [`User: ${user}`]),
      ]
      const request = async function* (): AsyncIterable<Uint8Array> {
        yield Buffer.from(`${head.join('\r\n')}\r\n\r\n`)
        yield* specimen.open()
      }
      const answer = await exchange({ endpoint, name, request: request(), closesAfterRequest: true, signal })
      return readReport(name, answer.toString('utf8'))
    },
    async ping(signal) {
      const request = [Buffer.from('PING SPAMC/1.2\r\n\r\n')]
      const answer = await exchange({ endpoint, name, request, closesAfterRequest: true, signal })
      const text = answer.toString('utf8')
      if (!/^SPAMD\/[\d.]+ 0 PONG/.test(text)) throw confused(name, text)
    },
  }
}

/** What EX_… of sysexits.h means here. */
const passing: ReadonlySet<string> = new Set([
  'EX_TEMPFAIL',
  'EX_UNAVAILABLE',
  'EX_TIMEOUT',
  'EX_IOERR',
  'EX_OSERR',
])

function readReport(name: string, answer: string): ScanReport {
  const end = answer.indexOf('\r\n\r\n')
  const [status = '', ...fields] = (end === -1 ? answer : answer.slice(0, end)).split('\r\n')
  const word = /^SPAMD\/[\d.]+ \d+ (?<word>\S+)/.exec(status)?.groups?.word
  if (word !== undefined && passing.has(word))
    throw new ScannerFault('SCANNER_UNAVAILABLE', `The scanner ${name} could not look: ${oneLine(status)}.`)
  if (word !== 'EX_OK') throw confused(name, status)
  // 'Spam: True ; 15.0 / 5.0'
  const spam = fields.find(field => /^spam:/i.test(field)) ?? ''
  const verdict =
    /^spam:\s*(?<is>true|false|yes|no)\s*;\s*(?<score>-?[\d.]+)\s*\/\s*(?<threshold>-?[\d.]+)/i.exec(
      spam,
    )?.groups
  if (!verdict) throw confused(name, spam || answer)
  return {
    advice: /^(?:true|yes)$/i.test(verdict.is ?? '') ? 'mark' : 'accept',
    score: Number(verdict.score),
    threshold: Number(verdict.threshold),
    findings: readTable(end === -1 ? '' : answer.slice(end + 4)),
  }
}

/** A line of the table: ' 1.0 MISSING_DATE   Missing Date: header'. Its other lines are prose, or go on with a description. */
function readTable(report: string): readonly Finding[] {
  return report.split(/\r?\n/).flatMap(line => {
    const rule =
      /^\s{0,4}(?<score>-?\d{1,4}(?:\.\d+)?) (?<name>[A-Z][A-Z0-9_]{2,79})\s+(?<detail>\S.*)$/.exec(
        line,
      )?.groups
    return rule?.name === undefined
      ? []
      : [{ name: rule.name, score: Number(rule.score), detail: oneLine(rule.detail ?? '') }]
  })
}
