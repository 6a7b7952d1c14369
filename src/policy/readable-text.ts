// RFC 6531 §3.7.4: a client that has not asked for SMTPUTF8 cannot read other characters than ASCII in a reply.

export function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7e) return false
  return true
}
