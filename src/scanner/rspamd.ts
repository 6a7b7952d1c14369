// rspamd over HTTP: POST /checkv2 (rspamd.com/doc/architecture/protocol). What is known of the connection goes in fields of
// the request, the message is its body.
import { z } from 'zod'
import {
  type Advice,
  type Finding,
  oneLine,
  type Scanner,
  type ScanReport,
  type Specimen,
} from './contract.ts'
import {
  confused,
  connectOptions,
  exchange,
  formatScannerEndpoint,
  type ScannerEndpoint,
} from './exchange.ts'
import { postForJson } from './post-json.ts'

export interface RspamdOptions {
  readonly endpoint: ScannerEndpoint
  /** Where the worker asks for one. */
  readonly password?: string | undefined
}

const headerChange = z.union([z.string(), z.object({ value: z.string() }), z.array(z.unknown())])

const answerSchema = z.object({
  action: z.string(),
  score: z.number(),
  required_score: z.number().optional(),
  symbols: z
    .record(
      z.string(),
      z.object({
        score: z.number().optional(),
        description: z.string().optional(),
        options: z.array(z.string()).optional(),
      }),
    )
    .default({}),
  messages: z.object({ smtp_message: z.string().optional() }).optional(),
  milter: z.object({ add_headers: z.record(z.string(), headerChange).optional() }).optional(),
})
type Answer = z.infer<typeof answerSchema>

/** By rspamd's actions, the weakest first. 'rewrite subject' is its other way to mark. */
const adviceOf: Readonly<Record<string, Advice>> = {
  'no action': 'accept',
  // A threshold that is crossed. Whom its own greylisting wants to come again it answers with 'soft reject'.
  greylist: 'accept',
  'add header': 'mark',
  'rewrite subject': 'mark',
  'soft reject': 'defer',
  quarantine: 'quarantine',
  // Accepted and thrown away would be a message of which nobody hears: it waits for somebody instead.
  discard: 'quarantine',
  reject: 'refuse',
}

export function createRspamdScanner({ endpoint, password }: RspamdOptions): Scanner {
  const name = `rspamd at ${formatScannerEndpoint(endpoint)}`
  return {
    name,
    async scan(specimen, signal) {
      const answer = answerSchema.safeParse(
        await postForJson({
          options: {
            ...connectOptions(endpoint),
            ...('path' in endpoint ? { socketPath: endpoint.path } : {}),
            path: '/checkv2',
            headers: describe(specimen, password),
          },
          isTls: false,
          name,
          body: specimen.open(),
          signal,
        }),
      )
      if (!answer.success) throw confused(name, answer.error.issues[0]?.message ?? '')
      return readReport(name, answer.data)
    },
    async ping(signal) {
      const request = [Buffer.from('GET /ping HTTP/1.0\r\nConnection: close\r\n\r\n')]
      const answer = await exchange({ endpoint, name, request, signal })
      const text = answer.toString('utf8')
      if (!/^HTTP\/1\.\d 200 .*pong/s.test(text)) throw confused(name, text)
    },
  }
}

function describe(
  { queueId, client, reversePath, recipients, size }: Specimen,
  password: string | undefined,
): Record<string, string | string[]> {
  return {
    'Content-Type': 'message/rfc822',
    'Content-Length': String(size),
    'Queue-Id': queueId,
    IP: client.address,
    From: octets(reversePath),
    Rcpt: recipients.map(octets),
    ...(client.heloName === undefined ? {} : { Helo: octets(client.heloName) }),
    ...(client.hostName === undefined ? {} : { Hostname: octets(client.hostName) }),
    ...(client.account === undefined ? {} : { User: octets(client.account) }),
    ...(client.tls === undefined ? {} : { 'TLS-Cipher': client.tls }),
    ...(password === undefined ? {} : { Password: password }),
  }
}

/** Node writes the fields of a request in Latin-1: so UTF-8 goes out as it is. */
function octets(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function readReport(name: string, answer: Answer): ScanReport {
  const advice = adviceOf[answer.action]
  if (!advice) throw confused(name, answer.action)
  const text = answer.messages?.smtp_message
  return {
    advice,
    score: answer.score,
    threshold: answer.required_score,
    findings: Object.entries(answer.symbols).map(([symbol, { score, description, options }]): Finding => {
      const detail = oneLine([description, options?.join(', ')].filter(Boolean).join(': '))
      return { name: oneLine(symbol), score, ...(detail === '' ? {} : { detail }) }
    }),
    ...(text === undefined ? {} : { text: oneLine(text) }),
    headerFields: Object.entries(answer.milter?.add_headers ?? {}).flatMap(([field, change]) =>
      valuesOf(change).map(value => ({ name: field, value })),
    ),
  }
}

/** One value, one with its place, or several of either. */
function valuesOf(change: unknown): readonly string[] {
  if (typeof change === 'string') return [change]
  if (Array.isArray(change)) return change.flatMap(valuesOf)
  return change !== null &&
    typeof change === 'object' &&
    'value' in change &&
    typeof change.value === 'string'
    ? [change.value]
    : []
}
