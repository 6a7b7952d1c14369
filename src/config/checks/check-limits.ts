// Does the system let the server have as many connections as the settings promise?
import { readFile } from 'node:fs/promises'
import type { Settings } from '../settings.ts'
import type { Finding } from './finding.ts'

/** Database, log, mail data and outgoing connections need descriptors too. */
const othersNeed = 500

export async function checkLimits({
  limits,
  imap,
  pop3,
  manageSieve,
  delivery,
}: Settings): Promise<Finding[]> {
  const allowed = await readDescriptorLimit()
  const served =
    limits.maxConnections + imap.maxConnections + pop3.maxConnections + manageSieve.maxConnections
  const wanted = served + delivery.maxConnections + othersNeed
  if (allowed === undefined || allowed >= wanted) return []
  return [
    {
      severity: 'warning',
      subject: 'limits',
      what: `limits.maxConnections is ${limits.maxConnections}, imap.maxConnections ${imap.maxConnections} and pop3.maxConnections ${pop3.maxConnections}, but this user may open only ${allowed} files and connections.`,
      cost: 'Under load, connections fail before the limit turns them away politely.',
      remedy: `LimitNOFILE=${wanted} in the systemd unit ("ulimit -n ${wanted}" in a shell), or a smaller maxConnections.`,
    },
  ]
}

// Node raises its soft limit to the hard one at start, so the hard limit is what counts.
async function readDescriptorLimit(): Promise<number | undefined> {
  try {
    const text = await readFile('/proc/self/limits', 'utf8')
    const line = text.split('\n').find(candidate => candidate.startsWith('Max open files'))
    const hard = Number(line?.trim().split(/ +/)[4])
    return Number.isFinite(hard) ? hard : undefined
  } catch {
    // Not Linux: the limit is not known here.
    return undefined
  }
}
