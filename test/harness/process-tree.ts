// What a process and its descendants have used: CPU time and memory, read from /proc (Linux only).
import { readdirSync, readFileSync } from 'node:fs'

// USER_HZ, the unit of utime and stime in /proc: 100 on every Linux that Node runs on.
const ticksPerSecond = 100

interface Stat {
  readonly pid: number
  readonly state: string
  readonly parent: number
  /** Of the process itself, and of the children that it has waited for. */
  readonly cpuTicks: number
}

/** The program and its arguments; empty for a process that has ended. */
export function readCommandLine(pid: number): string[] {
  return readProc(`/proc/${pid}/cmdline`)
    .split('\0')
    .filter(word => word !== '')
}

/** The process and all that descend from it, the process itself first. */
export function listTree(root: number): number[] {
  return readTree(root).map(stat => stat.pid)
}

/** False for a process that has ended, also when nobody has waited for it yet (a zombie). */
export function isRunning(pid: number): boolean {
  const stat = readStat(pid)
  return stat !== undefined && stat.state !== 'Z'
}

/**
 * CPU milliseconds of the whole tree so far, exited descendants included: a parent that waits for a child takes over
 * its time (cutime, cstime), as Postfix's master does and as a supervisor of processes must.
 */
export function readCpuMs(root: number): number {
  return (readTree(root).reduce((sum, stat) => sum + stat.cpuTicks, 0) * 1000) / ticksPerSecond
}

/** CPU milliseconds of all processors so far, by everything that runs: /proc/stat without idle and iowait. */
export function readMachineBusyMs(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/ +/)
    .slice(1)
    .map(Number)
  return ((user + nice + system + irq + softirq + steal) * 1000) / ticksPerSecond
}

/** Proportional set size of the tree in bytes: a page that n processes share counts a n-th in each. */
export function readPssBytes(root: number): number {
  return listTree(root).reduce((sum, pid) => sum + readField(`/proc/${pid}/smaps_rollup`, 'Pss'), 0)
}

/** The resident set of the tree in bytes; shared pages count in each process. Cheap enough to be sampled. */
export function readRssBytes(root: number): number {
  return listTree(root).reduce((sum, pid) => sum + readField(`/proc/${pid}/status`, 'VmRSS'), 0)
}

/** The highest resident set that the process itself ever had, in bytes. */
export function readPeakRssBytes(pid: number): number {
  return readField(`/proc/${pid}/status`, 'VmHWM')
}

/**
 * What the kernel holds for sockets, files and processes, of the whole machine, in bytes: slab caches, stacks of
 * threads, page tables.
 */
export function readKernelBytes(): number {
  return ['Slab', 'KernelStack', 'PageTables'].reduce(
    (sum, name) => sum + readField('/proc/meminfo', name),
    0,
  )
}

function readTree(root: number): Stat[] {
  const byParent = new Map<number, Stat[]>()
  let rootStat: Stat | undefined
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const stat = readStat(pid)
    if (!stat) continue
    if (pid === root) rootStat = stat
    const siblings = byParent.get(stat.parent)
    if (siblings) siblings.push(stat)
    else byParent.set(stat.parent, [stat])
  }
  const tree = rootStat ? [rootStat] : []
  // The array grows while it is walked: breadth first.
  for (const stat of tree) tree.push(...(byParent.get(stat.pid) ?? []))
  return tree
}

function readStat(pid: number): Stat | undefined {
  const line = readProc(`/proc/${pid}/stat`)
  // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const number = (index: number): number => Number(fields[index] ?? 0)
  if (fields.length < 15) return undefined
  // proc(5) counts from 1 and from the pid: ppid 4, utime 14, stime 15, cutime 16, cstime 17.
  return {
    pid,
    state: fields[0] ?? '',
    parent: number(1),
    cpuTicks: number(11) + number(12) + number(13) + number(14),
  }
}

function readField(path: string, name: string): number {
  const line = readProc(path)
    .split('\n')
    .find(candidate => candidate.startsWith(`${name}:`))
  return line === undefined ? 0 : Number.parseInt(line.slice(name.length + 1), 10) * 1024
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // The process ended between listing and reading: it holds nothing any more.
    return ''
  }
}
