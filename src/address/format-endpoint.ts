// An address with its port, as people and programs write it.

/** '192.0.2.1:25', '[2001:db8::1]:25' */
export function formatEndpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
