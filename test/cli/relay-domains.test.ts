// `postrider domain` for domains that are relayed, `postrider queue` of their mail, and `postrider fetch` without a server.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeServerFolder, runPostrider, succeed, succeedJson } from './run-postrider.ts'

test('a domain of another server is relayed, changed, listed and removed', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  const run = (...parameters: string[]): Promise<string> => succeed(folder, ...parameters)
  await run('domain', 'create', 'example.test')
  await run('account', 'create', 'customer@example.test')
  assert.equal(
    await run('domain', 'create', 'home.test', '--relay'),
    'Mail for home.test is kept here until the mail hosts that the DNS names before this server take it.\n',
  )
  assert.match(
    await run('domain', 'relay', 'home.test', '--keep-until-fetched'),
    /^Mail for home\.test is kept here until its own server fetches it\.\nNobody can fetch it yet: .* --owner <account>\n$/,
  )
  assert.equal(
    await run('domain', 'relay', 'home.test', '--owner', 'customer@example.test', '--etrn', 'anyone'),
    'Mail for home.test is kept here until its own server fetches it.\n' +
      'Its server logs in as customer@example.test (ATRN, TURN, ETRN).\n' +
      'Whoever connects may ask for attempts (ETRN).\n',
  )
  assert.match(
    await run('domain', 'list'),
    /home\.test +kept until fetched +- +- +- +fetched by customer@example\.test/,
  )
  const listed = (await succeedJson(folder, 'domain', 'list')) as { name: string; relay?: unknown }[]
  assert.deepEqual(listed.find(({ name }) => name === 'home.test')?.relay, {
    keepsUntilFetched: true,
    etrn: 'anyone',
    owner: 'customer@example.test',
  })
  assert.match(
    await run('domain', 'relay', 'home.test', '--no-owner', '--deliver'),
    /take it\.\nWhoever connects/,
  )
  assert.match(await run('domain', 'relay', 'home.test'), /take it\.\nWhoever connects/)
  assert.equal(
    await run('domain', 'remove', 'home.test'),
    'Mail for home.test is relayed no longer. What waits goes where the DNS says.\n',
  )
})

test('what makes no sense of a domain that is relayed is refused, with what to do', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  const refused = async (...parameters: string[]): Promise<string> => {
    const { exitCode, stderr } = await runPostrider(folder, parameters)
    assert.notEqual(exitCode, 0)
    return stderr
  }
  assert.match(await refused('domain', 'create', 'home.test', '--keep-until-fetched'), /add --relay/)
  assert.match(
    await refused('domain', 'create', 'home.test', '--relay', '--postmaster', 'a@example.test'),
    /leave --postmaster out/,
  )
  assert.match(
    await refused('domain', 'create', 'home.test', '--relay', '--owner', 'a@example.test'),
    /There is no account a@example\.test/,
  )
  assert.match(
    await refused('domain', 'relay', 'home.test'),
    /postrider domain create home\.test --relay" makes it one/,
  )
  assert.match(
    await refused('domain', 'relay', 'home.test', '--deliver', '--keep-until-fetched'),
    /either --keep-until-fetched or --deliver/,
  )
  assert.match(await refused('fetch'), /The settings have no \[\[fetch\]\]/)
})
