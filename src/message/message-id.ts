// What of a Message-ID field is taken for one (RFC 5322 §3.6.4): it goes into header fields of ours, and into the trail.

export function isMessageId(text: string): boolean {
  return /^<[!-;=?-~]{1,250}>$/.test(text)
}
