// What a mailbox keeps beside the rows of its messages, as these have it.
import { mailDataSize } from '../storage/mail-data-rows.ts'
import type { Tx } from '../storage/operation.ts'
import { type Block, trim, uidsPerBlock } from './blocks.ts'
import { type CounterChange, countMessages } from './mailbox-row.ts'
import { parseKeywords, stateOf } from './message-state.ts'
import { rangesOf, type UidRange } from './uid-ranges.ts'

export interface Derived {
  readonly blocks: readonly Block[]
  readonly counters: CounterChange
  /** 0: it has no messages. */
  readonly lastUid: number
  readonly lastModSeq: number
  readonly keywords: ReadonlySet<string>
  /** Messages whose rows tell another size than what they are made of has. */
  readonly missized: readonly UidRange[]
  /** Messages whose mail data is not there. */
  readonly lost: readonly UidRange[]
}

interface Row {
  readonly uid: number
  readonly flags: number
  readonly keywords: string
  readonly mod_seq: number
  /** Of what it is made of; as `told` where that is not there. */
  readonly size: number
  readonly told: number
  /** NULL: its mail data is not there. */
  readonly mail_data_id: number | null
}

const pageRows = 5000

export async function deriveMailbox(tx: Tx, mailboxId: number): Promise<Derived> {
  const octets = new Map<number, Uint8Array>()
  const counters = { messages: 0, unseen: 0, deleted: 0, bytes: 0, deletedBytes: 0 }
  const keywords = new Set<string>()
  const [missized, lost]: [number[], number[]] = [[], []]
  let [lastUid, lastModSeq] = [0, 0]
  for (;;) {
    const rows = await tx.all<Row>(
      `SELECT uid, flags, keywords, mod_seq, mailbox_message.size AS told, mail_data.id AS mail_data_id,
              COALESCE(${mailDataSize} + octet_length(trace_fields), mailbox_message.size) AS size
         FROM mailbox_message LEFT JOIN mail_data ON mail_data.id = mail_data_id
        WHERE mailbox_id = ? AND uid > ? ORDER BY uid LIMIT ?`,
      mailboxId,
      lastUid,
      pageRows,
    )
    for (const row of rows) {
      const number = Math.floor(row.uid / uidsPerBlock)
      const states = octets.get(number) ?? new Uint8Array(uidsPerBlock)
      states[row.uid % uidsPerBlock] = stateOf(row)
      octets.set(number, states)
      for (const keyword of parseKeywords(row.keywords)) keywords.add(keyword)
      lastModSeq = Math.max(lastModSeq, row.mod_seq)
      if (row.size !== row.told) missized.push(row.uid)
      if (row.mail_data_id === null) lost.push(row.uid)
    }
    const page = countMessages(rows)
    for (const name of Object.keys(counters) as (keyof CounterChange)[]) counters[name] += page[name]
    const last = rows.at(-1)
    if (!last) break
    lastUid = last.uid
  }
  return {
    blocks: [...octets].map(([number, states]) => ({ number, states: trim(states) })),
    counters,
    lastUid,
    lastModSeq,
    keywords,
    missized: rangesOf(missized),
    lost: rangesOf(lost),
  }
}
