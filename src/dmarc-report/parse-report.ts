// A report (RFC 9990 §3.1, and RFC 7489 before it) as others send it: whoever they are, and whatever they write. Read as a stream;
// what is kept of it is bounded, however long it is.
import { setImmediate as afterOthers } from 'node:timers/promises'
import sax from 'sax'
import { parseIpAddress } from '../address/networks.ts'
import { parseDomain } from '../address/parse-domain.ts'
import { UnreadableReport } from './unpack.ts'

export interface ReceivedDmarcReport {
  readonly organization: string
  readonly contact: string
  readonly reportId: string
  /** ms since 1970. */
  readonly beginAt: number
  readonly endAt: number
  /** Canonical. */
  readonly domain: string
  /** p= */
  readonly policy: string
  readonly sources: readonly ReceivedSource[]
}

/** Messages that are the same in all this. */
export interface ReceivedSource {
  /** '' stands for those that are too many to be kept. */
  readonly address: string
  readonly headerFrom: string
  /** The domain that SPF was asked about. */
  readonly sender: string
  readonly disposition: string
  /** Whether it proved the domain of the author. */
  readonly dkim: boolean
  readonly spf: boolean
  readonly messages: number
}

const maxDepth = 32
/** A report on ten thousand sources has half as many. */
const maxElements = 500_000
const maxAttributes = 50
const maxValueLength = 1000
const maxSources = 1000
const maxMessages = 1e12

/** Throws UnreadableReport, whatever is wrong with it. */
export async function parseReport(pieces: AsyncIterable<Uint8Array>): Promise<ReceivedDmarcReport> {
  const reader = new FeedbackReader()
  let decoder: TextDecoder | undefined
  for await (const piece of pieces) {
    decoder ??= decoderFor(piece)
    reader.write(decoder.decode(piece, { stream: true }))
    // Others want to work too.
    await afterOthers()
  }
  reader.write(decoder?.decode() ?? '')
  return reader.finish()
}

/** UTF-8 but for the few that say something else, and mean it. */
function decoderFor(beginning: Uint8Array): TextDecoder {
  const text = Buffer.from(beginning.subarray(0, 200)).toString('latin1')
  const label = /^[^<]{0,3}<\?xml[^>]*?encoding=["']([A-Za-z0-9._-]{1,40})["']/.exec(text)?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(label)
  } catch {
    // Nobody knows it: what is in ASCII can be read all the same.
    return new TextDecoder()
  }
}

/** The five entities of XML, and none of HTML. Without positions the parser would not bound what it keeps of a value. */
const xmlOptions = { strictEntities: true, position: true }

class FeedbackReader {
  readonly #parser = sax.parser(true, xmlOptions)
  /** Without prefixes: some put the elements into a namespace, most do not. */
  readonly #path: string[] = []
  #attributes = 0
  #elements = 0
  #text = ''
  #metadata: Fields = new Map()
  #record: Fields = new Map()
  #hasRoot = false
  readonly #sources = new Map<string, ReceivedSource>()

  constructor() {
    const parser = this.#parser
    parser.onerror = error => {
      throw new UnreadableReport(`it is no XML (${(error.message.split('\n')[0] ?? '').slice(0, 200)})`)
    }
    parser.ondoctype = () => {
      throw new UnreadableReport(
        'it declares a document type, as no report does, and as those do that let entities explode',
      )
    }
    parser.onopentagstart = () => {
      this.#attributes = 0
    }
    parser.onattribute = () => {
      if (++this.#attributes > maxAttributes)
        throw new UnreadableReport(`an element of it has more than ${maxAttributes} attributes`)
    }
    parser.onopentag = ({ name }) => this.#open(name)
    parser.ontext = text => this.#take(text)
    parser.oncdata = text => this.#take(text)
    parser.onclosetag = () => this.#close()
  }

  write(text: string): void {
    this.#parser.write(text)
  }

  finish(): ReceivedDmarcReport {
    this.#parser.close()
    const metadata = this.#metadata
    const domain = parseDomain(metadata.get('policy_published/domain') ?? '')
    const reportId = metadata.get('report_metadata/report_id') ?? ''
    if (!this.#hasRoot || domain === undefined || reportId === '')
      throw new UnreadableReport('it is XML, and no report: it says not what it is about')
    return {
      organization: metadata.get('report_metadata/org_name') ?? '',
      contact: metadata.get('report_metadata/email') ?? '',
      reportId,
      beginAt: secondsToMs(metadata.get('report_metadata/date_range/begin')),
      endAt: secondsToMs(metadata.get('report_metadata/date_range/end')),
      domain,
      policy: (metadata.get('policy_published/p') ?? '').toLowerCase(),
      sources: [...this.#sources.values()],
    }
  }

  #open(name: string): void {
    const local = name.slice(name.indexOf(':') + 1)
    if (this.#path.length === 0) {
      if (local !== 'feedback') throw new UnreadableReport('it is XML, and no report')
      this.#hasRoot = true
    }
    if (this.#path.push(local) > maxDepth)
      throw new UnreadableReport(`its elements are nested more than ${maxDepth} deep`)
    if (++this.#elements > maxElements) throw new UnreadableReport(`it has more than ${maxElements} elements`)
    this.#text = ''
    if (this.#path.length === 2 && local === 'record') this.#record = new Map()
  }

  #take(text: string): void {
    if (this.#text.length < maxValueLength) this.#text += text.slice(0, maxValueLength - this.#text.length)
  }

  #close(): void {
    const [, part, ...rest] = this.#path
    const value = this.#text.trim()
    this.#text = ''
    if (part === 'record' && rest.length === 0) this.#add()
    else if (part === 'record') keepFirst(this.#record, rest.join('/'), value)
    else if (part !== undefined) keepFirst(this.#metadata, [part, ...rest].join('/'), value)
    this.#path.pop()
  }

  #add(): void {
    const source = readSource(this.#record)
    const key = keyOf(source)
    if (this.#sources.has(key) || this.#sources.size < maxSources) this.#addTo(key, source)
    else {
      const other = { ...source, address: '', headerFrom: '', sender: '' }
      this.#addTo(keyOf(other), other)
    }
  }

  #addTo(key: string, source: ReceivedSource): void {
    const messages = (this.#sources.get(key)?.messages ?? 0) + source.messages
    this.#sources.set(key, { ...source, messages: Math.min(messages, maxMessages) })
  }
}

function keyOf(source: ReceivedSource): string {
  return JSON.stringify({ ...source, messages: 0 })
}

type Fields = Map<string, string>

/** The names that count; what else there is takes no room. */
const known = new Set([
  'report_metadata/org_name',
  'report_metadata/email',
  'report_metadata/report_id',
  'report_metadata/date_range/begin',
  'report_metadata/date_range/end',
  'policy_published/domain',
  'policy_published/p',
  'row/source_ip',
  'row/count',
  'row/policy_evaluated/disposition',
  'row/policy_evaluated/dkim',
  'row/policy_evaluated/spf',
  'identifiers/header_from',
  'auth_results/spf/domain',
])

function keepFirst(fields: Fields, name: string, value: string): void {
  if (known.has(name) && !fields.has(name)) fields.set(name, value.slice(0, maxFieldLength))
}

const maxFieldLength = 255

const dispositions = ['none', 'pass', 'quarantine', 'reject']

function readSource(fields: Fields): ReceivedSource {
  const read = (name: string): string => fields.get(name) ?? ''
  return {
    address: canonicalAddress(read('row/source_ip')),
    headerFrom: canonicalName(read('identifiers/header_from')),
    sender: canonicalName(read('auth_results/spf/domain')),
    disposition:
      dispositions.find(name => name === read('row/policy_evaluated/disposition').toLowerCase()) ?? '',
    dkim: read('row/policy_evaluated/dkim').toLowerCase() === 'pass',
    spf: read('row/policy_evaluated/spf').toLowerCase() === 'pass',
    messages: readCount(read('row/count')),
  }
}

function canonicalAddress(text: string): string {
  return parseIpAddress(text)?.toString() ?? text.slice(0, 60)
}

function canonicalName(text: string): string {
  return parseDomain(text) ?? text.toLowerCase()
}

function readCount(text: string): number {
  return /^[0-9]{1,12}$/.test(text) ? Number(text) : 0
}

function secondsToMs(text = ''): number {
  return /^[0-9]{1,11}$/.test(text) ? Number(text) * 1000 : 0
}
