// What surrounds a script: `environment` (RFC 5183), mailboxes and their annotations (RFC 5490, RFC 8579,
// RFC 9042), `duplicate` (RFC 7352).
import { mailboxProblem, specialUseProblem } from '../commands/store.ts'
import { checkConstants, numberOf } from '../language/arguments.ts'
import type { Call, TestDefinition } from '../language/definitions.ts'
import { checkMatch, matchAny, matchTags } from '../match/match-arguments.ts'
import { isFieldName } from '../message/message-view.ts'
import type { Run } from '../run.ts'

const environment: TestDefinition = {
  name: 'environment',
  extensions: ['environment'],
  tags: matchTags,
  parameters: [
    { name: 'the name of an item', kind: 'string' },
    { name: 'what is sought', kind: 'string-list' },
  ],
  check: (call, checker) => checkMatch(call, call.arguments[1], checker),
  evaluate(call, run) {
    const name = run.string(call.arguments[0]).toLowerCase()
    const items = run.circumstances.environment
    const value = Object.hasOwn(items, name) ? items[name] : undefined
    // RFC 5183 §4: what is not known is never true.
    if (value === undefined) return false
    return matchAny(call, run, [value], run.strings(call.arguments[1]), { count: value === '' ? 0 : 1 })
  },
}

const mailboxexists: TestDefinition = {
  name: 'mailboxexists',
  extensions: ['mailbox'],
  parameters: [{ name: 'names of mailboxes', kind: 'string-list' }],
  check: ({ arguments: [names] }, checker) => checkConstants(names, checker, mailboxProblem),
  async evaluate({ arguments: [names] }, run) {
    for (const name of run.strings(names)) if (!(await isThere(name, run))) return false
    return true
  },
}

async function isThere(name: string, run: Run): Promise<boolean> {
  run.spend(1000)
  return mailboxProblem(name) === undefined && (await run.circumstances.mailboxes.exists(name))
}

const mailboxidexists: TestDefinition = {
  name: 'mailboxidexists',
  extensions: ['mailboxid'],
  parameters: [{ name: 'ids of mailboxes', kind: 'string-list' }],
  async evaluate({ arguments: [ids] }, run) {
    for (const id of run.strings(ids)) {
      run.spend(1000)
      if (!(await run.circumstances.mailboxes.hasId(id))) return false
    }
    return true
  },
}

const specialuseExists: TestDefinition = {
  name: 'specialuse_exists',
  extensions: ['special-use'],
  parameters: [
    { name: 'the name of a mailbox', kind: 'string', isOptional: true },
    { name: 'special uses', kind: 'string-list' },
  ],
  check({ arguments: [mailbox, attributes] }, checker) {
    checkConstants(mailbox, checker, mailboxProblem)
    checkConstants(attributes, checker, specialUseProblem)
  },
  async evaluate({ arguments: [mailbox, attributes] }, run) {
    const name = mailbox && run.string(mailbox)
    if (name !== undefined && !(await isThere(name, run))) return false
    for (const attribute of run.strings(attributes)) {
      run.spend(1000)
      if (specialUseProblem(attribute) !== undefined) return false
      if (!(await run.circumstances.mailboxes.hasSpecialUse(name, attribute))) return false
    }
    return true
  },
}

const annotation = /^\/(?:private|shared)\/[^\0-\x1f\x7f-\uffff*%]+$/

async function readAnnotation(
  run: Run,
  mailbox: string | undefined,
  name: string,
): Promise<string | undefined> {
  run.spend(1000)
  if (!annotation.test(name) || name.includes('//') || name.endsWith('/')) return undefined
  return run.circumstances.mailboxes.readMetadata(mailbox, name)
}

async function matchAnnotation(
  call: Call,
  run: Run,
  mailbox: string | undefined,
  nameIndex: number,
): Promise<boolean> {
  const value = await readAnnotation(run, mailbox, run.string(call.arguments[nameIndex]))
  return value !== undefined && matchAny(call, run, [value], run.strings(call.arguments[nameIndex + 1]))
}

async function haveAnnotations(
  run: Run,
  mailbox: string | undefined,
  names: readonly string[],
): Promise<boolean> {
  for (const name of names) if ((await readAnnotation(run, mailbox, name)) === undefined) return false
  return true
}

const metadata: TestDefinition = {
  name: 'metadata',
  extensions: ['mboxmetadata'],
  tags: matchTags,
  parameters: [
    { name: 'the name of a mailbox', kind: 'string' },
    { name: 'the name of an annotation', kind: 'string' },
    { name: 'what is sought', kind: 'string-list' },
  ],
  check: (call, checker) => checkMatch(call, call.arguments[2], checker),
  evaluate: (call, run) => matchAnnotation(call, run, run.string(call.arguments[0]), 1),
}

const metadataexists: TestDefinition = {
  name: 'metadataexists',
  extensions: ['mboxmetadata'],
  parameters: [
    { name: 'the name of a mailbox', kind: 'string' },
    { name: 'names of annotations', kind: 'string-list' },
  ],
  evaluate: ({ arguments: [mailbox, names] }, run) =>
    haveAnnotations(run, run.string(mailbox), run.strings(names)),
}

const servermetadata: TestDefinition = {
  name: 'servermetadata',
  extensions: ['servermetadata'],
  tags: matchTags,
  parameters: [
    { name: 'the name of an annotation', kind: 'string' },
    { name: 'what is sought', kind: 'string-list' },
  ],
  check: (call, checker) => checkMatch(call, call.arguments[1], checker),
  evaluate: (call, run) => matchAnnotation(call, run, undefined, 0),
}

const servermetadataexists: TestDefinition = {
  name: 'servermetadataexists',
  extensions: ['servermetadata'],
  parameters: [{ name: 'names of annotations', kind: 'string-list' }],
  evaluate: ({ arguments: [names] }, run) => haveAnnotations(run, undefined, run.strings(names)),
}

/** RFC 7352 §3.3 */
const defaultDuplicateSeconds = 7 * 86_400

const duplicate: TestDefinition = {
  name: 'duplicate',
  extensions: ['duplicate'],
  tags: {
    handle: { value: 'string' },
    header: { group: 'what is unique', value: 'string' },
    uniqueid: { group: 'what is unique', value: 'string' },
    seconds: { value: 'number' },
    last: {},
  },
  async evaluate({ tags }, run) {
    const id = uniqueIdOf(tags, run)
    const asked = numberOf(tags.get('seconds')) ?? defaultDuplicateSeconds
    if (id === undefined || asked === 0) return false
    run.spend(1000)
    const key = JSON.stringify([tags.has('handle') ? run.string(tags.get('handle')) : null, id])
    const wasSeen = await run.circumstances.memory.has('duplicate', key)
    // §3: of this run nothing counts before its end; §3.3: with :last the time begins anew.
    if (!wasSeen || tags.has('last'))
      run.remember({ kind: 'duplicate', key, seconds: Math.min(asked, run.limits.maxDuplicateSeconds) })
    return wasSeen
  },
}

/** §3.1. undefined: there is nothing to tell the message by. */
function uniqueIdOf(tags: Call['tags'], run: Run): string | undefined {
  if (tags.has('uniqueid')) return run.string(tags.get('uniqueid'))
  const name = tags.has('header') ? run.string(tags.get('header')) : 'message-id'
  return isFieldName(name) ? run.message.values(name)[0] : undefined
}

export const environmentTests: readonly TestDefinition[] = [
  environment,
  mailboxexists,
  mailboxidexists,
  specialuseExists,
  metadata,
  metadataexists,
  servermetadata,
  servermetadataexists,
  duplicate,
]
