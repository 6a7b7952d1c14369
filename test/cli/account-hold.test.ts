// The mail of an account, held and let go by hand.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { acceptMessage } from '../../src/queue/accept-message.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { openMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import { addAccount, addDomain } from '../directory/open-directory.ts'
import { makeServerFolder, runHere, succeed, succeedJson } from './run-postrider.ts'

const anna = 'anna@example.test'
const boris = 'boris@example.test'
const address = (text: string) => parseAddress(text) ?? assert.fail(text)

/** Each account has sent a message to one recipient, anna by an alias; no server runs. */
async function makeServer(t: TestContext): Promise<string> {
  const folder = makeServerFolder(remove => t.after(remove))
  const mailFolder = join(folder, 'mail-data')
  const storage = await openLocalStorage(mailFolder)
  await addDomain(storage, 'example.test')
  const mailData = createMailDataStore(openMailDataFiles(mailFolder, systemRandom), storage)
  const acceptedAt = Date.now()
  for (const [index, [account, from]] of [
    [anna, 'sales@example.test'],
    [boris, boris],
  ].entries()) {
    const writer = mailData.create()
    await writer.write(Buffer.from('Subject: Test\r\n\r\nText\r\n'))
    const stored = await writer.finish()
    await storage.run(acceptMessage, {
      message: {
        id: 4096 + index,
        reversePath: address(from ?? ''),
        size: stored.size,
        body: '7BIT',
        smtpUtf8: false,
        disposition: 'mail',
        acceptedAt,
        expiresAt: acceptedAt + 3_600_000,
        language: 'en',
        isReport: false,
        accountId: await addAccount(storage, account ?? ''),
      },
      mailData: stored,
      recipients: [{ forwardPath: address('someone@example.org') }],
      held: false,
    })
  }
  await storage.close()
  return folder
}

interface Queued {
  readonly recipients: readonly { readonly state: string }[]
}

async function states(folder: string, account: string): Promise<string[]> {
  const messages = (await succeedJson(folder, 'queue', 'list', '--account', account)) as readonly Queued[]
  return messages.flatMap(({ recipients }) => recipients.map(({ state }) => state))
}

test('the mail of an account is held, whatever its sender address, and that of others is not', async t => {
  const folder = await makeServer(t)
  assert.equal(
    await succeed(folder, 'account', 'hold', anna, '--reason', 'asked her'),
    `The mail of ${anna} is on hold (1 recipient in the queue). "postrider queue list --account ${anna}" shows it; "postrider account release ${anna}" lets it go.\n`,
  )
  assert.deepEqual(await states(folder, anna), ['held'])
  assert.deepEqual(await states(folder, boris), ['due'])
  assert.match(await succeed(folder, 'account', 'list'), /anna@example\.test .* enabled, its mail on hold/)
  assert.match(await succeed(folder, 'account', 'hold', anna), /was already on hold \(0 recipients/)
  const [shown] = (await succeedJson(folder, 'account', 'list')) as readonly {
    readonly onHold: { readonly reason: string } | null
  }[]
  assert.equal(shown?.onHold?.reason, 'asked her')

  assert.equal(
    await succeed(folder, 'account', 'release', anna),
    `The mail of ${anna} goes again (1 recipient released).\n`,
  )
  assert.deepEqual(await states(folder, anna), ['due'])
  assert.equal(
    await succeed(folder, 'account', 'release', anna),
    `${anna} was not on hold (0 recipients released).\n`,
  )
  const unknown = await runHere(folder, ['account', 'hold', 'nobody@example.test'])
  assert.notEqual(unknown.exitCode, 0)
  assert.match(unknown.stderr, /There is no account nobody@example\.test/)
})
