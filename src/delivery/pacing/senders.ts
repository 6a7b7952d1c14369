// How much each sender may have under way, and send in a time: who sends much waits in a line of its own, so that who sends
// little passes by.

import { addressKey } from '../../address/address-key.ts'
import { addressOfAccount } from '../../directory/accounts.ts'
import { type GateKey, isSenderGate, senderGate } from '../../queue/gates.ts'
import type { QueuedMessage, QueuedRecipient } from '../../queue/records.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Storage } from '../../storage/operation.ts'
import { Allowance } from './allowance.ts'
import type { Closure } from './destination-health.ts'
import { type SenderLimit, type SenderRules, senderLimitBy } from './sender-limits.ts'

export interface SendersParts {
  readonly storage: Pick<Storage, 'run' | 'onWake'>
  readonly clock: Clock
  readonly rules: SenderRules
  /** Somebody stands there before it. */
  readonly hasLine: (gate: GateKey) => boolean
  /** There may be room at a gate. */
  readonly roomAgain: () => void
}

/** Of one sender, while mail that is due waits. */
const maxUnderWay = 1000
/** Mail that is due waits for its turn longer than this: others may be waiting behind it. */
const lateMs = 2000

/** Limits of so many senders are held in memory. */
const maxAllowances = 1000

export interface Admitted {
  readonly admitted: readonly QueuedRecipient[]
  readonly standing: readonly QueuedRecipient[]
  readonly gate: GateKey
  readonly closure?: Closure | undefined
}

/** What several recipients took together. */
interface Counted {
  readonly allowance: Allowance
  readonly takenAt: number
}

interface Passing {
  readonly granted: number
  /** Undefined: nothing was taken. */
  readonly counted?: Counted
}

/** As the sender of the message named it. */
function namedAddressOf({ expandedFrom: [first] = [], forwardPath }: QueuedRecipient): string {
  return addressKey(first ?? forwardPath)
}

export class Senders {
  readonly #parts: SendersParts
  readonly #underWay = new Map<GateKey, number>()
  readonly #senderOf = new Map<number, GateKey>()
  /** Of recipients under way: what they have taken of the limit of their sender. */
  readonly #countedFor = new Map<number, Counted>()
  readonly #closures = new Map<GateKey, Closure>()
  readonly #allowances = new Map<GateKey, Allowance>()
  /** Their addresses, by id. */
  readonly #accounts = new Map<number, string>()
  /** How long what was claimed last had been due. */
  lateBy = 0

  constructor(parts: SendersParts) {
    this.#parts = parts
    parts.storage.onWake('directory', () => this.#accounts.clear())
  }

  /** Rejects with a StorageFault when its limits cannot be asked. */
  async admit(
    message: QueuedMessage,
    recipients: readonly QueuedRecipient[],
    from: GateKey | undefined,
  ): Promise<Admitted> {
    const limit = await this.#limitOf(message)
    const gate = limit?.gate ?? senderGate(message)
    // It has passed here before.
    const hasPassed = from !== undefined && !isSenderGate(from)
    if (!hasPassed && from !== gate && this.#hasToStand(gate))
      return { admitted: [], standing: recipients, gate, closure: this.#closureOf(gate) }
    const allowed = hasPassed || !limit ? undefined : await this.#allow(limit, recipients)
    const granted = allowed?.granted ?? recipients.length
    const admitted = recipients.slice(0, granted)
    for (const { id, attempts } of admitted) {
      this.#senderOf.set(id, gate)
      if (allowed?.counted && attempts === 0) this.#countedFor.set(id, allowed.counted)
    }
    this.#count(gate, admitted.length)
    return { admitted, standing: recipients.slice(granted), gate, closure: this.#closureOf(gate) }
  }

  /**
   * For accounts of ours: only a limit of its sender makes such mail wait. Whom a group or an alias has led there was named by
   * one address, and counts once. Rejects as `admit`.
   */
  async admitLocal(message: QueuedMessage, recipients: readonly QueuedRecipient[]): Promise<Admitted> {
    // What a stranger sends to us is no sending of ours, whatever his address.
    const isOurs = message.accountId !== undefined || message.isLocal === true
    const limit = isOurs ? await this.#limitOf(message) : undefined
    const gate = limit?.gate ?? senderGate(message)
    if (!limit) return { admitted: recipients, standing: [], gate }
    const named = [...Map.groupBy(recipients, namedAddressOf).values()]
    const firsts = named.flatMap(([first]) => first ?? [])
    const { granted } = this.#closureOf(gate) ? { granted: 0 } : await this.#allow(limit, firsts)
    return {
      admitted: named.slice(0, granted).flat(),
      standing: named.slice(granted).flat(),
      gate,
      closure: this.#closureOf(gate),
    }
  }

  ended(recipientIds: readonly number[]): void {
    for (const id of recipientIds) {
      this.#countedFor.delete(id)
      const gate = this.#senderOf.get(id)
      if (gate === undefined) continue
      this.#senderOf.delete(id)
      this.#count(gate, -1)
    }
  }

  roomBehind(gate: GateKey): number {
    return this.#closureOf(gate) ? 0 : Math.max(0, maxUnderWay / 2 - (this.#underWay.get(gate) ?? 0))
  }

  /** Those on whom nothing was begun: when their turn comes again, they are counted again. Never rejects. */
  async giveBack(recipientIds: readonly number[]): Promise<void> {
    const counted = recipientIds.flatMap(id => this.#countedFor.get(id) ?? [])
    for (const id of recipientIds) this.#countedFor.delete(id)
    const unused = [...Map.groupBy(counted, one => one)]
    await Promise.allSettled(
      unused.map(([{ allowance, takenAt }, { length }]) => allowance.giveBack(length, takenAt)),
    )
  }

  /** Gives back what was not used. Never rejects. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#allowances.values()].map(allowance => allowance.close()))
  }

  #hasToStand(gate: GateKey): boolean {
    if (this.#parts.hasLine(gate) || this.#closureOf(gate)) return true
    return this.lateBy > lateMs && (this.#underWay.get(gate) ?? 0) >= maxUnderWay
  }

  #closureOf(gate: GateKey): Closure | undefined {
    const closure = this.#closures.get(gate)
    if (!closure || closure.until > this.#parts.clock.now()) return closure
    this.#closures.delete(gate)
    return undefined
  }

  async #limitOf(message: QueuedMessage): Promise<SenderLimit | undefined> {
    const { rules } = this.#parts
    const { accountId } = message
    if (rules.limits.length === 0 && (accountId === undefined || !rules.accountLimits)) return undefined
    return senderLimitBy(
      rules,
      message,
      accountId === undefined ? undefined : await this.#addressOf(accountId),
    )
  }

  async #addressOf(accountId: number): Promise<string | undefined> {
    const known = this.#accounts.get(accountId)
    if (known !== undefined) return known
    const address = await this.#parts.storage.run(addressOfAccount, { id: accountId })
    if (address !== undefined) this.#accounts.set(accountId, address)
    return address
  }

  /** For how many of them its limit leaves room. One that was tried before has been counted. */
  async #allow(limit: SenderLimit, recipients: readonly QueuedRecipient[]): Promise<Passing> {
    const wanted = recipients.filter(({ attempts }) => attempts === 0).length
    if (wanted === 0) return { granted: recipients.length }
    const allowance = this.#allowanceOf(limit)
    const { granted, takenAt, moreAt, diagnosis } = await allowance.take(wanted)
    if (moreAt !== undefined && diagnosis)
      this.#closeUntil(limit.gate, { reason: 'limit', until: moreAt, diagnosis })
    return { granted: granted === wanted ? recipients.length : granted, counted: { allowance, takenAt } }
  }

  #allowanceOf({ gate, name, limits }: SenderLimit): Allowance {
    const known = this.#allowances.get(gate)
    if (known) return known
    const { storage, clock } = this.#parts
    const allowance = new Allowance({ storage, clock, key: gate, name, limitsNow: () => limits })
    this.#allowances.set(gate, allowance)
    this.#forgetOldest()
    return allowance
  }

  /** What one is left is in the database when it has been given back. */
  #forgetOldest(): void {
    const [oldest] = this.#allowances
    if (this.#allowances.size <= maxAllowances || !oldest) return
    this.#allowances.delete(oldest[0])
    oldest[1].close().catch(() => {}) // it counts as used
  }

  #closeUntil(gate: GateKey, closure: Closure): void {
    const { clock, roomAgain } = this.#parts
    this.#closures.set(gate, closure)
    clock.after(closure.until - clock.now(), roomAgain)
  }

  #count(gate: GateKey, by: number): void {
    const sum = (this.#underWay.get(gate) ?? 0) + by
    if (sum > 0) this.#underWay.set(gate, sum)
    else this.#underWay.delete(gate)
  }
}
