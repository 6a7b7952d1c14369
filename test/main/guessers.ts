// Run in a network namespace by guessing.test.ts: a server as an administrator runs it, and beside it who guesses passwords from a
// hundred networks, and who does not. Writes what came of it as one line of JSON.
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SqliteReader } from '../../src/storage/sqlite-reader.ts'
import { trailAfter } from '../../src/trail/operations.ts'
import { logInPlain } from '../harness/log-in.ts'
import { runProgram } from '../harness/programs.ts'
import { openConnection, type RawConnection } from '../harness/raw-connection.ts'
import { createServerFolder, type ServerProcess, startServer } from '../harness/server-process.ts'

export interface Guessed {
  /** Replies to wrong passwords, by code. */
  readonly wrong: Readonly<Record<string, number>>
  /** Of anna from where she was before, and of boris from elsewhere, while somebody guesses. */
  readonly meanwhile: readonly (number | undefined)[]
  readonly annaFromNowhereSeen: number | undefined
  readonly annaFromGuessers: number | undefined
  /** Refused log-ins in the trail: those whose password was looked at, and those that were not any more. */
  readonly compared: number
  readonly blocked: number
  /** Of the server's process, in MiB: before, after the first half of all guesses, and after all. */
  readonly memory: readonly [before: number, half: number, after: number]
}

const serverAddress = '10.99.0.1'
const anna = 'anna@example.test'
const boris = 'boris@example.test'
const rightPassword = 'the right password'
const networks = Array.from({ length: 100 }, (_, n) => `10.20.${n + 1}.1`)
const [home, office, elsewhere] = ['10.30.1.1', '10.30.2.1', '10.30.3.1'] as const
const guessesPerHalf = 50
/** Then a server that has nothing but errors of a client ends the connection. */
const mostPerConnection = 20

async function addAddresses(): Promise<void> {
  const added = [serverAddress, ...networks, home, office, elsewhere]
  const script = ['link set lo up', ...added.map(address => `address add ${address}/32 dev lo`)]
  const { exitCode, stderr } = await runProgram(['ip', '-batch', '-'], { input: `${script.join('\n')}\n` })
  if (exitCode !== 0) throw new Error(stderr)
}

async function open(port: number, from: string): Promise<RawConnection> {
  const connection = await openConnection(port, serverAddress, from)
  await connection.startTls()
  await connection.reply()
  await connection.command('EHLO client.example.org')
  return connection
}

async function logIn(port: number, from: string, name: string): Promise<number | undefined> {
  const connection = await open(port, from)
  const code = await logInPlain(connection, name, rightPassword)
  connection.destroy()
  return code
}

const wrong: Record<string, number> = {}

/** Another password each time. */
async function guess(port: number, from: string, half: number): Promise<void> {
  for (let done = 0; done < guessesPerHalf; ) {
    const connection = await open(port, from)
    for (const end = Math.min(done + mostPerConnection, guessesPerHalf); done < end; done++) {
      const code = String(await logInPlain(connection, anna, `guess ${half} ${done}`))
      wrong[code] = (wrong[code] ?? 0) + 1
    }
    connection.destroy()
  }
}

function memoryOf({ pid }: ServerProcess): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kib) / 1024)
}

async function countRefused(dataFolder: string): Promise<Pick<Guessed, 'compared' | 'blocked'>> {
  const reader = new SqliteReader(dataFolder)
  const counts = { compared: 0, blocked: 0 }
  for (let afterId = 0; ; ) {
    const records = await reader.run(trailAfter, { afterId, limit: 1000 })
    const last = records.at(-1)
    if (!last) break
    afterId = last.id
    for (const { event } of records)
      if (event.kind === 'refused' && event.command === 'AUTH')
        counts[event.loginProblem === 'blocked' ? 'blocked' : 'compared']++
  }
  reader.close()
  return counts
}

await addAddresses()
const at = await createServerFolder({
  listeners: [{ role: 'submissions', address: serverAddress, port: 0 }],
  // Else those who guess would wait, as they should.
  tables: '[login]\nmaxDelaySeconds = 0',
})
try {
  const directory = join(at.folder, 'directory.toml')
  const accounts = [anna, boris].map(
    address => `[[account]]\naddress = "${address}"\npassword = "${rightPassword}"\n`,
  )
  await writeFile(directory, `[[domain]]\nname = "example.test"\n${accounts.join('')}`)
  await at.postrider('apply', directory, '--yes')
  const server = await startServer(at)
  try {
    const port = server.port('submissions')
    const meanwhile = [await logIn(port, home, anna)]
    const memory = [memoryOf(server)]
    for (const half of [1, 2]) {
      const attack = Promise.all(networks.map(from => guess(port, from, half)))
      for (let n = 0; n < 5; n++)
        meanwhile.push(await logIn(port, home, anna), await logIn(port, office, boris))
      await attack
      memory.push(memoryOf(server))
    }
    const annaFromNowhereSeen = await logIn(port, elsewhere, anna)
    const annaFromGuessers = await logIn(port, networks[6] ?? '', anna)
    await server.stop()
    const [before = 0, halfway = 0, after = 0] = memory
    const found: Guessed = {
      wrong,
      meanwhile,
      annaFromNowhereSeen,
      annaFromGuessers,
      ...(await countRefused(at.dataFolder)),
      memory: [before, halfway, after],
    }
    process.stdout.write(`${JSON.stringify(found)}\n`)
  } finally {
    await server.kill()
  }
} finally {
  await at.remove()
}
