// Whether what an account sends now is so far from what it sent before that a stranger may have its password. Pure: the
// figures come from the database (sending-counts.ts).

/** Recipients elsewhere. */
export interface SendingFigures {
  /** Of this hour and the one before. */
  readonly recipients: number
  /** Of these, those to whom the account had never written. */
  readonly newRecipients: number
  /** Of the last 24 hours: those of whom the end is known, and of these, those that do not exist. */
  readonly ended: number
  readonly failed: number
  /** Of the 30 days before these 24 hours. */
  readonly before: {
    readonly busiestHour: number
    readonly ended: number
    readonly failed: number
  }
}

export type Suspicion = 'rate' | 'failures'

/** Less is no flood, whatever was before. */
const leastRecipients = 100
/** Who has sent nothing yet may begin with an announcement. */
const leastOfNewcomer = 300
const timesBusiest = 5
const shareOfNew = 0.5
const leastFailed = 30
const shareOfFailed = 0.3
const timesFailed = 3
/** Of who may write to many: a list that was never cleaned is told, a usual one is not. */
const leastFailedOfBulk = 200
const shareOfFailedOfBulk = 0.5

export function judgeSending(figures: SendingFigures, isBulkSender: boolean): Suspicion | undefined {
  const { recipients, newRecipients, ended, failed, before } = figures
  if (isBulkSender)
    return failed >= leastFailedOfBulk && failed >= shareOfFailedOfBulk * ended ? 'failures' : undefined
  const least =
    before.busiestHour === 0 ? leastOfNewcomer : Math.max(leastRecipients, timesBusiest * before.busiestHour)
  if (recipients >= least && newRecipients >= shareOfNew * recipients) return 'rate'
  const usual = before.ended === 0 ? 0 : before.failed / before.ended
  const share = ended === 0 ? 0 : failed / ended
  if (failed >= leastFailed && share >= shareOfFailed && share >= timesFailed * usual) return 'failures'
  return undefined
}

/** In English, for the record. */
export function describeSuspicion(suspicion: Suspicion, figures: SendingFigures): string {
  const { recipients, newRecipients, ended, failed, before } = figures
  switch (suspicion) {
    case 'rate':
      return `${recipients} recipients elsewhere within two hours, ${newRecipients} of them never written to before; the busiest hour of the 30 days before had ${before.busiestHour}`
    case 'failures':
      return `${failed} of the ${ended} recipients of the last day do not exist; in the 30 days before it were ${before.failed} of ${before.ended}`
    default:
      return suspicion satisfies never
  }
}
