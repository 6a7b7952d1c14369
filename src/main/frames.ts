// Messages on the control socket: a 4-byte length, then a value as the structured clone algorithm writes it.
import { deserialize, serialize } from 'node:v8'

const maxFrameBytes = 64 * 1024 * 1024

export function encodeFrame(value: unknown): Buffer {
  const body = serialize(value)
  const frame = Buffer.allocUnsafe(4 + body.length)
  frame.writeUInt32BE(body.length, 0)
  body.copy(frame, 4)
  return frame
}

/** Takes chunks as they come; calls `deliver` once a frame. Returns false when the peer does not speak this protocol. */
export function createFrameReader(deliver: (value: unknown) => void): (chunk: Buffer) => boolean {
  let pending: Buffer[] = []
  let pendingBytes = 0
  return chunk => {
    pending.push(chunk)
    pendingBytes += chunk.length
    while (pendingBytes >= 4) {
      const head = pending[0] !== undefined && pending[0].length >= 4 ? pending[0] : Buffer.concat(pending)
      const length = head.readUInt32BE(0)
      if (length > maxFrameBytes) return false
      if (pendingBytes < 4 + length) return true
      const all = pending.length === 1 ? head : Buffer.concat(pending)
      pending = all.length > 4 + length ? [all.subarray(4 + length)] : []
      pendingBytes = all.length - 4 - length
      deliver(deserialize(all.subarray(4, 4 + length)))
    }
    return true
  }
}
