// The report in a message: what is attached to it, unpacked and parsed within limits.
import { type Attached, readAttachments } from '../daily-report/read-mail.ts'
import type { ReceivedDmarcReport } from './parse-report.ts'
import { UnreadableReport, unpackReport } from './unpack.ts'

/** RFC 9990 §3.5.2 names application/gzip and text/xml; what others send has many names. */
const mediaTypes: ReadonlySet<string> = new Set([
  'application/gzip',
  'application/x-gzip',
  'application/zip',
  'application/x-zip',
  'application/x-zip-compressed',
  'application/xml',
  'text/xml',
])
const fileName = /\.(?:xml|gz|zip)$/i
/** Nobody sends more than one report in a message. */
const maxTried = 5

/** Throws UnreadableReport, whatever is wrong with it. */
export async function readDmarcReport(message: Uint8Array): Promise<ReceivedDmarcReport> {
  const { parseReport } = await import('./parse-report.ts')
  const attached = (await readAttachments(message)).filter(mayBeReport).slice(0, maxTried)
  let problem = new UnreadableReport('nothing in it is XML, gzip or zip')
  for (const { bytes } of attached) {
    try {
      return await parseReport(unpackReport(bytes))
    } catch (cause) {
      if (!(cause instanceof UnreadableReport)) throw cause
      problem = cause
    }
  }
  throw problem
}

function mayBeReport({ mimeType, fileName: name }: Attached): boolean {
  return mediaTypes.has(mimeType.toLowerCase()) || fileName.test(name)
}
