// COPYUID (RFC 4315 §3): which UIDs the messages have where COPY or MOVE has put them.
import { codes, type ResponseCode } from '../responses/codes.ts'
import type { Copied } from './mailbox-services.ts'

/** Of no message there is none. */
export function copyUidOf({ uidValidity, from, to }: Copied): ResponseCode | undefined {
  return from.length > 0 ? codes.copyUid(uidValidity, from, to) : undefined
}
