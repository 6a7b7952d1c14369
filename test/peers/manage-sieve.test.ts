// A client of ManageSieve that we did not write (sieve-connect) puts a script on the server, over STARTTLS.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { missing, runProgram } from '../harness/programs.ts'
import { openHouse } from '../manage-sieve/house.ts'

const script = 'require "fileinto";\n# счёт\nfileinto "Счета";\n'

test('sieve-connect', { skip: missing('sieve-connect') }, async () => {
  const house = await openHouse({ allowPlaintext: false })
  const folder = await mkdtemp(join(tmpdir(), 'postrider-sieve-'))
  const scriptFile = join(folder, 'mine.sieve')
  const wrongFile = join(folder, 'wrong.sieve')
  const backFile = join(folder, 'back.sieve')
  await writeFile(scriptFile, script)
  await writeFile(wrongFile, 'kepe;\n')
  const connect = async (...args: readonly string[]): Promise<string> => {
    const account = ['--server', '127.0.0.1', '--port', String(house.port), '--user', 'anna@example.test']
    const whole = ['sieve-connect', ...account, '--passwordfd', '0', '--notlsverify', ...args] as const
    const { stdout, stderr } = await runProgram(whole, {
      input: 'secret\n',
    })
    return stdout + stderr
  }
  try {
    await connect('--localsieve', scriptFile, '--remotesieve', 'mine', '--upload')
    assert.equal(house.scripts.get('anna@example.test mine'), script)
    await connect('--remotesieve', 'mine', '--activate')
    assert.equal(house.active.get('anna@example.test'), 'mine')
    assert.match(await connect('--list'), /"mine" ACTIVE/)
    await connect('--remotesieve', 'mine', '--localsieve', backFile, '--download')
    assert.equal((await readFile(backFile, 'utf8')).replaceAll('\r\n', '\n').trim(), script.trim())
    assert.match(
      await connect('--localsieve', wrongFile, '--remotesieve', 'wrong', '--upload'),
      /line 1, column 1: There is no command kepe\. Did you mean keep\?/,
    )
    assert.match(await connect('--remotesieve', 'mine', '--delete'), /The script is active/)
    await connect('--deactivate')
    await connect('--remotesieve', 'mine', '--delete')
    assert.deepEqual([...house.scripts], [])
    assert.deepEqual(house.faults, [])
  } finally {
    await house.close()
    await rm(folder, { recursive: true })
  }
})
