// The DNS of the simulation.

import { type Answer, type MailExchange } from '../src/dns/answer.ts'
import type { Resolver } from '../src/dns/resolver.ts'
import type { Ledger } from './ledger.ts'
import { hostOf, isWithin, type ReceiverClass } from './scenario.ts'

const ttlMs = 300_000
const noData = Promise.resolve({ kind: 'no-data' } as const)

export function createSimulatedResolver(classes: readonly ReceiverClass[], ledger: Ledger): Resolver {
  const byName = new Map(classes.map(receiver => [receiver.name, receiver]))
  return {
    mx(domain): Promise<Answer<MailExchange>> {
      const [number = '', name = ''] = domain.split('.')
      const receiver = byName.get(name)
      if (!receiver || receiver.doesNotExist) return Promise.resolve({ kind: 'no-such-domain' })
      const exchange = hostOf(receiver, Number(number.slice(1)))
      if (isWithin(receiver.dnsFails, ledger.now)) {
        ledger.close(exchange)
        return Promise.resolve({ kind: 'temporary-failure', detail: `no answer about ${domain}` })
      }
      return Promise.resolve({ kind: 'found', records: [{ preference: 10, exchange }], ttlMs })
    },
    a: () => Promise.resolve({ kind: 'found', records: ['192.0.2.1'], ttlMs }),
    aaaa: () => noData,
    txt: () => noData,
    tlsa: () => noData,
    ptr: () => noData,
    cname: () => noData,
  }
}
