// A message that has come whole, before it is accepted: what lists of senders, the hook file, scanners and the score say of it, and
// what becomes of it for each recipient.
import type { Address } from '../address/address.ts'
import type { AuthenticationEvidence } from '../mail-authentication/evidence.ts'
import { findUnspokenOwn } from '../mail-authentication/unspoken-own.ts'
import type { RoomEvidence } from '../policy/check-room.ts'
import { type CheckedMessage, isStranger } from '../policy/check-strangers.ts'
import {
  describeHooked,
  describeMessage,
  type HookedAnswer,
  type MessageHooks,
} from '../policy/session-hooks.ts'
import type { NewMessage } from '../queue/new-message.ts'
import type { QueueId } from '../queue/queue-id.ts'
import type { HeaderFieldToAdd, MessageChanges, Specimen } from '../scanner/contract.ts'
import type { Attending } from '../screening/run-scanners.ts'
import type { Screened, Screening, ScreeningEvidence } from '../screening/screen.ts'
import type { OutgoingScreened, OutgoingScreening } from '../screening/screen-outgoing.ts'
import { decideSender, doesCount, isProvenBy, type SenderDecision } from '../sender-list/sender-list.ts'
import type { SenderLists } from '../sender-list/sender-lists.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import type { AuthenticatedAccount, Client, MailTransaction } from '../smtp/server/services.ts'
import type { HookRemark, ListedRecipient } from '../trail/events.ts'
import { describeDecisions, type Judged, judgeMessage } from './judge-message.ts'

export interface InspectionParts {
  readonly hostname: string
  /** Whose mail is wanted, and whose not. Default: nobody's is on a list. */
  readonly senderLists?: SenderLists | undefined
  /** Whether mail of strangers is wanted. Default: all is. */
  readonly screening?: Screening | undefined
  /** Of what our accounts send. Default: nobody looks at it. */
  readonly outgoing?: OutgoingScreening | undefined
  readonly suspects?: OutgoingSuspects | undefined
}

/** What becomes of an account of ours that sends what scanners find. */
export interface OutgoingSuspects {
  /** Too many points. A reply: it is not to be taken. */
  spam(account: AuthenticatedAccount, because: string): Promise<Reply | undefined>
  /** What a scanner refuses. Never rejects. */
  refused(account: AuthenticatedAccount, because: string): Promise<void>
}

export interface MessageToInspect {
  readonly client: Client
  readonly transaction: MailTransaction
  readonly specimen: Specimen
  /** Of a stranger's. */
  readonly checked: CheckedMessage | undefined
  readonly authors: readonly Address[]
  /** The hook file of the administrator's. */
  readonly hooks?: MessageHooks | undefined
  /** Scanners that have followed its transaction. */
  readonly attending?: Attending | undefined
}

/** Why a message is refused, and what else was found: for the trail. */
export interface RefusalEvidence {
  /** What its reply calls it, by which whoever has met it asks about it. */
  readonly id?: QueueId | undefined
  readonly authentication?: AuthenticationEvidence | undefined
  readonly screening?: ScreeningEvidence | undefined
  /** Lists of senders that decided. */
  readonly lists?: readonly ListedRecipient[] | undefined
  readonly hooks?: readonly HookRemark[] | undefined
  /** What its recipient has used of a quota. */
  readonly room?: RoomEvidence | undefined
}

export interface Inspected {
  readonly judged: Judged
  readonly evidence: RefusalEvidence
  /** For the trail of what is taken. */
  readonly checks: NonNullable<NewMessage['checks']>
  readonly headerFields: readonly HeaderFieldToAdd[]
  /** What filters of the administrator's make of it. */
  readonly changes?: MessageChanges | undefined
  /** Why it is put aside or away. */
  readonly because: string
}

const noAnswer: HookedAnswer = { isAccepted: false, lines: [], remarks: [] }

/** Rejects with a StorageFault. */
export async function inspectMessage(parts: InspectionParts, message: MessageToInspect): Promise<Inspected> {
  const { client, transaction, checked } = message
  const { recipients } = transaction
  const hooked = (await askHooks(message)) ?? noAnswer
  const decisions = hooked.reply ? [] : await askLists(parts, message)
  const screened = hooked.reply ? undefined : await screen(parts, message, decisions, hooked)
  const outgoing = hooked.reply ? undefined : await screenOutgoing(parts, message, hooked)
  const lists = describeDecisions({ recipients, decisions })
  const { remarks } = hooked
  const refusal = hooked.reply ?? outgoing?.refusal
  return {
    judged: refusal
      ? { kind: 'refuse', reply: refusal }
      : judgeMessage({
          recipients,
          decisions,
          screened,
          isSuspicious: checked?.verdict.kind === 'quarantine',
          isAccepted: hooked.isAccepted,
        }),
    evidence: {
      authentication: checked?.evidence,
      screening: screened?.evidence ?? outgoing?.screened.evidence,
      ...(lists.length > 0 ? { lists } : {}),
      ...(remarks.length > 0 ? { hooks: remarks } : {}),
    },
    checks: [
      ...(checked ? describeCheck(checked) : []),
      ...(remarks.length > 0 ? [describeHooked(client, remarks)] : []),
      ...describeScreening(screened, lists),
      ...(outgoing ? describeOutgoing(outgoing.screened) : []),
    ],
    headerFields: screened?.headerFields ?? outgoing?.screened.headerFields ?? [],
    changes: screened?.changes ?? outgoing?.screened.changes,
    because: screened && 'because' in screened.verdict ? screened.verdict.because : '',
  }
}

/** What was said of the session before counts too. undefined: there is no hook file. */
async function askHooks({ hooks, specimen, checked }: MessageToInspect): Promise<HookedAnswer | undefined> {
  const { queueId, size } = specimen
  const evidence = checked?.evidence ?? {}
  return await hooks?.data(async () =>
    describeMessage(
      {
        queueId,
        size,
        provenDomains: provenDomains(evidence),
        ...(evidence.dmarc ? { dmarc: evidence.dmarc.result } : {}),
      },
      specimen.open(),
    ),
  )
}

/** What the lists of senders say, for each recipient; empty: nothing, to anybody. */
async function askLists(
  { senderLists, hostname }: InspectionParts,
  { client, transaction, checked, authors }: MessageToInspect,
): Promise<readonly (SenderDecision | undefined)[]> {
  if (!senderLists || !isStranger(client)) return []
  const names = { reversePath: transaction.reversePath, authors }
  const recipients = transaction.recipients.map(({ forwardPath }) => forwardPath)
  const entries = await senderLists.find({ names, recipients, hostname })
  const { evidence = {} } = checked ?? {}
  const proof = {
    isProven: (domain: string): boolean => isProvenBy(evidence, domain),
    unprovenOwn: findUnspokenOwn(evidence),
  }
  return entries.map(ofRecipient => decideSender(ofRecipient, names, proof))
}

/** undefined: it is not looked at. */
async function screen(
  { screening }: InspectionParts,
  { client, transaction, specimen, checked, attending }: MessageToInspect,
  decisions: readonly (SenderDecision | undefined)[],
  { lines, isAccepted }: HookedAnswer,
): Promise<Screened | undefined> {
  if (!screening || !isStranger(client) || !(screening.isOn || lines.length > 0)) return undefined
  const { reversePath, recipients } = transaction
  const [only, second] = recipients
  return await screening.screen(specimen, {
    onlyRecipient: second ? undefined : only?.forwardPath,
    reversePath,
    recipients: recipients.map(({ forwardPath }) => forwardPath),
    provenDomain: checked && provenDomains(checked.evidence)[0],
    origin: checked && { evidence: checked.evidence, isActedUpon: checked.verdict.kind !== 'accept' },
    lines,
    attending,
    isAllowed: isAccepted || decisions.some(decision => decision?.verdict === 'allow' && doesCount(decision)),
  })
}

interface LookedAtOutgoing {
  readonly screened: OutgoingScreened
  readonly refusal?: Reply | undefined
}

/** Of an account of ours. undefined: it is not looked at. */
async function screenOutgoing(
  { outgoing, suspects }: InspectionParts,
  { client: { account }, specimen, attending }: MessageToInspect,
  { lines, isAccepted }: HookedAnswer,
): Promise<LookedAtOutgoing | undefined> {
  if (!account || !outgoing?.isOn(lines)) return undefined
  const screened = await outgoing.screen(specimen, lines, attending)
  const { verdict } = screened
  switch (verdict.kind) {
    case 'accept':
      return { screened }
    case 'defer':
      return { screened, refusal: replies.outgoingLater(verdict.told) }
    case 'refuse':
      if (verdict.isUnseen) return { screened, refusal: replies.outgoingTooLarge(verdict.told) }
      await suspects?.refused(account, verdict.because)
      return { screened, refusal: replies.outgoingRefused(verdict.told) }
    case 'spam':
      return isAccepted ? { screened } : { screened, refusal: await suspects?.spam(account, verdict.because) }
    default:
      return verdict satisfies never
  }
}

type Checks = NonNullable<NewMessage['checks']>

function describeCheck({ evidence, verdict }: CheckedMessage): Checks {
  if (verdict.kind === 'refuse') return []
  return [
    {
      kind: 'authenticated',
      authentication: evidence,
      verdict: verdict.kind,
      ...(verdict.because === undefined ? {} : { because: verdict.because }),
    },
  ]
}

/** Where nothing was said there is nothing to keep. */
function describeScreening(screened: Screened | undefined, lists: readonly ListedRecipient[]): Checks {
  const { evidence = { score: 0, lines: [] }, verdict = { kind: 'accept' as const } } = screened ?? {}
  const isSilent =
    evidence.lines.length === 0 &&
    evidence.notAsked === undefined &&
    evidence.changes === undefined &&
    lists.length === 0
  if (isSilent && verdict.kind === 'accept') return []
  return [
    {
      kind: 'screened',
      screening: evidence,
      verdict: nameOf(verdict),
      ...(verdict.kind === 'accept' ? {} : { because: verdict.because }),
      ...(lists.length > 0 ? { lists } : {}),
    },
  ]
}

/** Of what is taken. What would be refused of others is taken for postmaster. */
function nameOf({ kind }: Screened['verdict']): 'accept' | 'junk' | 'quarantine' {
  if (kind === 'refuse') return 'junk'
  return kind === 'defer' ? 'accept' : kind
}

function describeOutgoing({ evidence, verdict }: OutgoingScreened): Checks {
  const isSilent =
    evidence.lines.length === 0 && evidence.notAsked === undefined && evidence.changes === undefined
  if (isSilent && verdict.kind === 'accept') return []
  return [
    {
      kind: 'screened',
      screening: evidence,
      verdict: verdict.kind === 'spam' ? 'hold' : 'accept',
      ...(verdict.kind === 'accept' ? {} : { because: verdict.because }),
    },
  ]
}

/** That of the author before that of the sender, and that before those that have signed it. */
function provenDomains({ dmarc, spf = [], dkim = [] }: AuthenticationEvidence): readonly string[] {
  const [sender] = spf
  return [
    ...new Set(
      [
        dmarc?.result === 'pass' ? dmarc.domain : undefined,
        sender?.result === 'pass' ? sender.domain : undefined,
        ...dkim.map(({ result, domain }) => (result === 'pass' ? domain : undefined)),
      ].filter(domain => domain !== undefined),
    ),
  ]
}
