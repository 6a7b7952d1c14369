// What CAPABILITY says (RFC 9051 §6.1.1): it depends on TLS and on whether somebody has logged in.
import type { Session } from './session.ts'

/** Of the protocol itself and of its grammar, from the greeting on. */
const always = ['IMAP4rev2', 'IMAP4rev1', 'LITERAL+', 'SASL-IR', 'ID', 'ENABLE']

/** After log-in: what the commands of the table have, and whoever keeps the mailboxes (`mailbox-services.ts`) has to keep up to. */
const afterLogin = [
  'IDLE',
  'NAMESPACE',
  'UNSELECT',
  'UIDPLUS',
  'MOVE',
  'CONDSTORE',
  'QRESYNC',
  'ESEARCH',
  'SEARCHRES',
  'ESORT',
  'SORT',
  'SORT=DISPLAY',
  'THREAD=ORDEREDSUBJECT',
  'THREAD=REFERENCES',
  'WITHIN',
  'LIST-EXTENDED',
  'LIST-STATUS',
  'STATUS=SIZE',
  'SPECIAL-USE',
  'CREATE-SPECIAL-USE',
  'MULTIAPPEND',
  'CATENATE',
  'URLAUTH',
  'URLAUTH=BINARY',
  'REPLACE',
  'BINARY',
  'PARTIAL',
  'OBJECTID',
  'SAVEDATE',
  'PREVIEW',
  'QUOTA',
  'QUOTA=RES-STORAGE',
  'QUOTA=RES-MESSAGE',
  'UTF8=ACCEPT',
  'UIDONLY',
]

export function capabilitiesOf(session: Session): readonly string[] {
  const { context, client, isCompressed } = session
  const names = [...always]
  if (client.account) {
    names.push(...afterLogin, `APPENDLIMIT=${context.limits.maxMessageBytes}`)
    // RFC 4314 §5.1.1; RFC 8440
    if (session.mailboxes.acl) names.push('ACL', 'RIGHTS=kxte', 'LIST-MYRIGHTS')
    if (session.mailboxes.metadata) names.push('METADATA')
    if (session.mailboxes.watch) names.push('NOTIFY')
    // RFC 4978 §3: not offered where it cannot be had any more.
    if (context.offersCompression && !isCompressed) names.push('COMPRESS=DEFLATE')
    return names
  }
  if (context.hasTls && !client.tls) names.push('STARTTLS')
  if (session.mayAuthenticate) names.push(...session.authMechanisms.map(({ name }) => `AUTH=${name}`))
  // RFC 9051 §6.2.3
  else names.push('LOGINDISABLED')
  return names
}
