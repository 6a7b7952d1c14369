import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockOrConnect } from '../../src/main/lock-or-connect.ts'
import { lockDataFolder } from '../../src/storage/data-folder.ts'

test('who finds the folder locked by a command waits for its end', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const command = lockDataFolder(folder)
  assert.throws(() => lockDataFolder(folder), { code: 'STORAGE_LOCKED' })
  const waiting = lockOrConnect(folder)
  command.release()
  const found = await waiting
  assert.equal(found.kind, 'locked')
  if (found.kind === 'locked') found.lock.release()
})
