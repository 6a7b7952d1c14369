// What "postrider probe" found, step by step, for someone who does not know SMTP.
import { formatAddress, formatAddressForPeople } from '../address/format-address.ts'
import type { ProbedRoute, ProbeFindings } from '../delivery/transfer/probe.ts'
import { formatLmtpStore } from '../routing/destination.ts'
import type { ServerLookup } from '../routing/find-servers.ts'
import type { Route } from '../routing/route.ts'
import { describeCauseOf } from './causes.ts'
import { describeCertificate, describeProof, whyPlain } from './describe-tls.ts'
import { describeDiagnosis, describeLookup, describePassed, formatReply } from './format-trail.ts'

/** `from`: the sender, as it is shown. A line each; without the dialogue. */
export function describeProbe(findings: ProbeFindings, from: string): string[] {
  const { routes, lookup, source, server, tls, tlsEvidence, extensions, passed = [] } = findings
  const lines = routes.map(describeRoute)
  if (lookup) lines.push(describeServers(lookup))
  if (source !== undefined) lines.push(`Source: this server connects from ${source}.`)
  lines.push(...passed.map(one => `${describePassed(one)}.`))
  if (server) {
    lines.push(`Connection: ${server.host} at ${server.address} port ${server.port} answers.`)
    lines.push(`Encryption: ${describeTls(tls, tlsEvidence)}`)
  }
  if (extensions && extensions.length > 0) lines.push(`It offers: ${extensions.join(', ')}.`)
  lines.push(...describeVerdict(findings, from))
  return lines
}

function describeRoute({ address, depth, route }: ProbedRoute): string {
  return `${'  '.repeat(depth)}${formatAddressForPeople(address)}: ${routeWords(route)}`
}

function routeWords(route: Route): string {
  switch (route.kind) {
    case 'mailbox':
      return `an account of this server; its mail goes into the mailbox ${route.mailbox} of ${formatAddressForPeople(route.address)}.`
    case 'expansion':
      return `${redirectionWords[route.redirection]} of this server, which leads to ${route.targets.map(formatAddressForPeople).join(', ')}.`
    case 'remote':
      if (route.destination.kind === 'lmtp')
        return `an account, or a domain, whose mailboxes are behind LMTP at ${formatLmtpStore(route.destination.store)}.`
      return route.destination.kind === 'smart-host'
        ? `not of this server; its mail leaves through the smart host ${route.destination.smartHost.host}, like all mail for others.`
        : 'not of this server; its mail goes to the mail host of its domain.'
    case 'kept':
      return `this server keeps the mail of ${route.domain} until its server fetches it.`
    case 'unroutable':
      return `nowhere: ${route.diagnosis.detail}.`
    default:
      return route satisfies never
  }
}

const redirectionWords = {
  alias: 'an alias',
  group: 'a group',
  'catch-all': 'taken by the catch-all',
} as const

function describeServers(lookup: ServerLookup): string {
  if (lookup.kind === 'servers') return `DNS: ${describeLookup(lookup.lookup)}.`
  return `DNS: ${lookup.diagnosis.detail}.`
}

function describeTls(tls: ProbeFindings['tls'], evidence: ProbeFindings['tlsEvidence']): string {
  const proof = describeProof(evidence)
  if (!tls) return `none: ${whyPlain(evidence?.failure)}${proof}. What is sent could be read on the way.`
  const isJudged = evidence !== undefined && evidence.policy !== 'none'
  const certificate = isJudged ? '' : `; its certificate ${describeCertificate(tls)}`
  return `${tls.protocol} with ${tls.cipher}${certificate}${proof}.`
}

/** Begins with a blank, or is empty. */
function describeOnward(routes: readonly ProbedRoute[]): string {
  const onward = routes.flatMap(({ address, depth, route }) =>
    route.kind === 'remote' && depth > 0 ? [`"postrider probe ${formatAddress(address)}"`] : [],
  )
  if (onward.length === 0) return ''
  const more = onward.length > maxOnward ? `, and so on for ${onward.length - maxOnward} more,` : ''
  return ` Whether it is taken where it goes on to, ${onward.slice(0, maxOnward).join(', ')}${more} finds out.`
}

const maxOnward = 3

function isHandedOn([first]: readonly ProbedRoute[]): boolean {
  return first?.route.kind === 'remote' && first.route.destination.kind === 'smart-host'
}

function describeVerdict({ verdict, server, lookup, routes }: ProbeFindings, from: string): string[] {
  switch (verdict.kind) {
    case 'accepted':
      return [
        `Answer: "${formatReply(verdict.reply)}" to the recipient, with mail from ${from}. Nothing was sent.`,
        `Result: ${server?.host ?? 'the server'} would take a message, as far as it says before it has seen one.${isHandedOn(routes) ? ' Whether the server of the recipient takes it then, nobody has asked.' : ''}`,
      ]
    case 'own':
      return [`Result: this server would take a message.${describeOnward(routes)} Nothing was sent.`]
    case 'failed':
    case 'deferred': {
      const { because, remedy } = describeCauseOf(verdict.diagnosis)
      const what =
        verdict.kind === 'failed'
          ? 'would be refused for good, and its sender told'
          : 'would wait in the queue, and be tried again'
      return [
        // Where nobody was asked, the line before says it.
        ...(lookup?.kind === 'servers' ? [`Answer: ${describeDiagnosis(verdict.diagnosis)}.`] : []),
        `Result: a message ${what}, because ${because}.${remedy === undefined ? '' : ` ${remedy}`} Nothing was sent.`,
      ]
    }
    default:
      return verdict satisfies never
  }
}
