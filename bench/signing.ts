// npx node bench/signing.ts: what DKIM signatures cost, as processor time of the server for each message that it relays. The same
// load as in the rows of bench.ts, from a domain of the server that it signs, from one that it does not, and without signing.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { succeed, succeedJson } from '../test/cli/run-postrider.ts'
import { startDnsServer, type TestDnsServer } from '../test/harness/dns-server.ts'
import { findFreePort } from '../test/harness/free-port.ts'
import { describeEnvironment, findDiskFolder } from './environment.ts'
import { composeSettings, launchPostrider } from './postrider-subject.ts'
import { runRound } from './round.ts'
import type { Subject } from './subject.ts'

/** Of the sender of the load. */
const domain = 'example.org'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    'message-bytes': { type: 'string', default: '2048' },
    sessions: { type: 'string', default: '50' },
  },
})

function subjectOf(
  name: string,
  {
    ownDomain,
    sign,
    dns,
  }: { readonly ownDomain: string; readonly sign: boolean; readonly dns: TestDnsServer },
): Subject {
  return {
    name,
    async start({ parentFolder, destination }) {
      const folder = await mkdtemp(join(parentFolder, 'postrider-'))
      const port = await findFreePort()
      // The table of the smart host comes last in these settings.
      const settings = `${composeSettings(port, destination)}[delivery]\ndnsServers = ["${dns.text}"]\n[dkim]\nsign = ${sign}\n`
      await writeFile(join(folder, 'postrider.toml'), settings)
      await succeed(folder, 'domain', 'create', ownDomain)
      if (sign) await publish(folder, ownDomain, dns)
      const server = await launchPostrider(folder, port)
      return {
        ...server,
        async stop() {
          await server.stop()
          await rm(folder, { recursive: true, force: true })
        },
      }
    },
  }
}

/** So that its keys sign from the first message on. */
async function publish(folder: string, ownDomain: string, dns: TestDnsServer): Promise<void> {
  const records = (await succeedJson(folder, 'domain', 'dns', ownDomain)) as { name: string; value: string }[]
  dns.setZone(
    records
      .filter(({ name }) => name.includes('._domainkey.'))
      .map(({ name, value }) => `${name} TXT ${value.replaceAll(/" "|^"|"$/g, '')}`),
  )
  const { keys } = (await succeedJson(folder, 'domain', 'dkim', ownDomain, '--check')) as {
    keys: { signs: boolean }[]
  }
  if (!keys.every(({ signs }) => signs)) throw new Error('the keys do not sign')
}

const parentFolder = await mkdtemp(join(findDiskFolder(), 'bench-signing-'))
const dns = await startDnsServer([])
try {
  const row = {
    work: 'relay',
    connections: 'kept',
    messageBytes: Number(values['message-bytes']),
    sessions: Number(values.sessions),
  } as const
  const subjects = [
    subjectOf('dkim.sign = false', { ownDomain: domain, sign: false, dns }),
    subjectOf('not from a domain of ours', { ownDomain: 'example.test', sign: true, dns }),
    subjectOf('signed (RSA 2048 and Ed25519)', { ownDomain: domain, sign: true, dns }),
  ]
  const figures = new Map(subjects.map(({ name }) => [name, { cpu: [] as number[], rate: [] as number[] }]))
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const subject of subjects) {
      const { cpuMsPerMessage, messagesPerSecond } = await runRound(
        subject,
        row,
        parentFolder,
        Number(values.seconds),
      )
      figures.get(subject.name)?.cpu.push(cpuMsPerMessage)
      figures.get(subject.name)?.rate.push(messagesPerSecond)
    }
  }
  console.log(JSON.stringify(await describeEnvironment(parentFolder)))
  console.log(`relay, ${row.messageBytes} bytes, ${row.sessions} sessions, ${values.rounds} rounds; medians`)
  const median = (numbers: readonly number[]): number =>
    numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
  for (const [name, { cpu, rate }] of figures)
    console.log(
      `${name.padEnd(32)} ${median(cpu).toFixed(3)} ms CPU a message (${cpu.map(one => one.toFixed(3)).join(', ')}); ${Math.round(median(rate))} messages/s`,
    )
} finally {
  await dns.close()
  await rm(parentFolder, { recursive: true, force: true })
}
