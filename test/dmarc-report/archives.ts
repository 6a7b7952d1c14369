// Archives as strangers may make them: zip files that say what the test wants, and streams that unpack to gigabytes.
import { constants, crc32, deflateRawSync } from 'node:zlib'

export interface ZipEntry {
  readonly name: string
  /** Compressed by deflate. */
  readonly data: Uint8Array
  /** What the archive says of it. */
  readonly size: number
  readonly crc?: number
}

export function zipOf(name: string, content: Uint8Array): Buffer {
  return composeZip([{ name, data: deflateRawSync(content), size: content.length, crc: crc32(content) }])
}

/** PKWARE's APPNOTE §4.3 */
export function composeZip(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, data, size, crc = 0 } of entries) {
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(8, 4)
    common.writeUInt32LE(crc, 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(size, 18)
    common.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), data])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), common, rest, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length, 4)
  end.writeUInt16LE(entries.length, 6)
  end.writeUInt32LE(size, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...locals, ...directory, Buffer.from('PK\x05\x06'), end])
}

/** So many times 16 MB of blanks, after `beginning`, as a deflate stream: 16 KB for each. */
export function blanksDeflated(times: number, beginning = ''): Buffer {
  const flush = { finishFlush: constants.Z_FULL_FLUSH }
  const block = deflateRawSync(Buffer.alloc(16 * 1024 * 1024, ' '), flush)
  const first = deflateRawSync(Buffer.from(beginning), flush)
  const last = Buffer.from([3, 0])
  return Buffer.concat([first, ...Array<Buffer>(times).fill(block), last])
}

export function asGzip(deflated: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), deflated, Buffer.alloc(8)])
}
