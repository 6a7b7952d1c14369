import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import type { Command } from 'commander'
import type { Surroundings } from '../../src/cli/invocation.ts'
import { createProgram } from '../../src/cli/program.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { makeFolder, runHere } from './run-postrider.ts'

async function openProgram(parameters?: readonly string[]): Promise<Command> {
  const nowhere = new PassThrough()
  const surroundings: Surroundings = {
    clock: systemClock,
    random: systemRandom,
    environment: {},
    workingFolder: '/',
    programName: 'postrider',
    keyboard: nowhere,
    stdout: nowhere,
    stderr: nowhere,
    onInterrupt: () => () => {},
  }
  return await createProgram({ surroundings }, parameters)
}

const program = await openProgram()

function descendants(command: Command): Command[] {
  return command.commands.flatMap(child => [child, ...descendants(child)])
}

function pathOf(command: Command): string[] {
  return command.parent ? [...pathOf(command.parent), command.name()] : []
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: piece => {
      text += piece
    },
  })
  command.outputHelp()
  return text
}

test('the commands are those that were promised', () => {
  const names = descendants(program).map(command => pathOf(command).join(' '))
  const promised =
    'serve,init,check,domain,account,alias,group,export,apply,queue,queue list,queue show,queue retry,queue hold,' +
    'queue release,queue cancel,mail,mail list,mail read,trace,send,terminal,verify'
  assert.deepEqual(
    promised.split(',').filter(name => !names.includes(name)),
    [],
  )
})

test('a command that is run is whole, and the others are known by their names', async () => {
  const names = program.commands.map(command => command.name())
  for (const [n, whole] of program.commands.entries()) {
    const { commands } = await openProgram([whole.name()])
    assert.deepEqual(
      commands.map(command => command.name()),
      names,
    )
    const found = commands[n] ?? assert.fail()
    assert.equal(helpOf(found), helpOf(whole))
    assert.deepEqual(descendants(found).map(pathOf), descendants(whole).map(pathOf))
  }
})

for (const command of descendants(program)) {
  const path = pathOf(command)
  const name = path.join(' ')
  test(`help of "${name}": what it does, and an example that the command takes`, () => {
    const help = helpOf(command)
    assert.ok(command.summary().length > 0, 'a summary')
    assert.match(help, /\nExamples?:\n {2}postrider /)
    const examples = help.split('\n').filter(line => line.startsWith('  postrider '))
    assert.ok(
      examples.some(line => line.startsWith(`  postrider ${path[0] ?? ''}`)),
      'an example of this command',
    )
    for (const line of examples) {
      // Each option of an example exists, on the command that the example names.
      const words = line.trim().split(' ').slice(1)
      let found: Command = program
      for (const word of words) found = found.commands.find(child => child.name() === word) ?? found
      const options = [...found.options, ...program.options].map(option => option.long)
      for (const word of words.filter(one => one.startsWith('--')))
        assert.ok(options.includes(word), `${line}: ${word}`)
    }
  })
}

test('help goes to stdout with exit code 0; wrong use to stderr with 2', async context => {
  const folder = makeFolder(remove => context.after(remove))
  const help = await runHere(folder, ['help', 'queue', 'list'])
  assert.equal(help.exitCode, 0)
  assert.match(help.stdout, /^Usage: postrider queue list/)
  assert.equal(help.stderr, '')
  const ofOneToRun = await runHere(folder, ['help', 'queue', 'cancel', '00000000001', '--all'])
  assert.match(ofOneToRun.stdout, /^Usage: postrider queue cancel/, 'help of a command never runs it')
  const version = await runHere(folder, ['--version'])
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/)
  const wrong: readonly (readonly string[])[] = [
    [],
    ['nonsense'],
    ['domain'],
    ['help', 'domain', 'nonsense'],
    ['domain', 'create'],
    ['domain', 'create', 'not a domain'],
    ['account', 'create', 'anna'],
    ['account', 'list', '--nonsense'],
    ['account', 'change', 'anna@example.test'],
    ['queue', 'show', 'tooshort'],
    ['queue', 'cancel'],
    ['trace'],
    ['send', '--from', 'a@example.test'],
    ['init'],
    ['init', '--domain', 'example.test', '--hostname', 'mail', '--account', 'anna'],
  ]
  for (const parameters of wrong) {
    const ran = await runHere(folder, parameters)
    assert.equal(ran.exitCode, 2, `postrider ${parameters.join(' ')}: ${ran.stderr}`)
    assert.equal(ran.stdout, '')
    assert.doesNotMatch(ran.stderr, /\n {4}at /)
  }
})

test('wrong use says what is right, and which help goes on', async context => {
  const folder = makeFolder(remove => context.after(remove))
  const said = async (...parameters: string[]): Promise<string> => {
    const ran = await runHere(folder, parameters)
    assert.equal(ran.exitCode, 2)
    return ran.stderr
  }
  assert.match(
    await said('domian'),
    /unknown command 'domian'\n\(Did you mean domain\?\)\n.*"postrider help" shows/s,
  )
  assert.match(await said('domain', 'nonsense'), /\n"postrider help domain" shows the commands\.\n$/)
  assert.match(await said('trace', '--nonsense'), /\n"postrider help trace" explains it\.\n$/)
  const json = JSON.parse(await said('nonsense', '--json')) as { error: { message: string } }
  assert.match(json.error.message, /unknown command 'nonsense'\n"postrider help" shows the commands/)
  for (const id of ['tooshort', '1CCD5D74AAU'])
    assert.match(
      await said('trace', id),
      /11 digits and letters, none of them a U, and looks like 1CCD5D74AAE/,
    )
  assert.match(
    await said('trace', 'anna@example.test', '--limit', '0'),
    /^"0" will not do for --limit\. It has to be a whole number from 1/,
  )
  assert.match(await said('queue', 'list', '--limit', '0'), /whole number from 1/)
  assert.equal(
    await said('account', 'create', 'anna'),
    '"anna" will not do for <address>. It has to be a mail address: anna@example.test\n"postrider help account create" explains it.\n',
  )
  assert.match(
    await said('account', 'change', 'anna@example.test', '--language', 'de'),
    /^"de" will not do for --language\. Allowed choices are en, ru\.\n/,
  )
  assert.match(
    await said('alias', 'create', 'example.test', 'anna@example.test'),
    /^"example\.test" will not do for <address>\. It is a domain\. A catch-all, .* is written @example\.test\n/,
  )
  assert.match(
    await said('alias', 'create', 'info', 'anna@example.test'),
    /^"info" will not do for <address>\. It has to be a mail address/,
  )
  assert.match(await said('queue', 'list', '--limit'), /^--limit needs a value: --limit </)
  assert.match(
    await said('account', 'create', "it's\u001b[31m"),
    /^"it's\\x1b\[31m" will not do for <address>\./,
    'no control character of an argument reaches the terminal',
  )
  assert.match(
    await said('alias', 'create', 'a@example.test', 'b@example.test,c@example.test'),
    /Several are not joined with commas; each stands by itself\./,
  )
})
