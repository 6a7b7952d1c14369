// Delivery to accounts of ours: into the mailbox, on the terminal, or both (RFC 5321 §4.4, RFC 821 §3.4).
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import type { TakeDmarcReport } from '../dmarc-report/receive-report.ts'
import { composeDeliveredTo, composeReturnPath } from '../message/trace-fields.ts'
import { verdictField } from '../message/verdict-field.ts'
import type { ClaimedWork, QueuedRecipient } from '../queue/records.ts'
import type { Route } from '../routing/route.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import { readHead } from '../storage/read-head.ts'
import type { TakeTlsReport } from '../tls-report/receive-report.ts'
import type { NoteReport } from './incoming-reports.ts'
import { findNoRoom, isAlwaysTaken, type RoomRules, spareForAccepted } from './mailbox-room.ts'
import type { Attempted } from './plan-settlement.ts'
import type { ScriptDelivery } from './script-delivery.ts'
import { formatForTerminal } from './terminal-text.ts'

/** Live sessions that users have opened: true when at least one of this address has shown the text. */
export interface TerminalDisplay {
  /** `key` as `addressKey` gives it. */
  show(key: string, text: string): Promise<boolean>
}

export interface LocalRecipient {
  readonly recipient: QueuedRecipient
  readonly route: Extract<Route, { kind: 'mailbox' }>
}

export interface LocalEnds {
  readonly ended: (attempted: Attempted) => void
  readonly failed: (recipient: QueuedRecipient, cause: unknown) => void
}

export interface LocalDeliveryOptions {
  readonly mailData: MailDataStore
  /** Without it nobody ever has a terminal open. */
  readonly terminals?: TerminalDisplay | undefined
  /** For what may be another server's report about mail of ours. */
  readonly noteReport: NoteReport
  /** Without it, what comes is filed whether or not there is room. */
  readonly room?: RoomRules | undefined
  /** Reads what another server reports on TLS with ours (RFC 8460). Never rejects. */
  readonly takeTlsReport?: TakeTlsReport | undefined
  /** Reads what another server reports on mail in our names (RFC 9990). Never rejects. */
  readonly takeDmarcReport?: TakeDmarcReport | undefined
  /** Runs the scripts of accounts. */
  readonly scripts: Pick<ScriptDelivery, 'apply'>
}

/** Its name, unless the account has another mailbox for it (RFC 6154). */
const junk = 'Junk'

/** More than this of a message is not shown on a terminal. */
const maxHeadBytes = 64 * 1024

export class LocalDelivery {
  readonly #options: LocalDeliveryOptions

  constructor(options: LocalDeliveryOptions) {
    this.#options = options
  }

  /** Each of them ends, or has failed by a fault of ours. Rejects when none of them has got so far. */
  async deliver(
    work: ClaimedWork,
    locals: readonly LocalRecipient[],
    { ended, failed }: LocalEnds,
  ): Promise<void> {
    const { disposition, id, isTlsReport, size } = work.message
    await this.#options.noteReport(
      work.message,
      work.mailDataId,
      locals.map(({ recipient }) => recipient),
    )
    if (isTlsReport) {
      const { isReport, traceFields } = work.message
      const { mailDataId } = work
      await this.#options.takeTlsReport?.({ queueId: id, mailDataId, size, isReport, traceFields })
    }
    await this.#options.takeDmarcReport?.({
      ...work.message,
      mailDataId: work.mailDataId,
      addresses: locals.flatMap(({ recipient: { expandedFrom = [], forwardPath } }) => [
        ...expandedFrom,
        forwardPath,
      ]),
    })
    const text = disposition === 'mail' ? '' : await this.#readText(work)
    const attempts: Attempted[] = []
    const scripted: LocalRecipient[] = []
    for (const { recipient, route } of locals) {
      const attempt = { work, recipient }
      const shown = disposition !== 'mail' && (await this.#show(route.address, text))
      // SEND: the terminal only; SOML: the mailbox when there is no terminal; SAML: both (RFC 821 §3.4).
      if (disposition === 'send' && !shown) attempts.push({ ...attempt, outcome: noTerminal })
      else if (shown && disposition !== 'saml') attempts.push({ ...attempt, outcome: { kind: 'shown' } })
      else if (route.scriptId === undefined)
        attempts.push(await fileInMailbox(this.#options.room, work, { recipient, route }))
      else scripted.push({ recipient, route })
    }
    for (const attempted of attempts) ended(attempted)
    // A script may take its time; the others have theirs.
    await Promise.all(
      scripted.map(async local => {
        const without = placeInMailbox(this.#options.room, work, local)
        try {
          ended(await this.#options.scripts.apply(work, local, without))
        } catch (cause) {
          failed(local.recipient, cause)
        }
      }),
    )
  }

  async #readText({ mailDataId }: ClaimedWork): Promise<string> {
    return formatForTerminal(await readHead(this.#options.mailData.read(mailDataId), maxHeadBytes))
  }

  async #show(address: Address, text: string): Promise<boolean> {
    return (await this.#options.terminals?.show(addressKey(address), text)) ?? false
  }
}

/** Into which mailbox it is to be filed where no script says otherwise; or that there is no room for it. */
export async function fileInMailbox(
  rules: RoomRules | undefined,
  work: ClaimedWork,
  local: LocalRecipient,
): Promise<Attempted> {
  const placed = placeInMailbox(rules, work, local)
  const bytes = placed.filing?.room?.bytes
  const refused =
    rules && bytes !== undefined && (await findNoRoom(rules, work, local, { bytes, messages: 1 }))
  return refused ? { work, recipient: local.recipient, outcome: refused } : placed
}

/** The same, whether or not there is room, and with which trace fields. */
function placeInMailbox(
  rules: RoomRules | undefined,
  work: ClaimedWork,
  { recipient, route }: LocalRecipient,
): Attempted {
  const { isQuarantined, reversePath, traceFields: found = '' } = work.message
  const { accountId } = route
  const isJunk = isQuarantined === true && recipient.isWanted !== true
  const mailbox = isJunk ? junk : route.mailbox
  const traceFields =
    composeReturnPath(reversePath) +
    composeDeliveredTo(...(recipient.expandedFrom ?? []), recipient.forwardPath) +
    (recipient.isWanted ? found.replace(verdictField, '') : found)
  const size = work.message.size + Buffer.byteLength(traceFields)
  return {
    work,
    recipient,
    outcome: { kind: 'delivered', mailbox },
    filing: {
      accountId,
      mailbox,
      traceFields,
      isWanted: recipient.isWanted,
      ...(isJunk ? { specialUse: junk } : {}),
      ...(rules
        ? {
            room: {
              bytes: size,
              usual: rules.usual,
              spare: isAlwaysTaken(recipient) ? Infinity : spareForAccepted,
            },
          }
        : {}),
    },
  }
}

const noTerminal: Attempted['outcome'] = {
  kind: 'deferred',
  diagnosis: {
    stage: 'mailbox',
    cause: 'other',
    status: '4.2.1',
    detail: 'SEND shows a message on an open terminal, and none is open',
  },
}
