// Every transcript, three ways: line by line, byte by byte, everything pipelined; and each with services that answer at
// once and with services that answer later. The replies must be the same.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { play } from './play.ts'
import { parseTranscript } from './transcript.ts'

const folder = import.meta.dirname
const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.transcript'))
  .toSorted()

for (const name of names) {
  const transcript = parseTranscript(name, readFileSync(join(folder, name), 'utf8'))
  suite(name, () => {
    for (const way of transcript.settings.ways) {
      for (const tempo of ['at-once', 'later'] as const)
        void test(`${way}, services answer ${tempo}`, () => play(transcript, way, tempo))
    }
  })
}
