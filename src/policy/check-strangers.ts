// The checks of strangers' mail: who is checked, with what, and what a message takes along of it.
import type { Settings } from '../config/settings.ts'
import type { AuthenticationDns } from '../mail-authentication/bounded-dns.ts'
import type { AuthenticationEvidence } from '../mail-authentication/evidence.ts'
import { MessageAuthentication, type WantedChecks } from '../mail-authentication/message-authentication.ts'
import { composeResultsField } from '../mail-authentication/results-field.ts'
import { verdictField } from '../message/verdict-field.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Client, MailTransaction } from '../smtp/server/services.ts'
import { type AuthenticationPolicy, judgeAuthentication, type Verdict } from './judge-authentication.ts'

export interface StrangerChecks {
  /** undefined: nobody whose mail is checked. */
  begin(client: Client, transaction: MailTransaction): MessageCheck | undefined
}

/** One message, while it comes. One that is given up is only forgotten. */
export interface MessageCheck {
  /** As it came; before any of the body. */
  takeHeader(section: Uint8Array): void
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

export interface StrangerChecksOptions {
  readonly settings: Pick<Settings, 'hostname' | 'mailAuthentication'>
  readonly dns: AuthenticationDns
  readonly clock: Clock
}

export function createStrangerChecks({ settings, dns, clock }: StrangerChecksOptions): StrangerChecks {
  const { hostname, mailAuthentication: policy } = settings
  const wanted = wantedChecks(policy)
  const isAny = Object.values(wanted).includes(true)
  const options = { dns, clock, hostname, wanted, trustedSealers: policy.trustedArcSealers }
  return {
    begin(client, { reversePath }) {
      if (!isAny || !isStranger(client)) return undefined
      const { remoteAddress: clientAddress, heloName } = client
      const authentication = new MessageAuthentication(options, { clientAddress, heloName, reversePath })
      return {
        takeHeader: section => authentication.takeHeader(section),
        takeBody: piece => authentication.takeBody(piece),
        async finish() {
          const evidence = await authentication.finish()
          const verdict = judgeAuthentication(policy, evidence, clientAddress)
          const results = composeResultsField(hostname, clientAddress, evidence)
          return { evidence, verdict, fields: (verdict.kind === 'quarantine' ? verdictField : '') + results }
        },
      }
    },
  }
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

/** In small letters; removed where a stranger has written it. */
export const verdictFieldName = 'postrider-verdict'
