// Dialogues of ManageSieve, each line by line, byte by byte and pipelined: the answers are the same.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { play, ways } from './play.ts'

const folder = join(import.meta.dirname, 'transcripts')

describe('ManageSieve', () => {
  for (const file of globSync('*.transcript', { cwd: folder }).sort())
    for (const way of ways) {
      const transcript = readFileSync(join(folder, file), 'utf8')
      // In the clear and behind TLS it may have to wait for an answer before it can go on.
      it(`${file}, ${way}`, () => play(transcript, way))
    }
})
