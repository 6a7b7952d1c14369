// Whether a message says of itself that it is a report (RFC 6522), of whatever kind.

const contentType = 'multipart/report'

/** By words, not by fields: who asks looks closer. */
export function saysItReports(section: Uint8Array): boolean {
  const text = Buffer.from(section.buffer, section.byteOffset, section.byteLength).toString('latin1')
  return text.toLowerCase().includes(contentType)
}
