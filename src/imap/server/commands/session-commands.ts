// CAPABILITY, NOOP, LOGOUT (RFC 9051 §6.1), ID (RFC 2971), ENABLE (RFC 5161, RFC 9051 §6.3.1).
import { formatCapabilities, formatEnabled, formatId } from '../../responses/account-data.ts'
import { answers } from '../../responses/answers.ts'
import { formatStatusResponse } from '../../responses/status-response.ts'
import { type Command, everywhere, usual, withMailbox } from '../command.ts'

export const capability: Command<'CAPABILITY'> = {
  ...usual,
  verb: 'CAPABILITY',
  phases: everywhere,
  run: (session, _command, tag) => ({
    ...session.answer(tag, answers.completed('CAPABILITY')),
    untagged: formatCapabilities(session.capabilities),
  }),
}

/** What has happened meanwhile comes with its answer, as with every other. */
export const noop: Command<'NOOP'> = {
  ...usual,
  verb: 'NOOP',
  phases: everywhere,
  run: (session, _command, tag) => session.answer(tag, answers.completed('NOOP')),
}

/** RFC 3501 §6.4.1: everything is durable anyway. */
export const check: Command<'CHECK'> = {
  ...usual,
  verb: 'CHECK',
  phases: withMailbox,
  run: (session, _command, tag) => session.answer(tag, answers.completed('CHECK')),
}

export const logout: Command<'LOGOUT'> = {
  ...usual,
  verb: 'LOGOUT',
  phases: everywhere,
  // Nothing that has happened is told any more: `next` is another state.
  run: (session, _command, tag) => ({
    ...session.answer(tag, answers.completed('LOGOUT')),
    untagged: formatStatusResponse('*', answers.loggingOut),
    effect: 'close',
  }),
}

export const id: Command<'ID'> = {
  ...usual,
  verb: 'ID',
  phases: everywhere,
  run(session, { fields }, tag) {
    session.client = { ...session.client, identity: fields ?? undefined }
    return {
      ...session.answer(tag, answers.completed('ID')),
      untagged: formatId(session.context.identity),
    }
  },
}

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
