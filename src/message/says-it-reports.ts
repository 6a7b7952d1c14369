// Whether a message says of itself that it is a report (RFC 6522), of whatever kind.

const signs = [
  'multipart/report',
  // The subject of Microsoft's complaints (Junk Mail Reporting Program), where they are no multipart/report.
  'complaint about message from',
]

/** By words, not by fields: who asks looks closer. */
export function saysItReports(section: Uint8Array): boolean {
  const text = Buffer.from(section.buffer, section.byteOffset, section.byteLength)
    .toString('latin1')
    .toLowerCase()
  return signs.some(sign => text.includes(sign))
}
