// /health and /ready as a load balancer asks for them, and as a stranger who means no good.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startHealthServer } from '../../src/health/health-server.ts'
import type { Health } from '../../src/health/server-health.ts'

async function start(t: TestContext, health: Health): Promise<number> {
  const server = await startHealthServer({ address: '127.0.0.1', port: 0 }, () => Promise.resolve(health))
  t.after(() => server.close())
  return server.bound.port
}

/** Writes bytes, and reads until the server closes. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  // What was written after the server had had enough may be answered with a reset.
  socket.on('error', () => {})
  socket.write(bytes)
  await once(socket, 'close')
  return text
}

const sound: Health = { lifeless: [], unready: [], remarks: [] }
const troubled: Health = {
  lifeless: [],
  unready: [{ part: 'storage', what: 'STORAGE_UNAVAILABLE', detail: 'PostgreSQL at db1.example.test' }],
  remarks: [],
}

test('200 when all is well', async t => {
  const port = await start(t, sound)
  for (const [path, text] of [
    ['/health', 'alive\n'],
    ['/ready', 'ready\n'],
    ['/ready?from=balancer', 'ready\n'],
  ]) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    assert.equal(response.status, 200)
    assert.equal(await response.text(), text)
  }
})

test('200 with what somebody should look at', async t => {
  const remark = '1 alert is open: "postrider alerts" says what to do'
  const port = await start(t, { ...sound, remarks: [remark] })
  for (const [path, state] of [
    ['/health', 'alive'],
    ['/ready', 'ready'],
  ]) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    assert.equal(response.status, 200)
    assert.equal(await response.text(), `${state}\n${remark}\n`)
  }
})

test('503 with the reason, and no more than that', async t => {
  const port = await start(t, troubled)
  const response = await fetch(`http://127.0.0.1:${port}/ready`)
  assert.equal(response.status, 503)
  assert.equal(await response.text(), 'not ready\nstorage: STORAGE_UNAVAILABLE\n')
  assert.equal((await fetch(`http://127.0.0.1:${port}/health`)).status, 200)
})

test('HEAD, as balancers ask, and HTTP/1.0', async t => {
  const port = await start(t, sound)
  const head = await exchange(port, 'HEAD /ready HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.match(head, /^HTTP\/1\.1 200 /)
  assert.ok(head.endsWith('\r\n\r\n'), head)
  assert.match(await exchange(port, 'GET /ready HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 [^]*\r\n\r\nready\n$/)
})

test('anything else is answered and the connection closed', async t => {
  const port = await start(t, sound)
  assert.match(await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), /^HTTP\/1\.1 404 /)
  assert.match(
    await exchange(port, 'POST /ready HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx'),
    /^HTTP\/1\.1 405 [^]*\r\nAllow: GET, HEAD\r\n/,
  )
  assert.match(
    await exchange(port, `GET /ready HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431 /,
  )
  assert.match(await exchange(port, 'EHLO client.example.net\r\n'), /^HTTP\/1\.1 400 /)
  // Two requests on one connection: the second is not answered.
  const twice = await exchange(port, 'GET /ready HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2))
  assert.equal(twice.match(/HTTP\/1\.1 200/g)?.length, 1)
})
