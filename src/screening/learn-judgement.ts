// The filter learns what somebody has judged by moving mail into Junk or out of it: once, whichever of several servers does.
import { dropJudgement, type Judgement } from '../mailbox/judgements.ts'
import { defineWrite } from '../storage/operation.ts'
import { learnMessage } from './learning.ts'

export const learnJudgement = defineWrite(
  'screening.learn-judgement',
  async (
    tx,
    {
      judgement,
      words,
      now,
    }: {
      readonly judgement: Judgement
      /** undefined: nothing is learned of it. */
      readonly words: readonly number[] | undefined
      readonly now: number
    },
  ): Promise<void> => {
    if (!(await dropJudgement(tx, judgement)) || !words) return
    const { accountId, queueId: messageId, kind } = judgement
    await learnMessage.run(tx, { accountId, messageId, kind, words, now })
  },
)
