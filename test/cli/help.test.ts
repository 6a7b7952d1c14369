import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import type { Command } from 'commander'
import type { Surroundings } from '../../src/cli/invocation.ts'
import { createProgram } from '../../src/cli/program.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { makeFolder, runHere } from './run-postrider.ts'

function openProgram(): Command {
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
  return createProgram({ surroundings })
}

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
  const names = descendants(openProgram()).map(command => pathOf(command).join(' '))
  const promised =
    'serve,init,check,domain,account,alias,group,export,apply,queue,queue list,queue show,queue retry,queue hold,' +
    'queue release,queue cancel,mail,mail list,mail read,trace,send,terminal,verify'
  assert.deepEqual(
    promised.split(',').filter(name => !names.includes(name)),
    [],
  )
})

for (const command of descendants(openProgram())) {
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
      let found: Command = openProgram()
      for (const word of words) found = found.commands.find(child => child.name() === word) ?? found
      const options = [...found.options, ...openProgram().options].map(option => option.long)
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
