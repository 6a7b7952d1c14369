// What readings of messages have come to: structures and words (docs/adr/0031, docs/adr/0035).
import { defineRead, defineWrite } from '../storage/operation.ts'
import { type KeptWords, putWords } from './message-words.ts'
import { type KeptStructure, putStructures } from './structures.ts'

/** Messages that are still to be read, by the ids of their mail data. */
export interface WantedReadings {
  /** In the order in which they came: sessions ask for them soon. */
  readonly structures: readonly number[]
  /** The newest first: that is what somebody searches. */
  readonly words: readonly number[]
}

export const findWantedReadings = defineRead(
  'mailbox.find-wanted-readings',
  async (tx, { limit }: { readonly limit: number }): Promise<WantedReadings> => {
    const structures = await tx.all<{ mail_data_id: number }>(
      'SELECT mail_data_id FROM structure_wanted ORDER BY mail_data_id LIMIT ?',
      limit,
    )
    const words = await tx.all<{ mail_data_id: number }>(
      'SELECT DISTINCT mail_data_id FROM words_wanted ORDER BY mail_data_id DESC LIMIT ?',
      limit,
    )
    return {
      structures: structures.map(row => row.mail_data_id),
      words: words.map(row => row.mail_data_id),
    }
  },
)

export interface Readings {
  readonly structures: readonly KeptStructure[]
  readonly words: readonly KeptWords[]
}

export const keepReadings = defineWrite(
  'mailbox.keep-readings',
  async (tx, { structures, words }: Readings): Promise<void> => {
    // It locks accounts, which comes first.
    await putWords(tx, words)
    await putStructures(tx, structures)
  },
)
