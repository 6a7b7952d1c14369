// A test of each transcript in a folder, in each of its ways, and with services of either tempo.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { parseTranscript, type Tempo, type Transcript, type Way } from './transcript.ts'

export function testTranscripts(
  folder: string,
  play: (transcript: Transcript, way: Way, tempo: Tempo) => Promise<void>,
): void {
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
}
