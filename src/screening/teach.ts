// A message as a lesson for the statistical filter.
import type { Storage } from '../storage/operation.ts'
import { type Lesson, learnMessage } from './learning.ts'
import { WordCollector } from './words.ts'

/** 'known': it was taught before, as the same. */
export async function teach(
  storage: Pick<Storage, 'run'>,
  lesson: Omit<Lesson, 'words'>,
  mailData: AsyncIterable<Uint8Array>,
): Promise<'learned' | 'known'> {
  return await storage.run(learnMessage, { ...lesson, words: await wordsOf(mailData) })
}

export async function wordsOf(mailData: AsyncIterable<Uint8Array>): Promise<readonly number[]> {
  const collector = new WordCollector()
  for await (const piece of mailData) collector.take(piece)
  return collector.finish()
}
