// What the checks of strangers' mail cost: accepted messages in a second with SPF, DKIM, DMARC, ARC and iprev, and without, in
// turns. Each message is signed (RSA 2048) and passes; the DNS is asked once and remembered.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startDnsServer } from '../test/harness/dns-server.ts'
import { findFreePort } from '../test/harness/free-port.ts'
import { readCpuMs } from '../test/harness/process-tree.ts'
import { runProgram } from '../test/harness/programs.ts'
import { createSigner } from '../test/mail-authentication/signer.ts'
import { findDiskFolder } from './environment.ts'
import { launchPostrider } from './postrider-subject.ts'
import { formatTable } from './report.ts'

interface Figures {
  readonly messagesPerSecond: number
  readonly cpuMsPerMessage: number
}

const client = '192.0.2.10'
const sessions = 50
const checks = ['dmarc', 'spf', 'dkim', 'arc', 'iprev']
const command = join(import.meta.dirname, '..', 'bin', 'postrider.js')

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '3' },
    bytes: { type: 'string', default: '2000,100000' },
  },
})

const signer = createSigner('sender.test')
const dns = await startDnsServer([
  'sender.test TXT v=spf1 include:_spf.sender.test -all',
  `_spf.sender.test TXT v=spf1 ip4:198.51.100.0/24 ip4:${client} ~all`,
  'mx.sender.test TXT v=spf1 a -all',
  `mx.sender.test A ${client}`,
  '10.2.0.192.in-addr.arpa PTR mx.sender.test',
  '_dmarc.sender.test TXT v=DMARC1; p=reject; adkim=s',
  `${signer.keyName} TXT ${signer.keyRecord}`,
])
const folder = await mkdtemp(join(findDiskFolder(), 'postrider-bench-'))
try {
  const rows: string[][] = []
  for (const bytes of values.bytes.split(',').map(Number)) {
    const found: Record<'off' | 'on', Figures[]> = { off: [], on: [] }
    // Messages of 100 KB are files, of which fewer fill the time.
    const messages = Math.ceil(Number(values.messages) / Math.max(1, bytes / 10_000))
    for (let round = 0; round < Number(values.rounds); round++)
      for (const state of ['off', 'on'] as const) found[state].push(await measure(state, bytes, messages))
    const off = median(found.off)
    const on = median(found.on)
    for (const [state, figures] of [
      ['off', off],
      ['on', on],
    ] as const)
      rows.push([
        String(bytes),
        state,
        figures.messagesPerSecond.toFixed(0),
        (figures.messagesPerSecond / off.messagesPerSecond).toFixed(2),
        figures.cpuMsPerMessage.toFixed(2),
      ])
  }
  process.stdout.write(
    `${formatTable([['bytes', 'checks', 'messages/s', 'of that without', 'CPU ms'], ...rows])}\n`,
  )
} finally {
  await dns.close()
  await rm(folder, { recursive: true, force: true })
}

async function measure(state: 'off' | 'on', bytes: number, messages: number): Promise<Figures> {
  const home = await mkdtemp(join(folder, 'server-'))
  const [port, greetingPort] = [await findFreePort(), await findFreePort()]
  const settings = join(home, 'postrider.toml')
  await writeFile(settings, composeSettings(port, greetingPort, state))
  const file = join(home, 'message')
  await writeFile(file, await composeMessage(bytes))
  await postrider(settings, 'domain', 'create', 'here.test')
  await postrider(
    settings,
    'account',
    'create',
    'anna@here.test',
    '--password',
    randomBytes(9).toString('hex'),
  )
  const server = await launchPostrider(home, greetingPort)
  try {
    const load = async (count: number): Promise<void> => {
      const { exitCode, stderr } = await runProgram(
        [
          process.execPath,
          join(import.meta.dirname, 'strangers-client.ts'),
          String(port),
          String(sessions),
          String(count),
          client,
          file,
        ],
        { timeoutMs: 300_000 },
      )
      if (exitCode !== 0) throw new Error(`not all were taken: ${stderr}`)
    }
    await load(messages)
    const cpuBefore = readCpuMs(server.pid)
    const begun = performance.now()
    await load(messages)
    const ms = performance.now() - begun
    const cpuMs = readCpuMs(server.pid) - cpuBefore
    const queued = await server.countQueue()
    if (queued !== 2 * messages) throw new Error(`${queued} messages are queued, not ${2 * messages}`)
    return { messagesPerSecond: (messages * 1000) / ms, cpuMsPerMessage: cpuMs / messages }
  } finally {
    await server.stop()
  }
}

async function composeMessage(bytes: number): Promise<string> {
  const head =
    'From: News <news@sender.test>\r\nTo: anna@here.test\r\nSubject: News\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\nMessage-ID: <1@sender.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n'
  const line = 'A line of text as people write them, with a few words in it.\r\n'
  return `${await signer.sign(`${head}\r\n${line.repeat(Math.ceil(bytes / line.length))}`)}.\r\n`
}

function composeSettings(port: number, greetingPort: number, state: 'off' | 'on'): string {
  return [
    'hostname = "mx.here.test"',
    'dataFolder = "data"',
    '[[listeners]]',
    'role = "submission"',
    'address = "127.0.0.1"',
    `port = ${greetingPort}`,
    '[[listeners]]',
    'role = "relay"',
    'address = "127.0.0.1"',
    `port = ${port}`,
    'proxyFrom = ["127.0.0.0/8"]',
    '[spam]',
    'greetingDelaySeconds = 0',
    '[limits]',
    'maxConnections = 20000',
    'maxConnectionsPerAddress = 20000',
    'maxTransactionsPerSession = 1000000',
    // Counted as in earnest, and never reached.
    '[limits.strangers]',
    ...['messages', 'recipients', 'connections'].flatMap(what => [
      `${what}PerMinute = 1000000000`,
      `${what}PerHour = 1000000000`,
    ]),
    '[queue]',
    'hold = true',
    '[delivery]',
    `dnsServers = ["${dns.text}"]`,
    ...(state === 'off' ? ['[mailAuthentication]', ...checks.map(check => `${check} = "off"`)] : []),
    '',
  ].join('\n')
}

async function postrider(settings: string, ...parameters: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runProgram(
    [process.execPath, command, ...parameters, '--settings', settings],
    { timeoutMs: 60_000 },
  )
  if (exitCode !== 0) throw new Error(stderr)
}

function median(figures: readonly Figures[]): Figures {
  const sorted = figures.toSorted((a, b) => a.messagesPerSecond - b.messagesPerSecond)
  return sorted[Math.floor(sorted.length / 2)] ?? { messagesPerSecond: 0, cpuMsPerMessage: 0 }
}
