// The checks of strangers' mail: who is checked, with what, and what a message takes along of it.
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import type { Settings } from '../config/settings.ts'
import type { AuthenticationDns } from '../mail-authentication/bounded-dns.ts'
import type { AuthenticationEvidence } from '../mail-authentication/evidence.ts'
import { MessageAuthentication, type WantedChecks } from '../mail-authentication/message-authentication.ts'
import { composeResultsField } from '../mail-authentication/results-field.ts'
import { findAddressesAsNames, findAddressesWithinNames } from '../message/authors.ts'
import { findListAddresses } from '../message/list-addresses.ts'
import { verdictField } from '../message/verdict-field.ts'
import type { Client, MailTransaction } from '../smtp/server/services.ts'
import { type AuthenticationPolicy, judgeAuthentication, type Verdict } from './judge-authentication.ts'
import {
  type ForwardedMessage,
  type ForwarderParts,
  findKnownList,
  findWantedForwarder,
} from './known-forwarder.ts'
import { findOwnLookAlike, findUnprovenOwn } from './unproven-own.ts'

export interface StrangerChecks {
  /** undefined: nobody whose mail is checked. */
  begin(client: Client, transaction: MailTransaction): MessageCheck | undefined
}

/** One message, while it comes. One that is given up is only forgotten. */
export interface MessageCheck {
  /** As it came; before any of the body. `authors`: of its From field. */
  takeHeader(section: Uint8Array, authors: readonly Address[]): void
  /** Behind the empty line. */
  takeBody(piece: Uint8Array): void
  finish(): Promise<CheckedMessage>
}

export interface CheckedMessage {
  readonly verdict: Verdict
  readonly evidence: AuthenticationEvidence
  /** Header lines that go before the message. */
  readonly fields: string
}

export interface StrangerChecksOptions extends Omit<ForwarderParts, 'hostname'> {
  readonly settings: Pick<Settings, 'hostname' | 'mailAuthentication'>
  readonly dns: AuthenticationDns
  /** Where whoever is refused reads more; default: the standard. */
  readonly moreAt?: string | undefined
}

export function createStrangerChecks(parts: StrangerChecksOptions): StrangerChecks {
  const { settings, dns, moreAt, clock } = parts
  const { hostname, mailAuthentication: policy } = settings
  const wanted = wantedChecks(policy)
  const isAny = Object.values(wanted).includes(true)
  const options = { dns, clock, hostname, wanted, trustedSealers: policy.trustedArcSealers }
  return {
    begin(client, { reversePath, recipients }) {
      if (!isAny || !isStranger(client)) return undefined
      const { remoteAddress: clientAddress, heloName } = client
      const authentication = new MessageAuthentication(options, { clientAddress, heloName, reversePath })
      let written: WrittenNames = { authors: [], names: [], withinNames: [], lists: [] }
      return {
        takeHeader(section, authors) {
          written = {
            authors,
            names: findAddressesAsNames(section),
            withinNames: findAddressesWithinNames(section),
            lists: findListAddresses(section),
          }
          authentication.takeHeader(section)
        },
        takeBody: piece => authentication.takeBody(piece),
        async finish() {
          const found = await authentication.finish()
          const evidence = await lookFurther({ ...parts, hostname }, policy, {
            ...written,
            evidence: found,
            reversePath,
            recipients: recipients.map(({ forwardPath }) => forwardPath),
          })
          const verdict = judgeAuthentication(policy, evidence, { clientAddress, moreAt })
          const results = composeResultsField(hostname, clientAddress, evidence)
          return { evidence, verdict, fields: (verdict.kind === 'quarantine' ? verdictField : '') + results }
        },
      }
    },
  }
}

interface WrittenNames extends Pick<ForwardedMessage, 'authors' | 'lists'> {
  /** Addresses that stand as names of authors. */
  readonly names: readonly Address[]
  /** Those with more text behind them. */
  readonly withinNames: readonly Address[]
}

/** Where nothing proves the author: is he one of ours, and has somebody whom we know sent it on? Rejects with a StorageFault. */
async function lookFurther(
  parts: ForwarderParts,
  { dmarc: mode }: AuthenticationPolicy,
  message: ForwardedMessage & WrittenNames,
): Promise<AuthenticationEvidence> {
  const { evidence, authors, names, withinNames, lists } = message
  const { arc, dmarc } = evidence
  const unprovenOwn = await findUnprovenOwn(parts, evidence, [...authors, ...names])
  const [firstOwn] = unprovenOwn
  const [ownWithinName] = firstOwn ? [] : await findUnprovenOwn(parts, evidence, withinNames)
  const ownLookAlike = await findOwnLookAlike(parts, [...authors, ...names, ...withinNames])
  const isFailed = dmarc?.result === 'fail'
  if (!isFailed && !firstOwn && !ownWithinName && !ownLookAlike) return evidence
  const further = {
    ...evidence,
    ...(ownLookAlike ? { ownLookAlike } : {}),
    ...(firstOwn ? { unprovenOwn: formatAddress(firstOwn) } : {}),
    ...(ownWithinName ? { ownWithinName: formatAddress(ownWithinName) } : {}),
    ...(lists.length === 0 ? {} : { lists: lists.map(formatAddress) }),
  }
  if (arc?.trusted !== undefined) return further
  const isToBeRefused = mode === 'enforce' && isFailed && dmarc.policy === 'reject'
  const forwarder =
    (await findKnownList(parts, message, unprovenOwn)) ??
    (isToBeRefused ? await findWantedForwarder(parts, message) : undefined)
  return forwarder ? { ...further, forwarder } : further
}

/**
 * Not our users, nor networks of ours; nor programs on this machine, which no record of any domain can name; nor mail that we
 * have fetched from the server of somebody who has kept it for us: who had sent it, only that server knows.
 */
export function isStranger({ role, account, local, loopback, fetched }: Client): boolean {
  return role === 'relay' && !account && !local && !loopback && !fetched
}

function wantedChecks({ iprev, spf, dkim, dmarc, arc }: AuthenticationPolicy): WantedChecks {
  return {
    iprev: iprev !== 'off',
    spf: spf !== 'off',
    dkim: dkim !== 'off',
    dmarc: dmarc !== 'off',
    arc: arc !== 'off',
  }
}
