// Test processes that do not end: `timeout` of node:test bounds a test, not its hooks, nor a process that something keeps
// open, nor a loop that never gives way. Each is told of, with what keeps it, and killed, so that the others are run.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endTree } from '../test/harness/end-tree.ts'
import { isRunning, listTree, readCommandLine } from '../test/harness/process-tree.ts'

export interface TestWatch {
  /** For the test processes: with them they say, when they are asked, what they are doing. */
  readonly execArgv: readonly string[]
  stop(): void
}

const lookEveryMs = 1000
/** A report takes a moment, and a process that is past saving none at all. */
const reportWithinMs = 5000

/** Watches the children of this process that run a test file. Linux only: elsewhere nobody is killed. */
export function watchTests(limitMs: number, tell: (text: string) => void): TestWatch {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-tests-'))
  const firstSeen = new Map<number, number>()
  const look = (): void => {
    for (const pid of listTestProcesses()) {
      const since = firstSeen.get(pid)
      if (since === undefined) firstSeen.set(pid, performance.now())
      else if (performance.now() - since > limitMs) {
        firstSeen.set(pid, Number.POSITIVE_INFINITY)
        void end(pid, folder, limitMs).then(tell)
      }
    }
  }
  const timer = process.platform === 'linux' ? setInterval(look, lookEveryMs) : undefined
  return {
    execArgv: [
      '--report-on-signal',
      '--report-exclude-env',
      '--report-exclude-network',
      `--report-directory=${folder}`,
    ],
    stop() {
      clearInterval(timer)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function listTestProcesses(): number[] {
  return listTree(process.pid)
    .slice(1)
    .filter(pid => testFileOf(pid) !== undefined)
}

function testFileOf(pid: number): string | undefined {
  return readCommandLine(pid).find(word => word.endsWith('.test.ts'))
}

async function end(pid: number, folder: string, limitMs: number): Promise<string> {
  const file = testFileOf(pid) ?? `process ${pid}`
  const report = await askForReport(pid, folder)
  await endTree(pid)
  return `\n${file} had not ended after ${limitMs / 1000} s and was killed.\n${report}`
}

async function askForReport(pid: number, folder: string): Promise<string> {
  process.kill(pid, 'SIGUSR2')
  const since = performance.now()
  while (isRunning(pid) && performance.now() - since < reportWithinMs) {
    await sleep(100)
    const name = readdirSync(folder).find(name => name.includes(`.${pid}.`))
    const report = name === undefined ? undefined : parseReport(readFileSync(join(folder, name), 'utf8'))
    if (report) return describeReport(report)
  }
  return 'It did not say what it was doing.'
}

/** The part that is read here, of https://nodejs.org/api/report.html. */
interface Report {
  readonly javascriptStack: { readonly message?: string; readonly stack?: readonly string[] }
  readonly libuv: readonly {
    readonly type: string
    readonly is_active: boolean
    readonly is_referenced?: boolean
    readonly firesInMsFromNow?: number
    readonly localEndpoint?: { readonly host: string; readonly port: number } | null
    readonly remoteEndpoint?: { readonly host: string; readonly port: number } | null
  }[]
}

/** Undefined while it is still being written. */
function parseReport(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report
  } catch {
    return undefined
  }
}

function describeReport({ javascriptStack, libuv }: Report): string {
  const lines = [javascriptStack.message, ...(javascriptStack.stack ?? [])].filter(Boolean)
  for (const handle of libuv) {
    if (!handle.is_active || handle.is_referenced !== true) continue
    const ends = [handle.localEndpoint, handle.remoteEndpoint].map(at => (at ? `${at.host}:${at.port}` : '-'))
    const due = handle.firesInMsFromNow === undefined ? '' : `, due in ${handle.firesInMsFromNow} ms`
    lines.push(`kept open by ${handle.type} ${ends.join(' to ')}${due}`)
  }
  return lines.map(line => `  ${line}`).join('\n')
}
