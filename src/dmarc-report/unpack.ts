// What is attached to a report, unpacked as a stream: gzip, zip or as it is (RFC 9990 §3.5.2 knows gzip; many send zip). Nobody
// needs to hold what comes out, so what is made to burst memory is found out after the first megabytes.
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'

/** Why it cannot be read: a sentence for the administrator, without its full stop. */
export class UnreadableReport extends Error {
  override readonly name = 'UnreadableReport'
}

/** No honest report is larger. */
const maxUnpackedBytes = 16 * 1024 * 1024
/** An archive with a report has one file in it. */
const maxEntries = 10

type Packing = 'gzip' | 'zip' | 'none'

function packingOf(bytes: Uint8Array): Packing {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip'
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return 'zip'
  return 'none'
}

/** Throws UnreadableReport, whatever is wrong with it. */
export async function* unpackReport(bytes: Buffer): AsyncGenerator<Buffer> {
  let length = 0
  try {
    for await (const piece of await openPacked(bytes)) {
      if (length === 0 && packingOf(bytes) !== 'none' && packingOf(piece) !== 'none')
        throw new UnreadableReport('there is an archive inside of the archive')
      length += piece.length
      if (length > maxUnpackedBytes)
        throw new UnreadableReport(
          `it unpacks to more than ${maxUnpackedBytes / 1024 / 1024} MB, which no report has`,
        )
      yield piece
    }
  } catch (cause) {
    if (cause instanceof UnreadableReport) throw cause
    // A stranger made it.
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UnreadableReport(`it cannot be unpacked (${reason.slice(0, 200)})`, { cause })
  }
}

async function openPacked(bytes: Buffer): Promise<AsyncIterable<Buffer> | Iterable<Buffer>> {
  const packing = packingOf(bytes)
  switch (packing) {
    case 'gzip':
      return gunzip(withoutLineEnd(bytes))
    case 'zip':
      return await openZip(bytes)
    case 'none':
      return inSlices(bytes)
    default:
      return packing satisfies never
  }
}

const sliceBytes = 64 * 1024

function* inSlices(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += sliceBytes)
    yield bytes.subarray(start, start + sliceBytes)
}

/** Some append one, and the last octet of what is so small is 0 (RFC 1952 §2.3.1). */
function withoutLineEnd(bytes: Buffer): Buffer {
  let end = bytes.length
  while (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d) end--
  return bytes.subarray(0, end)
}

/** Whoever ends it early ends the work. */
async function* gunzip(bytes: Buffer): AsyncGenerator<Buffer> {
  const stream = createGunzip({ chunkSize: sliceBytes })
  const packed = Readable.from(inSlices(bytes))
  packed.on('error', cause => stream.destroy(cause))
  packed.pipe(stream)
  try {
    yield* stream as AsyncIterable<Buffer>
  } finally {
    packed.destroy()
    stream.destroy()
  }
}

/** The first file in it that may be a report. */
async function openZip(bytes: Buffer): Promise<AsyncIterable<Buffer>> {
  const { fromBufferPromise } = await import('yauzl')
  const archive = await fromBufferPromise(bytes, { lazyEntries: true, validateEntrySizes: true })
  let entries = 0
  for await (const entry of archive.eachEntry()) {
    if (++entries > maxEntries) break
    // A folder; or one more archive.
    if (entry.fileName.endsWith('/')) continue
    if (/\.(?:zip|gz|tgz|rar|7z)$/i.test(entry.fileName))
      throw new UnreadableReport('there is an archive inside of the archive')
    if (!/\.xml$/i.test(entry.fileName)) continue
    if (entry.isEncrypted()) throw new UnreadableReport('it is encrypted')
    return (await archive.openReadStreamPromise(entry)) as AsyncIterable<Buffer>
  }
  throw new UnreadableReport('there is no XML file in the archive')
}
