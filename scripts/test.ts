// `npm test`: the checks (types, lint, format), then every test; those that are about storage, and the scenarios, a second
// time over PostgreSQL; at the end what passed, failed and was skipped.
// With arguments it runs a part, without the checks: `npm test -- test/queue test/smtp/session.test.ts`. What takes longer than
// everybody can wait for runs by `npm run fault-test`.
import { spawn } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  constants,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { delimiter, join, relative, resolve, sep } from 'node:path'
import { text } from 'node:stream/consumers'
import { run } from 'node:test'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { systemClock } from '../src/runtime/clock.ts'
import { silentLog } from '../src/runtime/log.ts'
import { openPostgresStorage } from '../src/storage/postgres/postgres-storage.ts'
import { addressOf, type PostgresServer, startPostgres } from '../test/harness/postgres-server.ts'
import { compileCache } from '../test/harness/programs.ts'
import { groupTests } from './test-groups.ts'
import { watchTests } from './test-watch.ts'

const root = resolve(import.meta.dirname, '..')
const programs = join(root, 'node_modules', '.bin')
// What hangs has to end, and soon enough to leave time for the others: the longest files take about a minute.
const testTimeoutMs = 240_000
const fileTimeoutMs = 300_000
const longerFileTimeoutMs = 900_000

interface Run {
  readonly files: readonly string[]
  readonly fileTimeoutMs: number
  /** Those that share no process with others. */
  readonly alone: readonly string[]
}

const started = performance.now()

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`
const print = (line: string): void => void process.stdout.write(`${line}\n`)

const checks: readonly (readonly [name: string, ...command: string[]])[] = [
  ['types', 'tsc', '--noEmit'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['format', 'biome', 'check', '.'],
]

/** Resolves with the names of the checks that failed. */
async function runChecks(): Promise<string[]> {
  const results = await Promise.all(checks.map(([name, ...command]) => runCheck(name, command)))
  return results.filter(name => name !== undefined)
}

async function runCheck(
  name: string,
  [program = '', ...parameters]: readonly string[],
): Promise<string | undefined> {
  const since = performance.now()
  const child = spawn(join(programs, program), parameters, {
    cwd: root,
    env: { ...process.env, PATH: `${programs}${delimiter}${process.env['PATH'] ?? ''}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise<number | null>((done, fail) => {
    child.once('error', fail)
    child.once('close', done)
  })
  const [code, stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)])
  print(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds(since)})`)
  if (code === 0) return undefined
  print(stdout + stderr)
  return name
}

function findTests(parts: readonly string[]): string[] {
  const files = parts.flatMap(part => {
    const path = resolve(root, part)
    if (!statSync(path, { throwIfNoEntry: false }))
      throw new Error(`${part}: there is no such file or folder.`)
    return statSync(path).isDirectory()
      ? globSync('**/*.test.ts', { cwd: path }).map(file => join(path, file))
      : [path]
  })
  if (files.length === 0) throw new Error(`There are no tests in ${parts.join(', ')}.`)
  return files.sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1))
}

/** They begin: of what takes long, none is left for the end, when nothing runs beside it. */
const longest: readonly string[] = [
  'test/main/threads.test.ts',
  'test/main/brute-force.test.ts',
  'test/main/guessing.test.ts',
  'test/faults/refuse-to-start.test.ts',
  'test/main/serve.test.ts',
  'test/peers/haproxy.test.ts',
  'test/cli/serve-try.test.ts',
  'test/main/health.test.ts',
  'test/storage/move/round-trip.test.ts',
  'test/simulation/simulation.test.ts',
  'test/systemd/activation.test.ts',
  'test/cli/directory-commands.test.ts',
  'test/faults/kill.test.ts',
  'test/storage/move/administrator.test.ts',
  'test/package.test.ts',
  'test/peers/ldap.test.ts',
  'test/delivery/scheduling.test.ts',
  'test/acme/keeper.test.ts',
  'test/main/acme.test.ts',
  'test/main/certificates.test.ts',
  'test/faults/disk-full.test.ts',
]

function rank(file: string): number {
  const place = longest.indexOf(relative(root, file))
  return place < 0 ? longest.length : place
}

interface Skipped {
  readonly name: string
  readonly file: string
  readonly reason: string
}

interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: readonly Skipped[]
  /** How many passed in each file. */
  readonly ofFiles: ReadonlyMap<string, number>
}

/**
 * Of tests that open the storage of `test/harness/test-storage.ts`: on whichever engine. Not among them: test/faults, whose
 * faults are those of a data folder (test/postgres makes those of PostgreSQL happen), nor test/main and test/cli, where what
 * they ask the storage for is asked elsewhere too.
 */
const onBothEngines: readonly string[] = [
  'test/acme',
  'test/alert',
  'test/delivery/deaths.test.ts',
  'test/delivery/forwarding.test.ts',
  'test/delivery/lmtp.test.ts',
  'test/delivery/local.test.ts',
  'test/delivery/quota.test.ts',
  'test/delivery/remote.test.ts',
  'test/delivery/reports.test.ts',
  'test/delivery/scheduling.test.ts',
  'test/delivery/shared-queue.test.ts',
  'test/delivery/sources.test.ts',
  'test/delivery/suppression.test.ts',
  'test/delivery/transfer-extensions.test.ts',
  'test/delivery/unwritten-outcomes.test.ts',
  'test/delivery/way.test.ts',
  'test/cluster',
  'test/directory',
  'test/dmarc-report',
  'test/fill-warning',
  'test/filtering',
  'test/intake',
  'test/mail-access',
  'test/mailbox',
  'test/message-stores',
  'test/peers/ldap.test.ts',
  'test/policy',
  'test/queue',
  'test/scenarios',
  'test/storage',
  'test/tls-report',
  'test/trail',
  'test/screening/greylist.test.ts',
  'test/screening/learning.test.ts',
  'test/screening/screen.test.ts',
  'test/sending/sending-counts.test.ts',
]

function areOnBothEngines(file: string): boolean {
  const name = relative(root, file)
  if (!onBothEngines.some(part => name === part || name.startsWith(part + sep))) return false
  const text = readFileSync(file, 'utf8')
  // Those that reach into SQLite itself are about nothing else.
  return usesTestStorage.test(text) && !text.includes("from 'node:sqlite'")
}

// Directly, or by what the tests of a folder open.
const usesTestStorage =
  /from '.*\/(?:test-storage|open-account|open-directory|open-intake|open-mailboxes|open-queue|open-scene|world|composed-server)\.ts'/

interface Postgres {
  readonly server: PostgresServer
  /** The URI of a database that the tests copy. */
  readonly template: string
}

async function preparePostgres(): Promise<Postgres> {
  const server = await startPostgres({ settings: quick })
  try {
    const template = await server.createDatabase('template_of_tests')
    await (await openPostgresStorage(addressOf(template), systemClock, silentLog)).close()
    return { server, template }
  } catch (cause) {
    await server.stop()
    throw cause
  }
}

async function runOnPostgres(chosen: Run, { server, template }: Postgres): Promise<Totals> {
  process.env['POSTRIDER_TEST_POSTGRES'] = template
  try {
    return await runTests(chosen)
  } finally {
    delete process.env['POSTRIDER_TEST_POSTGRES']
    await server.stop()
  }
}

/** What ran before is summed up all the same. */
function couldNotRun(cause: unknown): Totals {
  print(`FAILED  no PostgreSQL for the tests: ${cause instanceof Error ? cause.message : String(cause)}`)
  return { passed: 0, failed: 1, skipped: [], ofFiles: new Map() }
}

/** Power cuts are not what these tests are about. */
const quick = ['fsync = off', 'full_page_writes = off', 'autovacuum = off']

/**
 * A folder in memory, where there is room for what the tests write; nothing of it outlives a power cut anyway, and the disk is
 * waited for at each commit. Undefined: they have that of the system.
 */
function makeMemoryFolder(): string | undefined {
  const memory = '/dev/shm'
  // PostgreSQL is run from a folder of the tests.
  const isThere = readMounts().some(line => line.includes(` ${memory} tmpfs `) && !line.includes('noexec'))
  if (!isThere) return undefined
  const { bavail, bsize } = statfsSync(memory)
  if (bavail * bsize < roomForTests || !isWritable(memory)) return undefined
  const folder = mkdtempSync(join(memory, 'postrider-'))
  // As /tmp: what the tests start runs as other users too.
  chmodSync(folder, 0o1777)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => process.exit(code))
  return folder
}

const roomForTests = 4 * 1024 ** 3

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    // Which is the answer.
    return false
  }
}

function readMounts(): readonly string[] {
  return process.platform === 'linux' ? readFileSync('/proc/mounts', 'utf8').split('\n') : []
}

const place = (file: string | undefined): string => (file === undefined ? '' : relative(root, file))

const preloaded = ['test/harness/untracked-promises.ts', 'test/harness/fixed-seed.ts']

/** What the tests at the top of a file came to. */
interface FileResult {
  tests: number
  failed: number
  ms: number
}

async function runTests({ files, fileTimeoutMs, alone }: Run): Promise<Totals> {
  let passed = 0
  let failed = 0
  const skipped: Skipped[] = []
  const ofFiles = new Map<string, number>()
  const said = new Map<string, string[]>()
  const results = new Map<string, FileResult>()
  const folder = mkdtempSync(join(tmpdir(), 'postrider-tests-'))
  const processes = groupTests(files, alone, folder)
  const processOf = new Map(processes.flatMap(({ path, files }) => files.map(file => [file, path] as const)))
  const noteResult = (file: string | undefined, nesting: number, ms: number, failures: number): void => {
    if (file === undefined || nesting > 0) return
    const result = results.get(file) ?? { tests: 0, failed: 0, ms: 0 }
    results.set(file, {
      tests: result.tests + 1,
      failed: result.failed + failures,
      ms: result.ms + ms,
    })
  }
  const watch = watchTests(fileTimeoutMs, print)
  const stream = run({
    files: processes.map(({ path }) => path),
    cwd: root,
    concurrency: Math.max(3, Math.min(4, availableParallelism())),
    timeout: testTimeoutMs,
    execArgv: [
      ...watch.execArgv,
      ...preloaded.flatMap(file => ['--import', pathToFileURL(join(root, file)).href]),
    ],
  })
  stream.on('test:pass', ({ name, file, nesting, details, skip, todo }) => {
    noteResult(file, nesting, details.duration_ms, 0)
    if (details.type === 'suite') return
    // Node.js takes a file without tests, or one that ended itself early, for a test that passed.
    if (name === file) {
      failed++
      print(`\nFAILED ${place(file)}  not one test of it ran`)
      return
    }
    // A test that is still to do has shown nothing.
    if (skip === undefined && todo === undefined) {
      passed++
      if (file !== undefined) ofFiles.set(file, (ofFiles.get(file) ?? 0) + 1)
    } else
      skipped.push({
        name,
        file: place(file),
        reason: typeof skip === 'string' ? skip : typeof todo === 'string' ? todo : 'no reason given',
      })
  })
  stream.on('test:fail', ({ name, file, line, nesting, details }) => {
    noteResult(file, nesting, details.duration_ms, 1)
    if (details.type === 'suite' && isOnlyOfChildren(details.error)) return
    failed++
    print(`\nFAILED ${place(file)}${line === undefined ? '' : `:${line}`}  ${name}`)
    print(inspect(details.error.cause ?? details.error, { depth: 4 }))
    for (const line of said.get(processOf.get(file ?? '') ?? file ?? '') ?? []) process.stdout.write(line)
  })
  for (const event of ['test:stdout', 'test:stderr'] as const) {
    stream.on(event, ({ file, message }) => {
      const lines = said.get(file) ?? []
      lines.push(message)
      said.set(file, lines.slice(-200))
    })
  }
  stream.on('test:summary', ({ file, counts, duration_ms: ms, success }) => {
    if (file === undefined) return
    const shared = processes.find(({ path, files }) => path === file && files.length > 1)
    if (!shared) {
      printFile(file, success, counts.tests, ms)
      return
    }
    for (const one of shared.files) {
      const result = results.get(one)
      printFile(one, result?.failed === 0, result?.tests ?? 0, result?.ms ?? 0)
      if (result) continue
      failed++
      print(`FAILED ${place(one)}  not one test of it ran`)
    }
  })
  await new Promise<void>((done, fail) => {
    stream.on('end', done)
    stream.on('error', fail)
    stream.resume()
  }).finally(() => {
    watch.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return { passed, failed, skipped, ofFiles }
}

function printFile(file: string, isGood: boolean, tests: number, ms: number): void {
  print(`${isGood ? 'ok    ' : 'FAILED'} ${place(file)} (${tests} tests, ${(ms / 1000).toFixed(1)} s)`)
}

/** A suite fails with its tests; they are told, and counted, themselves. */
function isOnlyOfChildren(error: Error): boolean {
  return 'failureType' in error && error.failureType === 'subtestsFailed'
}

function sumUp(ofFiles: ReadonlyMap<string, number>, files: readonly string[]): number {
  return files.reduce((sum, file) => sum + (ofFiles.get(file) ?? 0), 0)
}

/** `npm run fault-test`: what takes minutes, because servers and databases have to die, wait and come back in it. */
const longer: readonly string[] = [
  'test/postgres/clocks.test.ts',
  'test/postgres/nodes.test.ts',
  'test/postgres/outage.test.ts',
  'test/postgres/races.test.ts',
  'test/postgres/refuse-to-start.test.ts',
  'test/postgres/rolling-upgrade.test.ts',
  'test/postgres/standby.test.ts',
  'test/postgres/unknown-commit.test.ts',
  'test/postgres/wakes.test.ts',
  'test/scenarios/fetching-processes.test.ts',
  'test/storage/move/refusals.test.ts',
  'test/storage/move/resume.test.ts',
]

function chooseTests(parts: readonly string[]): Run {
  const own = [...longest, ...longer, ...parts].map(file => resolve(root, file))
  if (parts[0] === '--longer')
    return { files: findTests(longer), fileTimeoutMs: longerFileTimeoutMs, alone: own }
  if (parts.length > 0) return { files: findTests(parts), fileTimeoutMs: longerFileTimeoutMs, alone: own }
  const left = longer.map(file => resolve(root, file))
  return { files: findTests(['test']).filter(file => !left.includes(file)), fileTimeoutMs, alone: own }
}

interface Both {
  readonly onSqlite: Totals
  readonly onPostgres: Totals | undefined
}

async function runOnBoth(chosen: Run, again: readonly string[]): Promise<Both> {
  if (again.length === 0) return { onSqlite: await runTests(chosen), onPostgres: undefined }
  // It starts while the others run.
  const prepared = preparePostgres().then(
    postgres => ({ postgres }),
    (cause: unknown) => ({ cause }),
  )
  const onSqlite = await runTests(chosen)
  print('\nThe same over PostgreSQL:')
  const result = await prepared
  const onPostgres =
    'cause' in result
      ? couldNotRun(result.cause)
      : await runOnPostgres({ ...chosen, files: again }, result.postgres).catch(couldNotRun)
  return { onSqlite, onPostgres }
}

async function main(parts: readonly string[]): Promise<number> {
  const chosen = chooseTests(parts)
  const { files } = chosen
  const failedChecks = parts.length > 0 ? [] : await runChecks()
  const again = files.filter(areOnBothEngines)
  const memory = makeMemoryFolder()
  if (memory !== undefined) process.env['TMPDIR'] = memory
  // For the test processes too, and their threads.
  process.env['NODE_COMPILE_CACHE'] = compileCache
  const { onSqlite, onPostgres } = await runOnBoth(chosen, again)
  const skipped = [...onSqlite.skipped, ...(onPostgres?.skipped ?? [])]
  if (skipped.length > 0) {
    print(`\nSKIPPED, so nothing is known of them here (${skipped.length}):`)
    for (const { file, name, reason } of skipped) print(`  ${file}  ${name}: ${reason}`)
  }
  if (failedChecks.length > 0) print(`\nChecks that failed: ${failedChecks.join(', ')}`)
  const passed = onSqlite.passed + (onPostgres?.passed ?? 0)
  const failed = onSqlite.failed + (onPostgres?.failed ?? 0)
  print('')
  if (onPostgres) {
    const withStorage = sumUp(onSqlite.ofFiles, again)
    print(`Storage tests and scenarios: ${withStorage} passed on SQLite, ${onPostgres.passed} on PostgreSQL`)
  }
  if (parts.length === 0) print(`Of their own, by npm run fault-test: ${longer.length} files`)
  print(
    `${passed} passed, ${failed} failed, ${skipped.length} skipped (${files.length} files, ${seconds(started)})`,
  )
  if (passed + failed === 0) print('Not one test ran: that is a failure too.')
  return failed === 0 && failedChecks.length === 0 && passed > 0 ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (cause) {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exitCode = 2
}
