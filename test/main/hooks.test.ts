// The hook file of a server as an administrator runs it: in every front, and what it prints in the log.
import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { openConnection } from '../harness/raw-connection.ts'
import { createServerFolder, startServer } from '../harness/server-process.ts'

const greetingOf = (text: string): string =>
  `import { reject, type HelloHook } from 'postrider/hooks'
console.log('these are the hooks')
export const hello: HelloHook = ({ heloName }) =>
  heloName === 'loop.test' ? loop() : reject(550, '${text}')
function loop(): never { for (;;); }
`

test('a server runs its hook file in each front, loads it anew, and outlives a loop in it', async t => {
  const at = await createServerFolder({
    settings: '[hooks]\nfile = "hooks.ts"\ntimeoutSeconds = 3\n[threads]\nfront = 2',
  })
  t.after(() => at.remove())
  const file = join(at.folder, 'hooks.ts')
  // A file that has gone keeps neither commands nor mail waiting.
  await at.postrider('domain', 'create', 'example.test')
  const server = await startServer(at)
  const answer = async (name = 'client.test'): Promise<string> => {
    const connection = await openConnection(server.port('relay'))
    await connection.reply()
    const reply = await connection.command(`EHLO ${name}`)
    connection.destroy()
    return `${reply?.code} ${reply?.lines[0] ?? ''}`
  }
  // Answers alone may all be of one front, and a front that still changes its thread ends the one before without a word.
  const inBothFronts = async (text: string, versions: number): Promise<void> => {
    const timesLogged = (what: RegExp): number => server.output().match(what)?.length ?? 0
    await eventually(
      `${text} in both fronts`,
      async () =>
        (timesLogged(/the hook file is loaded/g) === 2 * versions &&
          timesLogged(/these are the hooks/g) === 2 * versions) ||
        undefined,
    )
    const answers = await Promise.all(Array.from({ length: 8 }, () => answer()))
    assert.deepEqual(new Set(answers), new Set([`550 5.7.1 ${text}`]))
  }
  try {
    assert.match(await answer(), /^250 /)
    assert.match(server.output(), /the hook file cannot be used/)
    await writeFile(`${file}~`, greetingOf('First'))
    await rename(`${file}~`, file)
    await inBothFronts('First', 1)
    await writeFile(`${file}~`, greetingOf('Second'))
    await rename(`${file}~`, file)
    await inBothFronts('Second', 2)
    // Without its verdict.
    assert.match(await answer('loop.test'), /^250 /)
    await eventually(
      'the thread started anew',
      async () => /ended, and is started anew/.test(server.output()) || undefined,
    )
    await eventually('its answers', async () => (await answer()) === '550 5.7.1 Second' || undefined)
    assert.equal(await server.stop(), 0)
  } finally {
    await server.kill()
  }
})
