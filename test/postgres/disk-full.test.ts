// The disk of the database fills up: 452 before the dot's 250 and never after it, nothing lost, and mail again when there is
// space again.
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { type PostgresServer, startPostgres } from '../harness/postgres-server.ts'
import { missing } from '../harness/programs.ts'
import { fillUp, mountSmallDisk, unmount } from '../harness/small-disk.ts'
import { startNode } from './node.ts'

const diskBytes = 64 * 1024 * 1024
let database: PostgresServer
const disks: string[] = []

before(async () => {
  database = await startPostgres({ settings: ['fsync = off'] })
})
after(async () => {
  await database.stop()
  for (const disk of disks) await unmount(disk)
})

for (const [kind, bodyBytes] of [
  ['rows', 50_000],
  ['pieces', 600_000],
] as const) {
  test(`a full disk, messages in ${kind}`, { skip: missing('mount', 'umount') }, async t => {
    const disk = await mountSmallDisk(diskBytes)
    if (disk === undefined) return t.skip('needs the right to mount a tmpfs (root)')
    disks.push(disk)
    const node = await startNode(t, await database.createDatabaseIn(disk, `full_${kind}`))
    const accepted: string[] = []
    const sendNumbered = async (n: number): Promise<number | undefined> => {
      const code = (await node.send(`number ${n}`, bodyBytes))?.code
      if (code === 250) accepted.push(`number ${n}`)
      return code
    }
    assert.equal(await sendNumbered(1), 250)
    const filler = await fillUp(disk, 2_000_000)
    let code: number | undefined = 250
    let n = 1
    while (code === 250 && n < 200) code = await sendNumbered(++n)
    assert.equal(code, 452)
    // The session goes on, and says the same again.
    assert.equal(await sendNumbered(++n), 452)
    assert.match(
      node.logged.join('\n'),
      /no space left .*The disk of PostgreSQL at .* is full\. Free some space there; nothing else is needed/,
    )
    await rm(filler)
    await eventually('mail is taken again', async () => (await sendNumbered(++n)) === 250 || undefined)
    assert.deepEqual(await node.subjects(), accepted.toSorted())
  })
}
