// Whether a URL leads to this very machine: nobody is in between, and what is said there needs no TLS.

/** 'ldap://localhost:3890', 'http://127.0.0.1:8080/realms/main' */
export function isOnThisMachine(url: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(URL.parse(url)?.hostname ?? '')
}
