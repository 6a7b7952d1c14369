// A program of the administrator's behind a URL: what is known of the message goes there as JSON, its verdict comes back as
// JSON.
import type { RequestOptions } from 'node:http'
import { z } from 'zod'
import { oneLine, type Scanner, type Specimen } from './contract.ts'
import { confused, reach } from './exchange.ts'
import { postForJson } from './post-json.ts'

export interface HttpHookOptions {
  /** 'https://filter.example.test/verdict' */
  readonly url: URL
  /** Of the field Authorization: 'Bearer …'. */
  readonly authorization?: string | undefined
  /** Whether the message goes too, in base64. */
  readonly sendsMessage: boolean
}

/** What the program answers; all but `action` may be left out. */
const verdictSchema = z.strictObject({
  action: z.enum(['accept', 'mark', 'quarantine', 'defer', 'refuse']),
  score: z.number().optional(),
  text: z.string().optional(),
  findings: z
    .array(z.strictObject({ name: z.string(), score: z.number().optional(), detail: z.string().optional() }))
    .default([]),
  headerFields: z.array(z.strictObject({ name: z.string(), value: z.string() })).default([]),
})

export function createHttpHook({ url, authorization, sendsMessage }: HttpHookOptions): Scanner {
  const name = `the hook ${url.origin}${url.pathname}`
  const isTls = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port)
  const endpoint = { kind: 'tcp', host, port } as const
  const headers = {
    'Content-Type': 'application/json',
    ...(authorization === undefined ? {} : { Authorization: authorization }),
  }
  const options: RequestOptions = {
    host,
    port,
    path: `${url.pathname}${url.search}`,
  }
  return {
    name,
    // Without a message there is nothing to ask such a program.
    ping: signal => reach({ endpoint, name, signal }),
    async scan(specimen, signal) {
      const { body, length } = formatBody(specimen, sendsMessage)
      const verdict = verdictSchema.safeParse(
        await postForJson({
          // Small programs read no body that comes in chunks.
          options: { ...options, headers: { ...headers, 'Content-Length': length } },
          isTls,
          name,
          body,
          signal,
        }),
      )
      if (!verdict.success) {
        const [issue] = verdict.error.issues
        throw confused(name, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
      }
      const { action, score, text, findings, headerFields } = verdict.data
      return {
        advice: action,
        score,
        findings: findings.map(finding => ({
          name: oneLine(finding.name),
          score: finding.score,
          ...(finding.detail === undefined ? {} : { detail: oneLine(finding.detail) }),
        })),
        ...(text === undefined ? {} : { text: oneLine(text) }),
        headerFields,
      }
    },
  }
}

function formatBody(
  specimen: Specimen,
  sendsMessage: boolean,
): { readonly body: AsyncIterable<Uint8Array>; readonly length: number } {
  const { queueId, client, reversePath, recipients, size } = specimen
  const facts = JSON.stringify({ queueId, client, reversePath, recipients, size })
  const [before, after] = sendsMessage ? [`${facts.slice(0, -1)},"message":"`, '"}'] : [facts, '']
  return {
    body: joinBody(before, sendsMessage ? specimen : undefined, after),
    // Of base64, four for each three that have begun.
    length: Buffer.byteLength(before) + (sendsMessage ? 4 * Math.ceil(size / 3) : 0) + after.length,
  }
}

async function* joinBody(
  before: string,
  message: Specimen | undefined,
  after: string,
): AsyncIterable<Uint8Array> {
  yield Buffer.from(before)
  if (message) yield* encodeBase64(message.open())
  if (after !== '') yield Buffer.from(after)
}

/** In pieces of whole groups of three bytes, so that they join to one text (RFC 4648 §4). */
async function* encodeBase64(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let rest = Buffer.alloc(0)
  for await (const chunk of bytes) {
    const all = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    const whole = all.length - (all.length % 3)
    if (whole > 0) yield Buffer.from(all.toString('base64', 0, whole))
    rest = all.subarray(whole)
  }
  if (rest.length > 0) yield Buffer.from(rest.toString('base64'))
}
