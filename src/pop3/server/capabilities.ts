// What CAPA says (RFC 2449 §5): the same before a log-in and after it (§5, "announced in both states").
import type { Session } from './session.ts'

export function capabilitiesOf(session: Session): readonly string[] {
  const { context, client } = session
  const capabilities = ['TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING']
  if (session.mayAuthenticate) {
    if (session.takesPasswords) capabilities.push('USER')
    const mechanisms = session.authMechanisms.map(({ name }) => name)
    if (mechanisms.length > 0) capabilities.push(`SASL ${mechanisms.join(' ')}`)
  }
  // RFC 2595 §4
  if (context.hasTls && !client.tls) capabilities.push('STLS')
  // RFC 6856 §2.2: names and passwords may be in UTF-8 too.
  capabilities.push('UTF8 USER', 'LANG')
  // RFC 2449 §6.7: nothing is deleted but by whoever reads it.
  capabilities.push('EXPIRE NEVER', `IMPLEMENTATION ${context.implementation}`)
  return capabilities
}
