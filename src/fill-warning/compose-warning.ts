// The message to an owner whose mailboxes fill up.
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import type { Quota } from '../mailbox/quota.ts'
import { composeNoticeMail } from '../notice/compose-mail.ts'
import type { Notice } from '../notice/notice.ts'
import type { Language } from '../queue/records.ts'
import { describeNumber, describeSize, type WarningFacts, type WarningTexts, warningTexts } from './texts.ts'

export interface WarningOptions {
  readonly address: Address
  readonly language: Language
  readonly quota: Quota & { readonly level: 80 | 95 }
  readonly hostname: string
  readonly at: number
  /** Of the message. */
  readonly queueId: string
}

export function composeWarning(options: WarningOptions): {
  readonly subject: string
  readonly mail: Uint8Array
} {
  const { address, language, quota, hostname } = options
  const texts = warningTexts[language]
  const facts = { address: formatAddress(address), hostname, percent: percentOf(quota), quota }
  const subject = texts.subject(facts)
  const notice = composeNotice(facts, quota.level, texts)
  const { senderName } = texts
  return { subject, mail: composeNoticeMail({ ...options, to: [address], subject, notice, senderName }) }
}

function composeNotice(facts: WarningFacts, level: 80 | 95, texts: WarningTexts): Notice {
  const { address, hostname, quota } = facts
  const { used, limit } = quota
  const { account, size, messages } = texts.labels
  return {
    groups: [
      {
        opening: texts.opening(facts),
        blocks: [
          {
            about: [address],
            sentences: [{ text: texts.happened(facts) }, { text: texts.meaning[level] }],
            steps: { title: texts.stepsTitle, items: texts.steps.map(text => ({ text })) },
          },
        ],
      },
    ],
    details: {
      title: texts.detailsTitle,
      rows: [
        { label: account, text: address },
        ...(limit.bytes > 0 ? [{ label: size, text: describeSize(used, limit, texts) }] : []),
        ...(limit.messages > 0 ? [{ label: messages, text: describeNumber(used, limit, texts) }] : []),
      ],
    },
    closing: texts.closing(hostname),
  }
}

/** Of the limit that is nearer. */
function percentOf({ used, limit }: Quota): number {
  const parts = (['bytes', 'messages'] as const).map(kind =>
    limit[kind] > 0 ? (100 * used[kind]) / limit[kind] : 0,
  )
  return Math.floor(Math.max(...parts))
}
