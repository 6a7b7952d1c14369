// npm run imap-test -- <program> <folder> [--stress <seconds>]: Dovecot's imaptest against a server of its own. `program` is built
// elsewhere, `folder` has its scripts; with --stress 50 clients do as they like to one account after that. Exit code 1 when it finds
// anything.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createAccount } from '../test/harness/mailboxes.ts'
import { createServerFolder, startServer } from '../test/harness/server-process.ts'

const { values, positionals } = parseArgs({
  options: { stress: { type: 'string', default: '0' } },
  allowPositionals: true,
})
const [program, scripts] = positionals
if (program === undefined || scripts === undefined) {
  process.stderr.write(
    'Name the program imaptest and the folder of its scripts: npm run imap-test -- <program> <folder>\n',
  )
  process.exit(2)
}
const stressSeconds = Number(values.stress)
const clients = 50
const user = 'anna@example.test'
const password = 'a password of some length'

const at = await createServerFolder({
  listeners: [{ role: 'imap', address: '127.0.0.1', port: 0 }],
  tables: '[submission]\nallowPlaintextAuthOnLoopback = true',
})
await createAccount(at, user, password)
const server = await startServer(at)

/** Its complaints. */
async function run(...parameters: readonly string[]): Promise<number> {
  const where = ['host=127.0.0.1', `port=${server.port('imap')}`, `user=${user}`, `pass=${password}`]
  const child = spawn(program ?? '', [...where, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1')
      process.stdout.write(bytes)
    })
  const [code] = (await once(child, 'close')) as [number | null]
  const found = text.match(/^(?:Error|BUG|\*\*\* Test )/gm)?.length ?? 0
  return found + (code === 0 ? 0 : 1)
}

try {
  let complaints = await run(`test=${scripts}`)
  if (stressSeconds > 0)
    complaints += await run(
      `mbox=${join(scripts, 'default.mbox')}`,
      `clients=${clients}`,
      `secs=${stressSeconds}`,
    )
  process.stdout.write(`\n${complaints === 0 ? 'Nothing was found.' : `${complaints} complaints.`}\n`)
  process.exitCode = complaints > 0 ? 1 : 0
} finally {
  await server.stop()
  await at.remove()
}
