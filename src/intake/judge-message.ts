// What becomes of a stranger's message for each of its recipients, by what their lists of senders say, and by its score.
import { formatAddress } from '../address/format-address.ts'
import { isRoleAddress } from '../directory/keys.ts'
import type { Screened } from '../screening/screen.ts'
import { doesCount, type SenderDecision } from '../sender-list/sender-list.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import type { Recipient } from '../smtp/server/services.ts'
import type { ListedRecipient } from '../trail/events.ts'

export interface MessageToJudge {
  readonly recipients: readonly Recipient[]
  /** Of the recipients, in their order; empty: nobody's list is about it. */
  readonly decisions: readonly (SenderDecision | undefined)[]
  readonly screened?: Screened | undefined
  /** Whether it is from where it says that it is, is in doubt: no list changes that. */
  readonly isSuspicious: boolean
  /** A hook of the administrator's wants it taken, whatever its score. */
  readonly isAccepted?: boolean | undefined
}

type Fate = 'inbox' | 'junk' | 'quarantine'

export interface JudgedRecipient {
  readonly recipient: Recipient
  readonly fate: Fate
}

export type Judged =
  | { readonly kind: 'refuse'; readonly reply: Reply }
  | { readonly kind: 'take'; readonly recipients: readonly JudgedRecipient[] }

/** One reply is all that there is for a message: what some of its recipients do not want, and others do, is taken. */
export function judgeMessage(question: MessageToJudge): Judged {
  const { recipients, screened, isSuspicious } = question
  const each = recipients.map((recipient, index) => ({ recipient, voice: voiceOf(question, index) }))
  const found = screened?.verdict ?? { kind: 'accept' as const }
  const blocked = each.filter(({ voice }) => voice === 'block')
  if (blocked.length === each.length && each.length > 0) return { kind: 'refuse', reply: refuse(question) }
  // What a scanner refuses outright, or has not seen, may be a virus; only points are overruled.
  if (found.kind === 'refuse' && found.by === 'scanner')
    return { kind: 'refuse', reply: replies.scannerRefused(found.told) }
  // Whoever has trouble with this server reaches somebody there.
  const isForRoles = recipients.every(({ forwardPath }) => isRoleAddress(forwardPath))
  const isWanted = isForRoles || each.some(({ voice }) => voice === 'allow')
  if (found.kind === 'refuse' && !isWanted) return { kind: 'refuse', reply: replies.unwanted(found.told) }
  const verdict = found.kind === 'refuse' ? (found.otherwise ?? found) : found
  if (verdict.kind === 'defer' && (verdict.by === 'scanner' || !isForRoles))
    return { kind: 'refuse', reply: replies.screenedLater(verdict.told) }
  return {
    kind: 'take',
    recipients: each.map(({ recipient, voice }) => {
      const fate = fateOf(voice, verdict, recipient)
      return { recipient, fate: fate === 'inbox' && isSuspicious ? 'junk' : fate }
    }),
  }
}

/** What a scanner wants looked at first may be a virus too: only points are overruled. */
function fateOf(
  voice: 'allow' | 'block' | undefined,
  verdict: Screened['verdict'],
  recipient: Recipient,
): Fate {
  if (voice === 'block') return 'junk'
  const isOverruled = voice === 'allow' && !(verdict.kind === 'quarantine' && verdict.by === 'scanner')
  return isOverruled ? 'inbox' : fateBy(verdict, recipient)
}

/** Of what is taken: what would be refused of others is put away. */
function fateBy(verdict: Screened['verdict'], { forwardPath }: Recipient): Fate {
  switch (verdict.kind) {
    case 'quarantine':
      return isRoleAddress(forwardPath) ? 'junk' : 'quarantine'
    case 'junk':
    case 'refuse':
      return 'junk'
    // Of what is put off for its points only mail for a role is here.
    case 'defer':
    case 'accept':
      return 'inbox'
    default:
      return verdict satisfies never
  }
}

/** An entry that does not count says nothing, and no list keeps anybody from postmaster. */
function voiceOf(
  { recipients, decisions, isAccepted }: MessageToJudge,
  index: number,
): 'allow' | 'block' | undefined {
  const decision = decisions[index]
  const otherwise = isAccepted ? 'allow' : undefined
  if (!decision || !doesCount(decision)) return otherwise
  if (decision.verdict === 'allow') return 'allow'
  const recipient = recipients[index]
  return recipient && isRoleAddress(recipient.forwardPath) ? otherwise : 'block'
}

function refuse({ recipients, decisions }: MessageToJudge): Reply {
  const [first] = decisions
  return replies.senderBlocked(
    recipients.map(({ forwardPath }) => formatAddress(forwardPath)),
    first?.name ?? '',
    first?.list ?? 'account',
  )
}

/** For the trail. */
export function describeDecisions({
  recipients,
  decisions,
}: Pick<MessageToJudge, 'recipients' | 'decisions'>): readonly ListedRecipient[] {
  return decisions.flatMap((decision, index) => {
    const recipient = recipients[index]
    return decision && recipient ? [{ recipient: formatAddress(recipient.forwardPath), ...decision }] : []
  })
}
