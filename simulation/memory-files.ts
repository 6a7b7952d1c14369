// Mail data too large for its row: here in memory.
import type { MailDataFiles } from '../src/storage/mail-data.ts'

export function createMemoryFiles(): MailDataFiles {
  const files = new Map<string, Uint8Array>()
  let made = 0
  return {
    create(name = `simulated-${++made}`) {
      const pieces: Uint8Array[] = []
      return Promise.resolve({
        name,
        write(bytes) {
          pieces.push(Buffer.from(bytes))
          return Promise.resolve()
        },
        finish() {
          files.set(name, Buffer.concat(pieces))
          return Promise.resolve()
        },
        abort: () => Promise.resolve(),
      })
    },
    async *read(name, from) {
      const bytes = await Promise.resolve(files.get(name))
      if (!bytes) throw new Error(`there is no mail data ${name}`)
      yield bytes.subarray(from)
    },
    sizeOf: name => Promise.resolve(files.get(name)?.length),
    remove(names) {
      for (const name of names) files.delete(name)
      return Promise.resolve()
    },
  }
}
