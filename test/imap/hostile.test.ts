// What strangers send over a socket: no fault of ours comes of it, every answer is lines as RFC 9051 §7 has them, and whatever was
// opened is closed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Log } from '../../src/runtime/log.ts'
import { startServer } from './start-server.ts'

function faultsInto(faults: unknown[]): Log {
  return {
    isDebugEnabled: false,
    debug() {},
    info() {},
    warn() {},
    error: (text, _fields, cause) => void faults.push(cause ?? text),
  }
}

const words = [
  'a', 'b1', '*', '+', 'CAPABILITY', 'NOOP', 'LOGOUT', 'ID NIL', 'STARTTLS', 'LOGIN', 'anna@example.test', 'secret', 'AUTHENTICATE PLAIN', 'AGFubmFAZXhhbXBsZS50ZXN0AHNlY3JldA==',
  'ENABLE QRESYNC IMAP4rev2', 'NAMESPACE', 'SELECT INBOX', 'EXAMINE', 'INBOX', 'CLOSE', 'UNSELECT', 'IDLE', 'DONE', 'done', 'UID', 'FETCH 1:*', '(FLAGS BODY[])', 'STORE 1 FLAGS', '(\\Seen)', 'SEARCH', 'ALL', 'RETURN (SAVE MIN)', '$',
  'SORT (DATE) UTF-8 ALL', 'THREAD REFERENCES UTF-8 ALL', 'COPY 1', 'MOVE 1:2', 'Trash', 'EXPUNGE', 'APPEND', 'REPLACE 1', '{5}', '{5+}', '{0+}', '~{3+}', '{99999999999}', 'hello', 'CATENATE (', 'URL /INBOX/;UID=1', 'TEXT', ')', 'UTF8 (',
  'LIST "" *', 'STATUS INBOX (MESSAGES)', 'CREATE', 'NOTIFY NONE', 'GETQUOTA ""', '(', '"', '\\',
] // biome-ignore format: a list of words

const lines = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...words).map(word => `${word} `) },
      { weight: 4, arbitrary: fc.constantFrom('\r\na ', '\r\nb ', '\r\n', '\n', '\0', '\xff') },
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 40 },
  )
  .map(parts => parts.join('').replaceAll(' \r\n', '\r\n'))

void test('any bytes, logged in or not', async () => {
  const faults: unknown[] = []
  const { server, house, connect } = await startServer({ log: faultsInto(faults) }, { tempo: 'later' })
  await fc.assert(
    fc.asyncProperty(lines, fc.constantFrom('greeted', 'logged-in' as const), async (text, until) => {
      const client = await connect(until)
      client.socket.end(Buffer.from(`${text}\r\n`, 'latin1'))
      // Of a FETCH a literal may stand between its lines.
      for (const line of await client.rest())
        assert.match(line, /^(?:\* [ -~]+|\+ [ -~]*|[!-~]+ (?:OK|NO|BAD) [ -~]+|aaaaa.*)$/)
      client.destroy()
      while (server.connectionCount > 0) await new Promise(setImmediate)
      assert.equal(house.open(), 0)
      assert.deepEqual(faults, [])
    }),
    { numRuns: 300 },
  )
  await server.close()
})

void test('an APPEND that is cut at any byte: nothing of it is kept, unless all of it is there', async () => {
  const { server, house, connect } = await startServer()
  const whole =
    'a1 APPEND {5+}\r\nINBOX (\\Seen) {6+}\r\nhe\r\nlo CATENATE (URL /INBOX/;UID=1 TEXT {2+}\r\nhi)\r\n'
  for (let length = 0; length <= whole.length; length++) {
    const client = await connect()
    client.socket.end(whole.slice(0, length))
    const answers = await client.rest()
    assert.equal(answers.length, length === whole.length ? 1 : 0, `${length} bytes`)
    client.destroy()
    while (server.connectionCount > 0) await new Promise(setImmediate)
    assert.equal(house.open(), 0, `${length} bytes`)
    assert.equal(house.accepted.length, length === whole.length ? 2 : 0, `${length} bytes`)
  }
  await server.close()
})

void test('what is endless has an end, and the next command its answer', async () => {
  const { server, connect } = await startServer()
  const client = await connect()
  await client.command('a0 SELECT INBOX')
  const search = async (tag: string, keys: string): Promise<string> =>
    (await client.command(`${tag} SEARCH ${keys}`)).join('\n')
  assert.match(
    await search('a1', `${'('.repeat(10_000)}ALL${')'.repeat(10_000)}`),
    /^a1 BAD .*nested 200 deep$/,
  )
  assert.match(await search('a2', 'NOT '.repeat(10_000)), /^a2 BAD .*nested 200 deep$/)
  assert.match(await search('a3', 'ALL '.repeat(3000)), /^a3 BAD .*2000 keys$/)
  assert.match(await search('a4', 'ALL '.repeat(100_000)), /^a4 BAD \[TOOBIG\] A line may have 65536 octets$/)
  // In literals there is room for more, and an end as well.
  const literals = `${'TEXT {10+}\r\n0123456789 '.repeat(5000)}ALL`
  assert.match(await search('a5', literals), /^a5 BAD \[LIMIT\] A command may have 1000 literals$/)
  const large = `TEXT {600000+}\r\n${'x'.repeat(600_000)} TEXT {600000+}\r\n${'x'.repeat(600_000)}`
  assert.match(await search('a6', large), /^a6 BAD \[TOOBIG\] A command may have 1048576 octets/)
  assert.deepEqual(await client.command('a7 NOOP'), ['a7 OK NOOP completed'])
  client.destroy()
  await server.close()
})
