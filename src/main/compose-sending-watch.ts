// The watch over what accounts send, by the settings: one in each front, for what they send, and one in the delivery thread,
// for what comes of it.
import type { Settings } from '../config/settings.ts'
import { SendingWatch, type SendingWatchOptions } from '../sending/sending-watch.ts'

export function composeSendingWatch({
  settings: { submission },
  ...parts
}: Pick<SendingWatchOptions, 'storage' | 'clock' | 'log'> & {
  readonly settings: Pick<Settings, 'submission'>
}): SendingWatch {
  const { holdSuspects, bulkSenders } = submission
  return new SendingWatch({ ...parts, holdsSuspects: holdSuspects, bulkSenders })
}
