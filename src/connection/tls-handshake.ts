// A client that begins with TLS where TLS is not what comes first.

/** The first two bytes of a TLS record with a handshake in it (RFC 8446 §5.1). */
const tlsHandshakeRecord = 0x16
const tlsMajorVersion = 0x03

export function isTlsHandshake(bytes: Buffer): boolean {
  return bytes[0] === tlsHandshakeRecord && bytes[1] === tlsMajorVersion
}
