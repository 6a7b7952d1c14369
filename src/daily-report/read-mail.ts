// A report of somebody else as it lies in the storage: the whole message, and what is attached to it.
import type { MailDataStore } from '../storage/mail-data.ts'

export async function readWhole(mailData: MailDataStore, id: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of mailData.read(id)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export interface Attached {
  readonly mimeType: string
  readonly fileName: string
  readonly bytes: Buffer
}

export async function readAttachments(message: Uint8Array): Promise<readonly Attached[]> {
  // Loaded when there is a report: a server that starts has better things to do.
  const { default: PostalMime } = await import('postal-mime')
  const { attachments } = await PostalMime.parse(message, { attachmentEncoding: 'arraybuffer' })
  return attachments.map(({ mimeType, filename, content }) => ({
    mimeType,
    fileName: filename ?? '',
    bytes: typeof content === 'string' ? Buffer.from(content) : Buffer.from(content as ArrayBuffer),
  }))
}
