// An account that is disabled: its sessions end in every front thread of a server.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { settingsSchema } from '../../src/config/schema.ts'
import { changeAccount, createAccount } from '../../src/directory/accounts.ts'
import { hashPassword } from '../../src/directory/credentials.ts'
import { createDomain } from '../../src/directory/domains.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { ImapClient } from '../harness/imap-client.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { startOwnThreads } from '../harness/start-threads.ts'

const address = parseAddress('anna@example.test') ?? assert.fail()
const bye = '* BYE Your log-in is not good any more; log in again'

async function logIn(t: TestContext, port: number): Promise<ImapClient> {
  const client = await ImapClient.open(port)
  t.after(() => client.destroy())
  await client.line()
  assert.match((await client.command('a LOGIN anna@example.test secret')).join(), /a OK/)
  return client
}

test('an account that is disabled loses its sessions in every front', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'threads-'))
  const settings = settingsSchema.parse({
    hostname: 'mail.example.test',
    listeners: [{ role: 'imap', address: '127.0.0.1', port: 0 }],
    threads: { front: 3 },
    submission: { allowPlaintextAuthOnLoopback: true },
    log: { level: 'error' },
  })
  const threads = await startOwnThreads(
    { ...settings, dataFolder: folder },
    { clock: createManualClock(), log: silentLog },
  )
  t.after(async () => {
    await threads.stop(0)
    await rm(folder, { recursive: true, force: true })
  })
  await threads.run(createDomain.name, { name: 'example.test', at: 0 })
  const passwordHash = await hashPassword('secret', systemRandom)
  const account = { address, name: '', passwordHash, language: 'en', enabled: true, at: 0 }
  await threads.run(createAccount.name, account)
  const port = threads.listeners[0]?.port ?? 0
  const clients = await Promise.all(Array.from({ length: 12 }, () => logIn(t, port)))
  await threads.run(changeAccount.name, { address, enabled: false })
  for (const client of clients) assert.deepEqual(await client.rest(), [bye])
})
