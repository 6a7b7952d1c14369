// The language as this server has it: all commands, tests and extensions.
import { controlCommands } from '../commands/control.ts'
import { editHeaderCommands } from '../commands/edit-header.ts'
import { flagCommands, flagTests } from '../commands/flags.ts'
import { includeCommands } from '../commands/include.ts'
import { notifyCommands, notifyTests } from '../commands/notify.ts'
import { rejectCommands } from '../commands/reject.ts'
import { storeCommands } from '../commands/store.ts'
import { vacationCommands } from '../commands/vacation.ts'
import { variableCommands, variableTests } from '../commands/variables.ts'
import { comparators } from '../match/comparators.ts'
import { bodyTests } from '../tests/body-test.ts'
import { dateTests } from '../tests/date-tests.ts'
import { environmentTests } from '../tests/environment-tests.ts'
import { headerTests } from '../tests/header-tests.ts'
import { plainTests } from '../tests/plain-tests.ts'
import type { CommandDefinition, TestDefinition, Vocabulary } from './definitions.ts'

/** What `require` takes, and ManageSieve tells (RFC 5804 §1.7). */
export const extensions: readonly string[] = [
  'body',
  'comparator-i;ascii-numeric',
  'comparator-i;unicode-casemap',
  'copy',
  'date',
  'duplicate',
  'editheader',
  'encoded-character',
  'enotify',
  'envelope',
  'environment',
  'ereject',
  'fileinto',
  'ihave',
  'imap4flags',
  'include',
  'index',
  'mailbox',
  'mailboxid',
  'mboxmetadata',
  'regex',
  'reject',
  'relational',
  'servermetadata',
  'special-use',
  'subaddress',
  'vacation',
  'vacation-seconds',
  'variables',
]

const commands: readonly CommandDefinition[] = [
  ...controlCommands,
  ...storeCommands,
  ...rejectCommands,
  ...flagCommands,
  ...variableCommands,
  ...editHeaderCommands,
  ...includeCommands,
  ...vacationCommands,
  ...notifyCommands,
]

const tests: readonly TestDefinition[] = [
  ...plainTests,
  ...headerTests,
  ...bodyTests,
  ...dateTests,
  ...environmentTests,
  ...flagTests,
  ...variableTests,
  ...notifyTests,
]

export const vocabulary: Vocabulary = {
  commands: new Map(commands.map(each => [each.name, each])),
  tests: new Map(tests.map(each => [each.name, each])),
  extensions: new Set([...extensions, ...[...comparators.keys()].map(name => `comparator-${name}`)]),
  namespaces: new Map([['include', 'global.']]),
}
