// A POST that is answered in JSON, streamed, over TCP or a Unix socket.
import { once } from 'node:events'
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { ScannerFault } from './contract.ts'
import { confused, maxAnswerBytes, unavailable } from './exchange.ts'

export interface Post {
  readonly options: RequestOptions
  readonly isTls: boolean
  /** For people. */
  readonly name: string
  readonly body: AsyncIterable<Uint8Array>
  readonly signal: AbortSignal
}

/** The answer to a 200. Rejects with a ScannerFault. */
export async function postForJson({ options, isTls, name, body, signal }: Post): Promise<unknown> {
  const request = (isTls ? httpsRequest : httpRequest)({ ...options, method: 'POST', signal, agent: false })
  request.on('error', () => {})
  try {
    // An answer that comes before the end of the request is an answer all the same.
    const answered = once(request, 'response') as Promise<[IncomingMessage]>
    const isSent = sendBody(request, body)
    const [response] = await answered
    const text = await readText(name, response)
    request.destroy()
    await isSent
    if (response.statusCode !== 200) throw refused(name, response.statusCode, text)
    return parseJson(name, text)
  } catch (cause) {
    request.destroy()
    throw cause instanceof ScannerFault
      ? cause
      : unavailable(name, signal.aborted ? new Error('it did not answer in time') : cause)
  }
}

async function sendBody(request: ClientRequest, body: AsyncIterable<Uint8Array>): Promise<void> {
  // What is wrong with the connection is said by whoever waits for the answer.
  await pipeline(body, request).catch(() => {})
}

async function readText(name: string, response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxAnswerBytes) throw confused(name, `${size} bytes`)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function refused(name: string, status: number | undefined, text: string): ScannerFault {
  // 5xx and 429: it may fare better later.
  return status === undefined || status >= 500 || status === 429
    ? unavailable(name, new Error(`it answered with the HTTP status ${status}`))
    : confused(name, `HTTP status ${status} ${text}`)
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw confused(name, text)
  }
}
