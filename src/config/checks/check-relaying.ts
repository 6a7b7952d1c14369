// Settings that make the server send mail for people it should not send for.
import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { findOpenNetworks, type OpenNetwork } from '../../policy/open-networks.ts'
import type { Settings } from '../settings.ts'
import { type Finding, ok } from './finding.ts'

const subject = 'relaying'

export function checkRelaying(settings: Settings): Finding[] {
  const findings = [
    ...findOpenNetworks(settings.localNetworks).map(describeNetwork),
    ...settings.listeners.flatMap(({ proxyFrom }) => proxyFrom.flatMap(checkProxyNetwork)),
    ...checkSenders(settings),
    ...checkSmartHost(settings),
  ]
  return findings.length > 0
    ? findings
    : [ok(subject, 'only users who log in and named networks may send through this server')]
}

function describeNetwork({ network, severity, reason }: OpenNetwork): Finding {
  return {
    severity: severity === 'refuse' ? 'error' : 'warning',
    subject,
    what: `localNetworks has ${network}, but ${reason}.`,
    cost: 'An open relay: spammers find it within hours, and then nobody takes your mail.',
    remedy: 'Name only networks of your own, or none: users log in and need no such network.',
  }
}

function checkProxyNetwork(network: string): Finding[] {
  const { bits, prefix, isPublic } = measure(network)
  if (prefix > 0 && !(isPublic && prefix < bits - 8)) return []
  return [
    {
      severity: prefix === 0 ? 'error' : 'warning',
      subject,
      what: `proxyFrom has ${network}, which is more than load balancers.`,
      cost: 'Whoever is inside may claim any address as his own, also one of localNetworks.',
      remedy: 'Name the addresses of the load balancers themselves.',
    },
  ]
}

function checkSenders({ submission }: Settings): Finding[] {
  if (submission.senderAddress !== 'any') return []
  return [
    {
      severity: 'warning',
      subject,
      what: 'submission.senderAddress is "any".',
      cost: 'Every user may send as everybody else, and one stolen password as anybody at all.',
      remedy: 'Write "own", or "own-domain" if users need it.',
    },
  ]
}

function checkSmartHost({ delivery: { smartHost } }: Settings): Finding[] {
  if (!smartHost?.username) return []
  const clear = smartHost.tls === 'never' || smartHost.tls === 'opportunistic'
  if (clear) {
    return [
      {
        severity: 'warning',
        subject,
        what: `delivery.smartHost.tls is "${smartHost.tls}", and there is a password.`,
        cost: 'Whoever listens on the way gets the password.',
        remedy: 'Write "starttls" or "implicit".',
      },
    ]
  }
  if (smartHost.verifyCertificate) return []
  return [
    {
      severity: 'warning',
      subject,
      what: 'delivery.smartHost.verifyCertificate is false, and there is a password.',
      cost: 'Whoever puts himself between gets the password.',
      remedy:
        'Write true, unless the smart host has a certificate of its own making and stands in your own network.',
    },
  ]
}

interface NetworkMeasure {
  readonly bits: 32 | 128
  readonly prefix: number
  readonly isPublic: boolean
}

function measure(network: string): NetworkMeasure {
  const [address = '', prefix = ''] = network.split('/')
  return {
    bits: isIPv4(address) ? 32 : 128,
    prefix: Number(prefix),
    isPublic: ipaddr.parse(address).range() === 'unicast',
  }
}
