// ENABLE (RFC 5161 §3.1, RFC 9051 §6.3.1).
import { formatEnabled } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { type Command, usual } from '../command.ts'

/** What each of them enables; what is unknown is no mistake (RFC 5161 §3.1). */
const enableable: ReadonlyMap<string, readonly string[]> = new Map([
  ['IMAP4REV2', ['IMAP4REV2']],
  ['UTF8=ACCEPT', ['UTF8=ACCEPT']],
  ['CONDSTORE', ['CONDSTORE']],
  // RFC 7162 §3.2.3: it is more than CONDSTORE, and has it in it.
  ['QRESYNC', ['CONDSTORE', 'QRESYNC']],
  // RFC 9586 §3.1
  ['UIDONLY', ['UIDONLY']],
])

export const enable: Command<'ENABLE'> = {
  ...usual,
  verb: 'ENABLE',
  // RFC 9051 §6.3.1: before a mailbox is selected.
  phases: ['authenticated'],
  async run(session, { capabilities }, tag) {
    const before = new Set(session.enabled)
    for (const name of capabilities.flatMap(each => enableable.get(each) ?? [])) session.enabled.add(name)
    // RFC 5464 §4.1
    if (capabilities.includes('METADATA') && !before.has('METADATA')) await session.watchMetadata()
    const added = capabilities.filter(name => session.enabled.has(name) && !before.has(name))
    return {
      ...session.answer(tag, answers.completed('ENABLE')),
      // RFC 5161 §3.2: what was enabled before is not said again.
      untagged: formatEnabled(added),
    }
  },
}
