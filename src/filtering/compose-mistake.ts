// The mail by which the owner of a script learns that it has a mistake: where, and what to do.
import type { Address } from '../address/address.ts'
import { composeNoticeMail } from '../notice/compose-mail.ts'
import type { Notice } from '../notice/notice.ts'
import { type MistakeFacts, mistakeTexts } from './notice-texts.ts'

export interface MistakeMail extends MistakeFacts {
  readonly to: Address
  readonly hostname: string
  readonly language: 'en' | 'ru'
  readonly at: number
  /** Of this mail. */
  readonly queueId: string
}

/** Seven bits, with CRLF line ends, unless the address is internationalised. */
export function composeMistake(mail: MistakeMail): Uint8Array {
  const { to, hostname, language, script } = mail
  const texts = mistakeTexts[language]
  const subject = texts.subject(script)
  const notice: Notice = {
    groups: [
      {
        opening: texts.opening(script),
        blocks: [
          {
            about: [],
            sentences: [
              { label: texts.where, text: texts.place(mail) },
              { label: texts.what, text: mail.problem },
              { text: texts.meaning },
              { text: texts.next },
            ],
          },
        ],
      },
    ],
    details: {
      title: texts.message,
      rows: [
        { label: texts.fromLabel, text: mail.from },
        { label: texts.subjectLabel, text: mail.subject },
      ],
    },
    closing: texts.closing(hostname),
  }
  return composeNoticeMail({ ...mail, to: [to], notice, subject, senderName: texts.senderName })
}
