// A small disk that a test fills up: a tmpfs, which root may mount.
import { mkdtemp, open, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from './programs.ts'

/** Its folder; undefined when this user may not mount one. */
export async function mountSmallDisk(bytes: number): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'small-disk-'))
  const { exitCode } = await runProgram(['mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder])
  if (exitCode === 0) return folder
  await rm(folder, { recursive: true })
  return undefined
}

export async function unmount(disk: string): Promise<void> {
  await runProgram(['umount', disk])
  await rm(disk, { recursive: true, force: true })
}

/** With a file, whose path it returns. */
export async function fillUp(folder: string, leaveBytes: number): Promise<string> {
  const path = join(folder, 'filler')
  const { bavail, bsize } = await statfs(folder)
  const file = await open(path, 'w')
  const block = Buffer.alloc(64 * 1024)
  for (let written = 0; written < bavail * bsize - leaveBytes; written += block.length)
    await file.write(block)
  await file.close()
  return path
}
