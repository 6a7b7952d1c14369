// Where a run took place: figures of different machines say nothing about each other.
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../test/harness/programs.ts'

export interface Environment {
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly kernel: string
  readonly node: string
  readonly postfix: string
  readonly fileSystem: string
  /** One write of 4 KB and its fsync, mean of 100, in milliseconds: what durability costs here. */
  readonly syncMs: number
  /** Of the minute before the run: above a few tenths, something else was busy. */
  readonly loadAverage: number
}

export async function describeEnvironment(folder: string): Promise<Environment> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.versions.node,
    postfix: (await runProgram(['postconf', '-d', '-h', 'mail_version'])).stdout.trim(),
    fileSystem: findFileSystem(folder),
    syncMs: measureSync(folder),
    loadAverage: loadavg()[0] ?? 0,
  }
}

// statfs(2): file systems in memory, where a sync costs nothing and proves nothing.
const tmpfs = 0x01021994
const ramfs = 0x858458f6

/** A folder on a real disk that Postfix's own user can reach too. */
export function findDiskFolder(): string {
  const folder = ['/var/tmp', tmpdir()].find(isOnDisk)
  if (folder === undefined)
    throw new Error('/var/tmp and the temporary folder are in memory; name a folder on disk with --folder')
  return folder
}

export function isOnDisk(folder: string): boolean {
  const { type } = statfsSync(folder)
  return type !== tmpfs && type !== ramfs
}

// The mount point that is the longest prefix of the folder.
function findFileSystem(folder: string): string {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map(line => line.split(' '))
  const isAbove = (point: string): boolean =>
    folder === point || folder.startsWith(point === '/' ? '/' : `${point}/`)
  const [, , type, options] = mounts
    .filter(([, point]) => point !== undefined && isAbove(point))
    .reduce(
      (best, mount) => ((mount[1]?.length ?? 0) >= (best[1]?.length ?? 0) ? mount : best),
      [] as string[],
    )
  return `${type ?? 'unknown'} (${options ?? ''})`
}

function measureSync(folder: string): number {
  const path = join(folder, `sync-probe-${process.pid}`)
  const file = openSync(path, 'w')
  const block = Buffer.alloc(4096)
  const rounds = 100
  const startedAt = performance.now()
  for (let round = 0; round < rounds; round++) {
    writeSync(file, block)
    fsyncSync(file)
  }
  const elapsed = performance.now() - startedAt
  closeSync(file)
  rmSync(path)
  return elapsed / rounds
}
