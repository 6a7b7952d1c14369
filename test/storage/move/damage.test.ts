// Damage in the source: each message is named, nothing is lost without a word, and whoever moves decides.
import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it, type TestContext } from 'node:test'
import { formatQueueId } from '../../../src/queue/queue-id.ts'
import { openLocalStorage } from '../../../src/storage/local-storage.ts'
import { mailDataFile } from '../../../src/storage/mail-data-files.ts'
import { databaseFileName } from '../../../src/storage/sqlite-connection.ts'
import { exportDatabase, exportFolder } from '../../harness/export-storage.ts'
import { move } from '../../harness/moves.ts'
import { type PostgresServer, startPostgres } from '../../harness/postgres-server.ts'
import { createServerFolder } from '../../harness/server-process.ts'
import { makeFolder } from '../notes.ts'
import { makeStock } from './make-stock.ts'

interface DamagedFolder {
  readonly folder: string
  readonly missing: string
  readonly cut: string
  /** The ids of mail data: of the file that is missing, the one that was cut, the row that was changed. */
  readonly ids: readonly number[]
  readonly restoreFiles: () => void
}

async function makeDamagedFolder(t: TestContext): Promise<DamagedFolder> {
  const folder = await makeStock(t)
  const [missing = '', cut = ''] = globSync('*/*.eml', { cwd: join(folder, 'mail') }).toSorted()
  const backup = makeFolder(t)
  for (const [index, name] of [missing, cut].entries())
    copyFileSync(mailDataFile(folder, name), join(backup, String(index)))
  rmSync(mailDataFile(folder, missing))
  truncateSync(mailDataFile(folder, cut), statSync(mailDataFile(folder, cut)).size - 1)
  const database = new DatabaseSync(join(folder, databaseFileName))
  const idOf = (sql: string, ...values: string[]): number =>
    Number(database.prepare(sql).get(...values)?.['id'])
  const ids = [
    ...[missing, cut].map(name => idOf('SELECT id FROM mail_data WHERE file_name = ?', name)),
    idOf('SELECT max(id) AS id FROM mail_data WHERE bytes IS NOT NULL'),
  ]
  database.exec(`UPDATE mail_data SET bytes = CAST(bytes || x'00' AS BLOB) WHERE id = ${ids[2]}`)
  database.close()
  return {
    folder,
    missing,
    cut,
    ids,
    restoreFiles: () => {
      for (const [index, name] of [missing, cut].entries())
        copyFileSync(join(backup, String(index)), mailDataFile(folder, name))
    },
  }
}

describe('damage in the source', { timeout: 200_000 }, () => {
  let database: PostgresServer
  before(async () => {
    database = await startPostgres({ settings: ['fsync = off'] })
  })
  after(() => database.stop())

  it('is told message by message; the move waits, and takes what has been restored meanwhile', async t => {
    const { folder, missing, cut, ids, restoreFiles } = await makeDamagedFolder(t)
    const uri = await database.createDatabase('waits')
    const at = await createServerFolder({ dataFolder: folder })
    t.after(() => at.remove())
    const waiting = await at.tryPostrider('migrate', uri)
    assert.equal(waiting.exitCode, 1)
    const [first = 0, second = 0, third = 0] = ids
    for (const line of [
      `Damaged: ${formatQueueId(first)}: The file mail/${missing} is not there.`,
      `Damaged: ${formatQueueId(second)}: mail/${cut} differs from its checksum.`,
      `Damaged: ${formatQueueId(third)}: Mail data ${third} differs from its checksum.`,
    ])
      assert.ok(waiting.stdout.includes(line), waiting.stdout)
    assert.match(waiting.stdout, /3 messages damaged .* The move is not finished\..*--with-damage/s)
    restoreFiles()
    const again = await move(folder, uri)
    assert.deepEqual([again.finished, again.mailData.damaged.map(({ id }) => id)], [false, [third]])
    const accepted = await move(folder, uri, { withDamage: true })
    assert.equal(accepted.finished, true)
    assert.deepEqual(await exportDatabase(uri), await exportFolder(folder))
  })

  it('is the same in a target that was finished with it, and verify finds it there', async t => {
    const { folder, missing, cut } = await makeDamagedFolder(t)
    const [uri, to] = [await database.createDatabase('with_damage'), makeFolder(t)]
    assert.equal((await move(folder, uri, { withDamage: true })).finished, true)
    assert.equal((await move(uri, to)).finished, false)
    assert.equal((await move(uri, to, { withDamage: true })).mailData.damaged.length, 3)
    assert.ok(!existsSync(mailDataFile(to, missing)))
    assert.equal(statSync(mailDataFile(to, cut)).size, statSync(mailDataFile(folder, cut)).size)
    const at = await createServerFolder({ dataFolder: to })
    t.after(() => at.remove())
    const { stdout } = await at.tryPostrider('verify', '--json')
    assert.equal((JSON.parse(stdout) as { damaged: number }).damaged, 3)
    // Whatever is put in the place of what is missing, the rest is the same byte by byte.
    for (const file of [folder, to].map(place => mailDataFile(place, missing))) {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, '')
    }
    assert.deepEqual(await exportFolder(to), await exportFolder(folder))
  })

  it('of the database itself ends the move', async t => {
    const folder = await makeStock(t)
    const file = join(folder, databaseFileName)
    const pages = Math.floor(statSync(file).size / 8192)
    writeFileSync(file, Buffer.alloc(8192 * (pages - 20), 0x58), { flag: 'r+' })
    const to = makeFolder(t)
    await assert.rejects(move(folder, to), { code: 'STORAGE_DAMAGED', message: /is damaged .* verify/ })
    await assert.rejects(openLocalStorage(folder), { code: 'STORAGE_DAMAGED' })
  })

  it('that another engine does not take is told with its rows', async t => {
    const folder = await makeStock(t)
    const source = new DatabaseSync(join(folder, databaseFileName))
    source.exec("UPDATE account SET name = 'A' || char(0) || 'B' WHERE id = 2")
    source.close()
    const uri = await database.createDatabase('no_nul')
    await assert.rejects(move(folder, uri), {
      code: 'STORAGE_DAMAGED',
      message: /does not take the rows 1 to 4 of account: .*UTF8.*: 0x00\. Nothing of the source was changed/,
    })
  })
})
