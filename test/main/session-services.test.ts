// What the sessions of this server ask for, where it is more than handing on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingsSchema } from '../../src/config/schema.ts'
import { createAccount } from '../../src/directory/accounts.ts'
import { hashPassword } from '../../src/directory/credentials.ts'
import { createSessionServices } from '../../src/main/session-services.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import type { Client } from '../../src/smtp/server/services.ts'
import { addDomain, address, openTestStorage } from '../directory/open-directory.ts'
import { createManualClock } from '../harness/manual-clock.ts'

test('ten wrong passwords from a network: the right one is answered as a wrong one for a quarter of an hour', async context => {
  const storage = await openTestStorage(context)
  await addDomain(storage, 'example.test')
  await storage.run(createAccount, {
    address: address('anna@example.test'),
    name: '',
    passwordHash: await hashPassword('secret', systemRandom),
    language: 'en',
    enabled: true,
    at: 0,
  })
  const clock = createManualClock()
  const services = createSessionServices({
    settings: { ...settingsSchema.parse({ hostname: 'mail.example.test' }), dataFolder: '' },
    storage,
    intake: { open: () => assert.fail('no message is expected') },
    terminals: { isOpen: () => false },
    clock,
    appendTrail: () => {},
  })
  const logIn = async (remoteAddress: string, password: string): Promise<boolean> => {
    const client: Client = {
      sessionId: '1',
      role: 'submission',
      remoteAddress,
      remotePort: 1,
      localAddress: '192.0.2.1',
      localPort: 587,
      connectedAt: 0,
      extended: true,
      local: false,
    }
    return (await services.authenticate?.(client, 'anna@example.test', password)) !== undefined
  }
  for (let n = 0; n < 9; n++) assert.equal(await logIn('198.51.100.7', 'guess'), false)
  assert.equal(await logIn('198.51.100.7', 'secret'), true)
  for (let n = 0; n < 10; n++) assert.equal(await logIn('198.51.100.8', 'guess'), false)
  assert.equal(await logIn('198.51.100.9', 'secret'), false)
  assert.equal(await logIn('203.0.113.1', 'secret'), true)
  clock.advance(15 * 60_000)
  assert.equal(await logIn('198.51.100.9', 'secret'), true)
})
