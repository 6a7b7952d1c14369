// The connection ends between COMMIT and its answer: whether the message is there is looked up, and the sender is told so;
// only when nobody can be asked is it put off with 451, and what was committed stays (docs/adr/0007).
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { createDomain, listDomains } from '../../src/directory/domains.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { eventually } from '../harness/eventually.ts'
import { startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts'
import { databasePerTest, type Node, startNode } from './node.ts'

// Synchronous, as it should be: what has been committed is there after a kill.
const own = databasePerTest([])

/** A node, and what happens to the COMMIT of the first transaction that has `subject` in it. */
async function startWith(
  t: TestContext,
  subject: string,
  commit: (proxy: TcpProxy) => { readonly passes: boolean; readonly afterwards: () => void },
): Promise<Node & { readonly happened: () => boolean }> {
  const proxy = await startTcpProxy(own.server.port)
  t.after(() => proxy.close())
  const node = await startNode(t, proxy.uri(own.uri))
  let inDoubt: number | undefined
  let happened = false
  let isCommitting = false
  proxy.fromClient = (bytes, connection) => {
    if (!happened && bytes.includes(`Subject: ${subject}`)) inDoubt = connection
    if (connection !== inDoubt || happened || !bytes.includes('COMMIT\0')) return bytes
    happened = true
    const { passes, afterwards } = commit(proxy)
    isCommitting = passes
    if (!passes) setImmediate(afterwards)
    return passes ? bytes : undefined
  }
  proxy.fromServer = (bytes, connection) => {
    if (connection !== inDoubt || !isCommitting) return bytes
    isCommitting = false
    setImmediate(commit(proxy).afterwards)
    return undefined
  }
  return { ...node, happened: () => happened }
}

for (const [size, bodyBytes] of [
  ['in its row', 100],
  ['in pieces', 200_000],
] as const) {
  describe(`a message ${size}`, () => {
    const subject = 'in doubt'

    test('it was committed: 250, once', async t => {
      const node = await startWith(t, subject, proxy => ({ passes: true, afterwards: () => proxy.reset() }))
      assert.equal((await node.send(subject, bodyBytes))?.code, 250)
      assert.ok(node.happened())
      assert.deepEqual(await node.subjects(), [subject])
      if (bodyBytes < 1000)
        assert.match(node.logged.join('\n'), /a commit that was not answered .*"outcome":"committed"/)
    })

    test('it was not: it is made again, and is there once', async t => {
      const node = await startWith(t, subject, proxy => ({ passes: false, afterwards: () => proxy.reset() }))
      assert.equal((await node.send(subject, bodyBytes))?.code, 250)
      assert.ok(node.happened())
      assert.deepEqual(await node.subjects(), [subject])
      assert.match(node.logged.join('\n'), /a commit that was not answered .*"outcome":"void"/)
    })
  })
}

test('the server is killed between the commit and its answer: what is answered with 250 is there', async t => {
  const node = await startWith(t, 'in doubt', proxy => ({
    passes: true,
    afterwards: () => {
      void own.server.kill().then(() => {
        proxy.reset()
        return own.server.startAgain()
      })
    },
  }))
  // Recovery takes its time.
  const reply = await node.send('in doubt')
  assert.ok(node.happened())
  assert.ok(reply?.code === 250 || reply?.code === 451)
  await eventually('mail is taken again', async () => (await node.send('after'))?.code === 250 || undefined)
  assert.deepEqual(new Set(await node.subjects()), new Set(['after', 'in doubt']))
})

test('nobody can be asked for longer than we wait: 451, and what was committed stays', async t => {
  const proxies: TcpProxy[] = []
  const node = await startWith(t, 'in doubt', proxy => {
    proxies.push(proxy)
    return { passes: true, afterwards: () => proxy.cut() }
  })
  assert.equal((await node.send('in doubt', 200_000))?.code, 451)
  assert.ok(node.happened())
  assert.match(
    node.logged.join('\n'),
    /The database did not answer a commit, and does not say what became of it/,
  )
  proxies[0]?.mend()
  await eventually('mail is taken again', async () => (await node.send('after'))?.code === 250 || undefined)
  const subjects = await node.subjects()
  assert.ok(subjects.includes('after') && subjects.length <= 2, subjects.join())
})

test('a transaction that was rolled back instead, since an error in it was passed over, is none', async t => {
  const node = await startNode(t, own.uri)
  const passOver = defineWrite('test.pass-over', async tx => {
    await tx.run("INSERT INTO domain (name, created_at) VALUES ('lost.example', 0)")
    await tx.run('INSERT INTO nowhere (id) VALUES (1)').catch(() => {})
  })
  const outcomes = await Promise.allSettled([
    node.storage.run(passOver, undefined),
    node.storage.run(createDomain, { name: 'kept.example', at: 0 }),
  ])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  )
  const names = (await node.storage.run(listDomains, undefined)).map(({ name }) => name)
  assert.deepEqual(names, ['example.test', 'kept.example'])
})
