// A new message on its way to the store thread: one text and its bytes. Structured clone of the object as it
// stands took four times as long, for every message that comes in.
import type { StoredMailData } from '../storage/mail-data.ts'
import type { Wire } from '../storage/operation.ts'
import type { NewMessage } from './new-message.ts'

interface PackedText extends Omit<NewMessage, 'mailData'> {
  readonly size: number
  readonly fileName?: string | undefined
}

export const newMessageWire: Wire<NewMessage> = {
  pack({ mailData, ...rest }) {
    const { size, checksum, location } = mailData
    const text: PackedText = { ...rest, size, fileName: location.kind === 'file' ? location.name : undefined }
    return [JSON.stringify(text), checksum, location.kind === 'inline' ? location.bytes : undefined]
  },
  unpack(packed) {
    const [text, checksum, bytes] = packed as [string, Uint8Array, Uint8Array | undefined]
    const { size, fileName, ...rest } = JSON.parse(text) as PackedText
    const location: StoredMailData['location'] = bytes
      ? { kind: 'inline', bytes }
      : { kind: 'file', name: fileName ?? '' }
    return { ...rest, mailData: { size, checksum, location } }
  },
}
