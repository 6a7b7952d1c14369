// When storage fails, the peer is told to come again and nothing is kept: on SQLite; test/postgres has what PostgreSQL does.
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { defineWrite, type Operation } from '../../src/storage/operation.ts'
import { databaseFileName } from '../../src/storage/sqlite-connection.ts'
import { missing, runProgram } from '../harness/programs.ts'
import { inPieces, openIntake } from './open-intake.ts'

const smallText = 'Subject: small\r\n\r\nText\r\n'
const largeText = `Subject: large\r\n\r\n${'x'.repeat(400_000)}\r\n`

/** On the writer's own connection. */
function setPragma(pragma: string): Operation<undefined, void> {
  return defineWrite('test.pragma', async tx => {
    await tx.get(`PRAGMA ${pragma}`)
  })
}

for (const [kind, text] of [
  ['a message in its row', `Subject: x\r\n\r\n${'x'.repeat(1000)}\r\n`],
  ['a message in a file', largeText],
] as const) {
  test(`no room in the database, ${kind}: 452, and nothing of it stays`, async t => {
    const intake = await openIntake(t)
    await intake.storage.run(setPragma('max_page_count = 1'), undefined)
    let accepted = 0
    let reply = await intake.receive(text)
    while (reply.code === 250 && accepted < 1000) {
      accepted++
      reply = await intake.receive(text)
    }
    assert.deepEqual([reply.code, reply.enhanced], [452, '4.3.1'])
    assert.deepEqual(intake.logged, ['error: a message was refused for now: no space left'])
    assert.equal(await intake.messages(), accepted)
    assert.equal((await intake.mailDataFiles()).length, text === largeText ? accepted : 0)
    // Room again: nothing else is needed.
    await intake.storage.run(setPragma('max_page_count = 4294967294'), undefined)
    assert.equal((await intake.receive(text)).code, 250)
  })
}

test('no room for the file: 452, and no piece of it stays', { skip: missing('mount', 'umount') }, async t => {
  const intake = await openIntake(t)
  const folder = join(intake.folder, 'mail')
  const { exitCode } = await runProgram(['mount', '-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', folder])
  if (exitCode !== 0) return t.skip('needs the right to mount a tmpfs (root)')
  try {
    const reply = await intake.receive(inPieces(largeText, 65_536))
    assert.deepEqual([reply.code, reply.enhanced], [452, '4.3.1'])
    assert.deepEqual(await intake.mailDataFiles(), [])
    assert.equal(await intake.messages(), 0)
    assert.deepEqual(intake.logged, ['error: a message was refused for now: no space left'])
    // What is small needs no file.
    assert.equal((await intake.receive(smallText)).code, 250)
  } finally {
    await runProgram(['umount', folder])
  }
})

test('no folder for the file: 451; small messages go on', async t => {
  const intake = await openIntake(t)
  const folder = join(intake.folder, 'mail')
  rmSync(folder, { recursive: true })
  writeFileSync(folder, 'not a folder')
  const reply = await intake.receive(inPieces(largeText, 65_536))
  assert.deepEqual([reply.code, reply.enhanced], [451, '4.3.0'])
  assert.deepEqual(intake.logged, ['error: a message was refused for now'])
  const ofWhom = { session: 'session-1', peer: '192.0.2.7', sender: 'sender@example.net', recipients: 1 }
  assert.partialDeepStrictEqual(intake.loggedFields, [ofWhom])
  assert.equal(await intake.messages(), 0)
  assert.equal((await intake.receive(smallText)).code, 250)
  rmSync(folder)
  mkdirSync(folder)
  assert.equal((await intake.receive(inPieces(largeText, 65_536))).code, 250)
})

for (const [kind, text] of [
  ['a message in its row', smallText],
  ['a message in a file', largeText],
] as const) {
  test(`a database that another program keeps busy, ${kind}: 451, and 250 when it is free`, async t => {
    const intake = await openIntake(t)
    await intake.storage.run(setPragma('busy_timeout = 0'), undefined)
    const other = new DatabaseSync(join(intake.folder, databaseFileName))
    other.exec('BEGIN IMMEDIATE')
    try {
      const reply = await intake.receive(text)
      assert.deepEqual([reply.code, reply.enhanced], [451, '4.3.0'])
      // Nothing internal is told to the peer.
      assert.deepEqual(reply.lines, ['A problem of ours; please try again later'])
    } finally {
      other.exec('ROLLBACK')
      other.close()
    }
    assert.deepEqual(await intake.mailDataFiles(), [])
    assert.equal(await intake.messages(), 0)
    assert.equal((await intake.receive(text)).code, 250)
  })
}
