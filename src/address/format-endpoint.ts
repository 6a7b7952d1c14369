// An address with its port, as people and programs write it (RFC 3986 §3.2.2).

/** '192.0.2.1:25', '[2001:db8::1]:25' */
export function formatEndpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
