// Has this machine the addresses from which mail is to leave?
import { createServer } from 'node:net'
import type { Settings } from '../settings.ts'
import { type Finding, ok } from './finding.ts'

const subject = 'source addresses'

export async function checkSources({ delivery, roles }: Settings): Promise<Finding[]> {
  if (!roles.includes('delivery') || delivery.sourcePools.length === 0) return []
  const addresses = delivery.sourcePools.flatMap(({ sources }) => sources.map(({ address }) => address))
  const problems = await Promise.all(addresses.map(problemOf))
  const findings = problems.filter(problem => problem !== undefined)
  return findings.length > 0 ? findings : [ok(subject, `this machine has all ${addresses.length}`)]
}

/** The system lets nobody bind an address that is not its own. */
function problemOf(address: string): Promise<Finding | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve({
        severity: 'error',
        subject,
        what:
          code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
            ? `this machine has no address ${address}, which stands in delivery.sourcePools.`
            : `no connection can come from ${address}, which stands in delivery.sourcePools (${code}).`,
        cost: 'The server does not start: mail would not leave from there.',
        remedy: `Which it has: ip addr. Give it this one (ip addr add ${address} dev …), or remove it from its pool.`,
      }),
    )
    server.listen({ host: address, port: 0, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
