// Mail data files in the folder mail of a data folder.
import type { Stats } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Random } from '../runtime/random.ts'
import type { MailDataFiles, NewMailDataFile } from './mail-data.ts'
import { StorageFault, toStorageFault } from './storage-fault.ts'

const readBytes = 64 * 1024

const mailFolder = (folder: string): string => join(folder, 'mail')

const fileName = /^[0-9a-f]{2}\/[0-9a-f]{30}\.eml$/

export function openMailDataFiles(folder: string, random: Random): MailDataFiles {
  return {
    create: (name = makeFileName(random)) => createFile(folder, assertFileName(name)),
    read: (name, from = 0) => readFile(folder, name, from),
    sizeOf: async name => (await statFile(folder, name))?.size,
    async remove(names) {
      for (const name of names) await rm(mailDataFile(folder, name), { force: true })
    },
  }
}

/** For whichever engine keeps it. */
export function makeFileName(random: Random): string {
  const id = Buffer.from(random.bytes(16)).toString('hex')
  return `${id.slice(0, 2)}/${id.slice(2)}.eml`
}

function assertFileName(name: string): string {
  if (!fileName.test(name))
    throw new StorageFault('STORAGE_DAMAGED', `"${name}" is no name of a mail data file.`)
  return name
}

async function createFile(folder: string, name: string): Promise<NewMailDataFile> {
  const faultOf = (cause: unknown): unknown => toStorageFault(cause, folder)
  const handle = await openNew(mailFolder(folder), name).catch((cause: unknown) => {
    throw faultOf(cause)
  })
  // The name survives a power cut. Under way while the bytes come; whoever finishes the file is told.
  const named = syncFolder(join(mailFolder(folder), name.slice(0, 2)))
  named.catch(() => {})
  return {
    name,
    async write(bytes) {
      try {
        for (let offset = 0; offset < bytes.length; )
          offset += (await handle.write(bytes, offset)).bytesWritten
      } catch (cause) {
        throw faultOf(cause)
      }
    },
    async finish() {
      try {
        await handle.sync()
        await handle.close()
        // Before a row refers to it.
        await named
      } catch (cause) {
        throw faultOf(cause)
      }
    },
    async abort() {
      await named.catch(() => {}) // no name has to survive
      await handle.close().catch(() => {}) // closed already, or it could not be written: the file goes in any case
      await rm(mailDataFile(folder, name), { force: true })
    },
  }
}

/** Makes the subfolder when the file is the first in it. */
async function openNew(folder: string, name: string): Promise<FileHandle> {
  const path = join(folder, name)
  try {
    return await open(path, 'wx', 0o600)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await syncFolder(folder)
  return await open(path, 'wx', 0o600)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function* readFile(folder: string, name: string, from: number): AsyncIterable<Uint8Array> {
  const handle = await open(mailDataFile(folder, name), 'r').catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new StorageFault('STORAGE_DAMAGED', `The file mail/${name} is not there.`)
  })
  try {
    for (let position = from; ; ) {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(readBytes), 0, readBytes, position)
      if (bytesRead === 0) return
      position += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

/** Every mail data file of a data folder, by the name that rows use. */
export async function* listMailDataFiles(folder: string): AsyncIterable<string> {
  const entries = await readdir(mailFolder(folder), { withFileTypes: true }).catch(() => [])
  const subfolders = entries.filter(entry => entry.isDirectory()).map(({ name }) => name)
  for (const subfolder of subfolders.toSorted()) {
    for (const file of (await readdir(join(mailFolder(folder), subfolder))).toSorted()) {
      const name = `${subfolder}/${file}`
      if (fileName.test(name)) yield name
    }
  }
}

/** The path of a mail data file, by the name that rows use. */
export function mailDataFile(folder: string, name: string): string {
  return join(mailFolder(folder), assertFileName(name))
}

/** When a mail data file was last written, ms since 1970; undefined when it is gone. */
export async function mailDataFileTime(folder: string, name: string): Promise<number | undefined> {
  return (await statFile(folder, name))?.mtimeMs
}

async function statFile(folder: string, name: string): Promise<Stats | undefined> {
  return await stat(mailDataFile(folder, name)).catch(() => undefined)
}
