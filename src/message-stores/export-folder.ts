// The folder of an export: new, empty, or one that an earlier export of the same account has made, which its mark says. So nothing
// that anybody else has written is ever touched.
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { UsageFault } from '../runtime/fault.ts'
import { explainFile } from './explain-file.ts'

const markName = '.postrider-export.json'

const mark = z.object({
  format: z.enum(['maildir', 'mbox']),
  account: z.string(),
  /** Of mbox files: what is in each. */
  files: z.record(
    z.string(),
    z.object({
      uidValidity: z.int(),
      lastUid: z.int(),
      size: z.int(),
      /** UIDs before `lastUid` of messages that are damaged, and were left out. */
      leftOut: z.array(z.int()),
      /** It is being written: behind `size` may be what was cut off. */
      isOpen: z.boolean(),
    }),
  ),
})

export type ExportMark = z.infer<typeof mark>

export type ExportedFile = ExportMark['files'][string]

export class ExportFolder {
  readonly path: string
  readonly #mark: ExportMark

  private constructor(path: string, found: ExportMark) {
    this.path = path
    this.#mark = found
  }

  static async open(
    path: string,
    { format, account }: Pick<ExportMark, 'format' | 'account'>,
  ): Promise<ExportFolder> {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 })
      const found = await readMark(path)
      if (found && (found.format !== format || found.account !== account))
        throw new UsageFault(
          'EXPORT_FOLDER_FOREIGN',
          `${path} has the mail of ${found.account}, as ${found.format}. Name another folder.`,
        )
      if (!found && (await readdir(path)).length > 0)
        throw new UsageFault(
          'EXPORT_FOLDER_FOREIGN',
          `${path} has something in it that is no export of Postrider, and is left as it is. Name a folder that is new or empty.`,
        )
      const folder = new ExportFolder(path, found ?? { format, account, files: {} })
      await folder.#write()
      return folder
    } catch (cause) {
      throw explainFile(path, cause)
    }
  }

  file(name: string): ExportedFile | undefined {
    return this.#mark.files[name]
  }

  /** Durable when it resolves. */
  async setFile(name: string, state: ExportedFile): Promise<void> {
    this.#mark.files[name] = state
    await this.#write()
  }

  async #write(): Promise<void> {
    await replaceFile(join(this.path, markName), `${JSON.stringify(this.#mark, null, 2)}\n`)
    await syncFolder(this.path)
  }
}

async function readMark(path: string): Promise<ExportMark | undefined> {
  let text: string
  try {
    text = await readFile(join(path, markName), 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
  try {
    return mark.parse(JSON.parse(text))
  } catch (cause) {
    throw new UsageFault(
      'EXPORT_FOLDER_FOREIGN',
      `${join(path, markName)} is not as an export has written it. Name a folder that is new or empty.`,
      { cause },
    )
  }
}

/** The old text or the new one, whatever happens. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const beside = `${path}.new`
  const file = await open(beside, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(beside, path)
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
