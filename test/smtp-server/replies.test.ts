// The catalogue of replies: each entry fits RFC 5321 §4.2, RFC 2034 and RFC 3463.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { replies, replyEntries } from '../../src/smtp/replies.ts'
import { formatReply } from '../../src/smtp/reply.ts'

const root = join(import.meta.dirname, '..', '..')

void test('every entry is in the catalogue under its name, and the other way round', () => {
  assert.deepEqual(
    [...new Set(replyEntries.map(({ name }) => name))].toSorted(),
    Object.keys(replies).toSorted(),
  )
})

void test('every reply of the catalogue is given somewhere', () => {
  const sources = globSync('src/**/*.ts', { cwd: root }).map(file => readFileSync(join(root, file), 'utf8'))
  const given = new Set(
    sources.flatMap(text => [...text.matchAll(/\breplies\.(\w+)/g)].map(([, name]) => name)),
  )
  assert.deepEqual(
    Object.keys(replies).filter(name => !given.has(name)),
    [],
  )
})

/** A reply as a value, or as the text that goes out. */
const composedReply = /\bcode: [^,}\n]*\b[2-5]\d\d\b|['"`][2-5]\d\d[ -]/
const comment = /\/\*.*?\*\/|^\s*\/\/.*$/gms

void test('no reply stands outside the catalogue', () => {
  for (const written of [
    '{ code: 550, lines: [text] }',
    'code: isFull ? 452 : 550',
    'write(`421 ${hostname}`)',
  ])
    assert.match(written, composedReply)
  const catalogue = join('src', 'smtp', 'replies.ts')
  const files = globSync('src/**/*.ts', { cwd: root }).filter(file => file !== catalogue)
  assert.ok(files.length > 100)
  for (const file of files)
    assert.doesNotMatch(readFileSync(join(root, file), 'utf8').replaceAll(comment, ''), composedReply, file)
})

for (const { name, reply, meaning } of replyEntries) {
  void test(`${name}: "${reply.lines[0]}": codes that agree, plain text, a meaning`, () => {
    assert.ok(Object.isFrozen(reply) && Object.isFrozen(reply.lines))
    for (const line of formatReply(reply).split(/(?<=\r\n)/)) {
      assert.match(line, /^[2-5]\d\d[ -][ -~]*\r\n$/)
      assert.ok(line.length <= 512)
    }
    if (reply.enhanced !== undefined) assert.equal(reply.enhanced[0], String(reply.code)[0])
    assert.ok(meaning.length > 10)
  })
}

// RFC 5321 §4.2.2, §4.2.3: "421 <domain> Service not available".
void test('every 421 says whose it is', () => {
  const leaving = replyEntries.filter(({ reply }) => reply.code === 421)
  assert.ok(leaving.length >= 9)
  for (const { name, reply } of leaving) assert.match(reply.lines[0] ?? '', /^mail\.example\.test /, name)
})

void test('what a peer or a service wrote cannot start a line of its own', () => {
  assert.equal(formatReply({ code: 250, lines: ['a\r\n250 b', 'c\0d'] }), '250-a??250 b\r\n250 c?d\r\n')
  assert.equal(
    formatReply(replies.unknownCommand('X\r\n250 Ok')),
    '500 5.5.1 No such command: X??250 Ok. HELP lists the commands\r\n',
  )
})
