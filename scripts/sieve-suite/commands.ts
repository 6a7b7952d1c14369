// The commands and tests that the scripts of the suite are written with ("vnd.dovecot.testsuite").
import { parseAddress } from '../../src/address/parse-address.ts'
import { findFieldValue, parseHeaderFields } from '../../src/message/header-section.ts'
import { writtenAddresses } from '../../src/message/written-addresses.ts'
import type {
  CommandCall,
  CommandDefinition,
  TestDefinition,
  Vocabulary,
} from '../../src/sieve/language/definitions.ts'
import { vocabulary as ownVocabulary } from '../../src/sieve/language/vocabulary.ts'
import type { SieveLimits } from '../../src/sieve/limits.ts'
import { matchAny, matchTags } from '../../src/sieve/match/match-arguments.ts'
import { indexOf } from '../../src/sieve/message/address-parts.ts'
import { MessageView } from '../../src/sieve/message/message-view.ts'
import type { SieveAction } from '../../src/sieve/outcome.ts'
import { formatProblem } from '../../src/sieve/problem.ts'
import { Run } from '../../src/sieve/run.ts'
import { finishRun, runScript } from '../../src/sieve/run-script.ts'
import { ScriptError } from '../../src/sieve/script-error.ts'
import { messageOf } from '../../test/harness/sieve.ts'
import { address, NotApplicable, TestFailed, type World } from './world.ts'

export interface TestResult {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'not applicable'
  readonly why: string
}

const extension = 'vnd.dovecot.testsuite'
const extensions = [extension]

/** Extensions that the suite has tests for, and this server has not: what is not here and not ours is a mistake on purpose. */
const knownElsewhere = new Set([
  '"mime"',
  '"foreverypart"',
  '"extracttext"',
  '"spamtest"',
  '"spamtestplus"',
  '"virustest"',
  '"extlists"',
  '"vnd.dovecot.execute"',
  '"vnd.dovecot.filter"',
  '"vnd.dovecot.pipe"',
])

/** Names of actions in the suite. */
const actionNames: Readonly<Record<SieveAction['kind'], string>> = {
  keep: 'keep',
  fileinto: 'store',
  discard: 'discard',
  redirect: 'redirect',
  reject: 'reject',
  vacation: 'vacation',
  notify: 'notify',
}

export function suiteVocabulary(world: World, results: TestResult[]): Vocabulary {
  const look = (run: Run): void => {
    run.circumstances = world.circumstances()
    run.message = new MessageView(world.message, run.limits)
  }
  const reset = (run: Run): void => {
    run.actions = []
    run.keepsImplicitly = true
    run.hasVacation = false
    run.notified.clear()
    run.remembered.clear()
    run.trace.length = 0
    run.flags = []
    world.sent.length = 0
    look(run)
  }

  const commands: CommandDefinition[] = [
    {
      name: 'test',
      extensions,
      parameters: [{ name: 'a name', kind: 'string' }],
      block: 'required',
      async run(call, run) {
        const name = run.string(call.arguments[0])
        results.push({ name, ...(await judge(call, run, world)) })
        // What was set before this test says nothing of the next.
        world.foreignSettings.clear()
        return 'next' as const
      },
    },
    {
      name: 'test_fail',
      extensions,
      parameters: [{ name: 'why', kind: 'string' }],
      run(call, run) {
        throw new TestFailed(`${run.string(call.arguments[0])} (line ${call.line})`)
      },
    },
    {
      name: 'test_set',
      extensions,
      parameters: [
        { name: 'what', kind: 'string' },
        { name: 'value', kind: 'string' },
      ],
      run(call, run) {
        set(world, run.string(call.arguments[0]), run.string(call.arguments[1]))
        look(run)
        return 'next'
      },
    },
    settingCommand('test_config_set', world, [{ name: 'a value', kind: 'string' }]),
    settingCommand('test_config_unset', world, []),
    plainCommand('test_config_reload', { extension: { value: 'string' } }, [], (_, run) => look(run)),
    plainCommand('test_result_reset', {}, [], (_, run) => reset(run)),
    plainCommand('test_result_print', {}, [], () => undefined),
    plainCommand('test_binary_save', {}, [{ name: 'a name', kind: 'string' }], () => undefined),
    plainCommand('test_binary_load', {}, [{ name: 'a name', kind: 'string' }], () => undefined),
    plainCommand('test_mailbox_create', {}, [{ name: 'a mailbox', kind: 'string' }], (call, run) => {
      const name = run.string(call.arguments[0])
      if (!world.mailboxes.has(name)) world.mailboxes.set(name, [])
    }),
    plainCommand(
      'test_imap_metadata_set',
      { mailbox: { value: 'string' } },
      [
        { name: 'an annotation', kind: 'string' },
        { name: 'a value', kind: 'string' },
      ],
      (call, run) => {
        const [name, value] = call.arguments
        world.metadata.set(
          `${run.string(call.tags.get('mailbox'))}\0${run.string(name).toLowerCase()}`,
          run.string(value),
        )
      },
    ),
    {
      name: 'test_message',
      extensions,
      tags: { smtp: {}, folder: { value: 'string' } },
      parameters: [{ name: 'a number', kind: 'number' }],
      run(call, run) {
        if (!loadMessage(call, run, world))
          throw new TestFailed(`there is no such message (line ${call.line})`)
        look(run)
        return 'next'
      },
    },
  ]

  const tests: TestDefinition[] = [
    {
      name: 'test_message',
      extensions,
      tags: { smtp: {}, folder: { value: 'string' } },
      parameters: [{ name: 'a number', kind: 'number' }],
      evaluate(call, run) {
        const isThere = loadMessage(call, run, world)
        if (isThere) look(run)
        return isThere
      },
    },
    {
      name: 'test_script_compile',
      extensions,
      parameters: [{ name: 'a file', kind: 'string' }],
      evaluate(call, run) {
        const parsed = world.readScriptFile(run.string(call.arguments[0]))
        world.script = parsed?.script
        world.problems = parsed?.problems ?? []
        world.unknownExtension = world.problems
          .filter(({ text }) => text.startsWith('There is no extension'))
          .map(({ text }) => /"[^"]*"/.exec(text)?.[0])
          .find(name => knownElsewhere.has(name ?? ''))
        return parsed?.script !== undefined
      },
    },
    {
      name: 'test_script_run',
      extensions,
      tags: { append_result: {} },
      async evaluate(call, run) {
        if (!world.script) return false
        // Edits of the test itself go along, as everything else that it has done to the message.
        const outcome = await runScript(world.script, world.circumstances(), world.limits)
        world.problems = outcome.error ? [outcome.error] : []
        if (!call.tags.has('append_result')) run.actions = []
        for (const action of outcome.actions) run.act(action, '')
        run.keepsImplicitly = false
        return outcome.error === undefined
      },
    },
    {
      name: 'test_multiscript',
      extensions,
      parameters: [{ name: 'files', kind: 'string-list' }],
      evaluate() {
        throw new NotApplicable('one message, several active scripts')
      },
    },
    {
      name: 'test_error',
      extensions,
      tags: { ...matchTags, index: { value: 'number' } },
      parameters: [{ name: 'what is sought', kind: 'string-list' }],
      evaluate(call, run) {
        const index = indexOf(call)
        const texts = world.problems.map(formatProblem)
        const found = matchAny(
          call,
          run,
          index === undefined ? texts : texts.slice(index - 1, index),
          run.strings(call.arguments[0]),
        )
        world.askedAboutProblems = { problems: texts, isText: !call.tags.has('count') }
        return found
      },
    },
    {
      name: 'test_result_action',
      extensions,
      tags: { ...matchTags, index: { value: 'number' } },
      parameters: [{ name: 'what is sought', kind: 'string-list' }],
      evaluate(call, run) {
        const index = indexOf(call)
        const names = run.actions.filter(({ origin }) => origin).map(({ kind }) => actionNames[kind])
        return matchAny(
          call,
          run,
          index === undefined ? names : names.slice(index - 1, index),
          run.strings(call.arguments[0]),
        )
      },
    },
    {
      name: 'test_result_execute',
      extensions,
      async evaluate(_, run) {
        const outcome = finishRun(run)
        const isDone = await world.perform(outcome.actions)
        run.keepsImplicitly = false
        return isDone
      },
    },
  ]

  return {
    commands: new Map([...ownVocabulary.commands, ...commands.map(each => [each.name, each] as const)]),
    tests: new Map([...ownVocabulary.tests, ...tests.map(each => [each.name, each] as const)]),
    extensions: new Set([...ownVocabulary.extensions, extension]),
    namespaces: new Map([...ownVocabulary.namespaces, [extension, 'tst.']]),
  }
}

async function judge(call: CommandCall, run: Run, world: World): Promise<Omit<TestResult, 'name'>> {
  world.askedAboutProblems = undefined
  world.unknownExtension = undefined
  const frame = run.frame
  try {
    await run.runBlock(call.block)
    return { outcome: 'passed', why: '' }
  } catch (error) {
    run.frame = frame
    if (error instanceof NotApplicable) return { outcome: 'not applicable', why: error.message }
    if (!(error instanceof TestFailed || error instanceof ScriptError)) throw error
    const { askedAboutProblems: asked, unknownExtension } = world.seen()
    if (unknownExtension !== undefined)
      return { outcome: 'not applicable', why: `the extension ${unknownExtension}` }
    if (asked !== undefined && asked.problems.length > 0)
      return {
        outcome: 'not applicable',
        why: `${asked.isText ? 'the words' : 'the number'} of another program's messages`,
      }
    const [setting] = world.foreignSettings
    if (setting !== undefined)
      return { outcome: 'not applicable', why: `the setting ${setting} of another program` }
    return {
      outcome: 'failed',
      why: error instanceof ScriptError ? formatProblem({ ...error.at, text: error.message }) : error.message,
    }
  }
}

function plainCommand(
  name: string,
  tags: NonNullable<CommandDefinition['tags']>,
  parameters: NonNullable<CommandDefinition['parameters']>,
  act: (call: CommandCall, run: Run) => void,
): CommandDefinition {
  return {
    name,
    extensions,
    tags,
    parameters,
    run(call, run) {
      act(call, run)
      return 'next'
    },
  }
}

function settingCommand(
  name: string,
  world: World,
  more: NonNullable<CommandDefinition['parameters']>,
): CommandDefinition {
  return plainCommand(name, {}, [{ name: 'a setting', kind: 'string' }, ...more], (call, run) => {
    const setting = run.string(call.arguments[0])
    const value = run.string(call.arguments[1])
    if (setting === 'sieve_user_email') world.owner = value.trim() === '' ? undefined : address(value.trim())
    else if (setting === 'recipient_delimiter') world.delimiter = value
    else if (name === 'test_config_unset') world.foreignSettings.delete(setting)
    else if (Object.hasOwn(limitSettings, setting)) setLimit(world, limitSettings[setting], value)
    else world.foreignSettings.add(setting)
  })
}

/** Without a word about the envelope, it is what the fields say. */
function setMessage(world: World, text: string): void {
  world.message = messageOf(text)
  const fields = parseHeaderFields(world.message.headerSection)
  const first = (name: string): ReturnType<typeof parseAddress> => {
    const [written] = writtenAddresses(findFieldValue(fields, name) ?? '')
    return written === undefined ? undefined : parseAddress(written)
  }
  world.reversePath = first('return-path') ?? first('from') ?? world.reversePath
  world.recipient = first('to') ?? world.recipient
  world.originalRecipient = undefined
}

/** Settings that are limits here as well. */
const limitSettings: Readonly<Record<string, keyof SieveLimits>> = {
  sieve_notify_max_notifications: 'maxNotifications',
  sieve_include_max_includes: 'maxIncludes',
  sieve_include_max_nesting_depth: 'maxIncludeDepth',
}

function setLimit(world: World, name: keyof SieveLimits | undefined, value: string): void {
  if (name !== undefined) world.limits = { ...world.limits, [name]: Number(value) }
}

function set(world: World, what: string, value: string): void {
  switch (what) {
    case 'message':
      setMessage(world, value)
      break
    case 'envelope.from':
      world.reversePath = value === '' || value === '<>' ? null : address(value.replace(/^<(.*)>$/, '$1'))
      break
    case 'envelope.to':
      world.recipient = address(value)
      world.originalRecipient = undefined
      break
    case 'envelope.orig_to':
      world.originalRecipient = address(value)
      break
    case 'envelope.auth':
      world.authenticatedAs = value
      break
    default:
      throw new NotApplicable(`test_set ${what}`)
  }
}

function loadMessage(
  call: { readonly tags: CommandCall['tags']; readonly arguments: CommandCall['arguments'] },
  run: Run,
  world: World,
): boolean {
  const number = call.arguments[0]?.kind === 'number' ? call.arguments[0].value : 0
  if (call.tags.has('folder')) {
    const stored = world.mailboxes.get(run.string(call.tags.get('folder')))?.[number]
    if (!stored) return false
    world.message = stored.message
    run.flags = stored.flags
    return true
  }
  const sent = world.sent[number]
  if (!sent) return false
  world.message = sent.message
  world.reversePath = sent.from
  world.recipient = sent.to
  return true
}
