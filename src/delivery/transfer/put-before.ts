// Mail data with header fields of ours before it.
import type { OutgoingMailData } from '../../smtp/client/contract.ts'

export function putBefore(fields: Uint8Array, mailData: OutgoingMailData): OutgoingMailData {
  if (fields.length === 0) return mailData
  return {
    size: fields.length + mailData.size,
    async *open() {
      yield fields
      yield* mailData.open()
    },
  }
}
