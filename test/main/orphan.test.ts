// A server that npm started through a shell: when those end, it does too, and leaves nothing listening behind.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { command, createServerFolder } from '../harness/server-process.ts'

test('it stops when the shell that npm put before it has been ended', { timeout: 60_000 }, async context => {
  const server = await createServerFolder()
  context.after(() => server.remove())
  // The second command keeps the shell from becoming the first.
  const shell = spawn(
    '/bin/sh',
    ['-c', `'${process.execPath}' '${command}' serve --settings '${server.settingsFile}'; true`],
    {
      env: {
        ...process.env,
        npm_command: 'start',
        npm_lifecycle_script: 'node bin/postrider.js serve --try',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    },
  )
  const { pid } = shell
  assert.ok(pid !== undefined)
  context.after(() => {
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // ESRCH: all of them are gone, as they should be.
    }
  })
  let log = ''
  const isListening = Promise.withResolvers<void>()
  shell.stderr.setEncoding('utf8').on('data', (piece: string) => {
    log += piece
    if (log.includes('"listening"')) isListening.resolve()
  })
  // The pipe ends when the server has ended, which alone holds it then.
  const hasEnded = once(shell.stderr, 'end')
  await isListening.promise
  process.kill(pid, 'SIGTERM')
  await hasEnded
  assert.match(log, /"npm, which started the server, has ended".*"stopped"/s)
})
