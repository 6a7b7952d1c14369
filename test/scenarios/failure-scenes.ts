// Ten ways in which mail fails, each played by the whole server, with the DNS, the other server and the clock of the scene;
// and what there is to see of each, by views that look at the server when it is over.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { splitMessage } from '../../src/bounce/message-parts.ts'
import { readTrace } from '../../src/cli/commands/trace.ts'
import { describeTrace, type TracedMessage } from '../../src/cli/describe-trace.ts'
import { describeWhy, standingsOf } from '../../src/cli/describe-why.ts'
import { type Prospects, readProspects } from '../../src/cli/prospects.ts'
import { parseQueueId } from '../../src/queue/queue-id.ts'
import { type Random, systemRandom } from '../../src/runtime/random.ts'
import { type Script, startPeer } from '../delivery/remote-peer.ts'
import { contextOf, issueCertificate } from '../harness/certificates.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { eventually } from '../harness/eventually.ts'
import { queueIdOf, sendMail } from '../harness/send-message.ts'
import { startServer } from '../smtp-server/start-server.ts'
import { policyText, startPolicyServer, trustedAuthority } from '../tls-policy/policy-server.ts'

const minute = 60_000
const hour = 60 * minute

/** What is over, and can be looked at. */
export interface Played {
  readonly server: ComposedServer
  readonly sender: string
  /** Of the message that failed. */
  readonly queueId: string
  /** What `why` says after the first attempt, where the message waits then. */
  readonly whyMeanwhile?: string | undefined
}

/** One thing that is to be seen of a failure: a heading, and a text as it is printed. */
export interface View {
  readonly title: string
  collect(played: Played): Promise<string>
}

export interface Scene {
  readonly title: string
  /** What the scene plays, in one or two sentences. */
  readonly about: string
  readonly recipient: string
  readonly zone: readonly string[]
  /** Of the mail host, which has no TLS. */
  readonly script?: Script
  /** The mail host takes everything, over TLS, with a certificate for this name; its domain has an MTA-STS policy. */
  readonly enforced?: { readonly certificateFor: string }
  /** A domain of another server, whose mail this one passes on. */
  readonly relays?: string
  /** Tables of the settings file. */
  readonly queue?: Readonly<Record<string, unknown>>
  /** Default: the message fails at once. */
  play?(stage: Stage): Promise<void>
}

/** What a scene is played with. */
export interface Stage {
  readonly server: ComposedServer
  readonly host: MailHost
  readonly queueId: string
  readonly afterFirstAttempt: () => Promise<void>
}

interface MailHost {
  readonly port: number
  /** That it was sent. */
  readonly commands: readonly string[]
}

/** Nothing that is printed hangs on how often chance was asked. */
const evenly: Random = { ...systemRandom, fraction: () => 0.5 }

const mailHost = ['example.org MX 10 mx.example.org', 'mx.example.org A 127.0.0.2']
const boris = 'boris@example.org'
const atRcpt =
  (reply: string): Script =>
  command =>
    command.startsWith('RCPT') ? reply : undefined
const commandTimeoutSeconds = 60

/** To each moment at which something is due, until there is none, or so much time has passed. */
async function playHours(stage: Stage, hours: number): Promise<void> {
  const { server, afterFirstAttempt } = stage
  const end = server.clock.now() + hours * hour
  await server.settled()
  await afterFirstAttempt()
  for (let next = await nextMoment(stage); next && next.at <= end; next = await nextMoment(stage)) {
    await server.pass(next.at - server.clock.now())
    if (next.isPromised) await assertAttempt(stage, next.at)
  }
}

interface Moment {
  readonly at: number
  /** `why` says that it is tried then. */
  readonly isPromised: boolean
}

/** undefined: the message is gone. */
async function nextMoment({ server, queueId }: Stage): Promise<Moment | undefined> {
  const message = await readMessage(server, queueId)
  const [recipient] = message.queued?.recipients ?? []
  if (!recipient) return undefined
  const { now, prospects } = await styleFor(server, message)
  const [standing] = standingsOf(message, { now, prospects })
  // Nothing is promised where its time is over before.
  const promised = standing?.nextAttemptAt ?? Number.POSITIVE_INFINITY
  // Who stands in line is told of the delay, and given up, in time.
  return recipient.dueAt < promised
    ? { at: recipient.dueAt, isPromised: false }
    : { at: promised, isPromised: true }
}

/** What was promised has come. */
async function assertAttempt({ server, queueId }: Stage, at: number): Promise<void> {
  const { records } = await readMessage(server, queueId)
  const attempts = records.filter(({ event }) => event.kind === 'attempted').map(record => record.at)
  assert.equal(new Date(attempts.at(-1) ?? 0).toISOString(), new Date(at).toISOString())
}

export const scenes: readonly Scene[] = [
  {
    title: 'No such domain',
    about: 'The DNS says that the domain does not exist: there is nothing to wait for.',
    recipient: 'boris@exampel.org',
    zone: mailHost,
  },
  {
    title: 'Null MX',
    about: 'The domain says by an MX record of a single dot (RFC 7505) that it takes no mail.',
    recipient: boris,
    zone: ['example.org MX 0 .'],
  },
  {
    title: 'Refused connection',
    about: 'Nothing listens on the address of the mail host, until the queue lifetime is over.',
    recipient: boris,
    zone: ['example.org MX 10 mx.example.org', 'mx.example.org A 127.0.0.3'],
    play: stage => playHours(stage, 49),
  },
  {
    title: 'Timeout',
    about: 'The mail host takes the connection and never answers EHLO, until the queue lifetime is over.',
    recipient: boris,
    zone: mailHost,
    script: command => (command.startsWith('EHLO') ? 'silence' : undefined),
    queue: { lifetimeHours: 2, retryMinutes: [60], delayNoticeHours: 0 },
    async play(stage) {
      const { server, host, afterFirstAttempt } = stage
      for (let attempt = 1, next = await nextMoment(stage); next; next = await nextMoment(stage)) {
        server.clock.advance(next.at - server.clock.now())
        server.agent.wake()
        if (next.isPromised) {
          await eventually(`EHLO of attempt ${attempt}`, async () => host.commands[attempt - 1])
          server.clock.advance(commandTimeoutSeconds * 1000)
        }
        await server.agent.idle()
        if (next.isPromised) await assertAttempt(stage, next.at + commandTimeoutSeconds * 1000)
        if (attempt === 1) await afterFirstAttempt()
        attempt++
      }
    },
  },
  {
    title: 'TLS failure under policy',
    about:
      'The policy of the domain (MTA-STS, mode enforce) demands a valid certificate of its mail host; the host shows one for another name, until the queue lifetime is over.',
    recipient: boris,
    zone: [...mailHost, '_mta-sts.example.org TXT v=STSv1; id=20260101;', 'mta-sts.example.org A 127.0.0.3'],
    enforced: { certificateFor: 'www.example.net' },
    play: stage => playHours(stage, 49),
  },
  {
    title: '550: no such user',
    about: 'The mail host does not know the recipient.',
    recipient: boris,
    zone: mailHost,
    script: atRcpt('550 5.1.1 <boris@example.org>: Recipient address rejected: User unknown'),
  },
  {
    title: '552: mailbox full',
    about: 'The mail host refuses the message for good, because the mailbox is full.',
    recipient: boris,
    zone: mailHost,
    script: atRcpt('552 5.2.2 <boris@example.org>: user is over quota'),
  },
  {
    title: '421: too much mail',
    about:
      'The mail host wants less mail at a time. After four hours the sender is told that the message waits.',
    recipient: boris,
    zone: mailHost,
    script: atRcpt(
      '421 4.7.28 Gmail has detected an unusual rate of mail originating from your IP address 192.0.2.25. To protect our users from spam, mail has been temporarily rate limited.',
    ),
    play: stage => playHours(stage, 5),
  },
  {
    title: '554: reputation',
    about: 'The mail host asks a block list, and our address is on it.',
    recipient: boris,
    zone: mailHost,
    script: atRcpt(
      '554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.25',
    ),
  },
  {
    title: 'Expired',
    about: 'The mail host answers 451 to every attempt, until the queue lifetime is over.',
    recipient: boris,
    zone: mailHost,
    script: atRcpt('451 4.3.0 Temporary server error'),
    play: stage => playHours(stage, 49),
  },
]

/** Plays the scene for a sender who reads this language. */
export async function playScene(t: TestContext, scene: Scene, language: 'en' | 'ru'): Promise<Played> {
  const host = await startMailHost(t, scene)
  const httpsPort = scene.enforced ? await servePolicy(t) : undefined
  const dns = await startDnsServer(scene.zone)
  t.after(() => dns.close())
  const sender = 'anna@example.com'
  const server = await startComposedServer(t, {
    hostname: 'mail.example.com',
    domains: ['example.com'],
    accounts: [{ address: sender, language }],
    random: evenly,
    ...(scene.relays === undefined ? {} : { relays: [{ name: scene.relays }] }),
    httpsPort,
    settings: {
      queue: { lifetimeHours: 48, ...scene.queue },
      delivery: { port: host.port, dnsServers: [dns.text], commandTimeoutSeconds },
    },
  })
  const queueId = await submit(server, sender, scene.recipient, language)
  let whyMeanwhile: string | undefined
  const afterFirstAttempt = async (): Promise<void> => {
    whyMeanwhile = await askWhy(server, queueId)
  }
  if (scene.play) await scene.play({ server, host, queueId, afterFirstAttempt })
  else await server.settled()
  return { server, sender, queueId, whyMeanwhile }
}

const hostAddress = '127.0.0.2'

async function startMailHost(t: TestContext, { script, enforced }: Scene): Promise<MailHost> {
  if (!enforced) {
    const peer = await startPeer({ address: hostAddress, ...(script ? { script } : {}) })
    t.after(() => peer.close())
    return peer
  }
  const context = contextOf(await issueCertificate(trustedAuthority, [enforced.certificateFor]))
  const { server, port } = await startServer({
    listeners: [{ role: 'relay', address: hostAddress, port: 0 }],
    tls: { secureContext: () => context },
  })
  t.after(() => server.close())
  return { port, commands: [] }
}

/** Its port. */
async function servePolicy(t: TestContext): Promise<number> {
  const { port } = await startPolicyServer(t, { body: policyText('enforce', ['mx.example.org'], 604_800) })
  return port
}

async function readMessage({ storage }: ComposedServer, queueId: string): Promise<TracedMessage> {
  const id = parseQueueId(queueId) ?? assert.fail(queueId)
  const { records, stored } = await readTrace(storage, id)
  return { queueId: id, records, queued: stored }
}

async function styleFor(
  { storage, settings, clock }: ComposedServer,
  { queued }: TracedMessage,
): Promise<{ readonly now: number; readonly retentionDays: number; readonly prospects: Prospects }> {
  const now = clock.now()
  return {
    now,
    retentionDays: settings.trail.retentionDays,
    prospects: await readProspects(storage, settings, queued ? [queued] : [], now),
  }
}

async function askWhy(server: ComposedServer, queueId: string): Promise<string> {
  const message = await readMessage(server, queueId)
  const style = await styleFor(server, message)
  return `$ postrider why ${queueId}\n${wrap(withoutChance(describeWhy(message, style)))}`
}

/** As a terminal of that width shows it. */
function wrap(text: string): string {
  return text.replaceAll(/(.{1,100})(?:\s+|$)/g, '$1\n').trimEnd()
}

const subjects = { en: 'Invoice 4711', ru: '=?UTF-8?B?0KHRh9GR0YIgNDcxMQ==?=' } as const

async function submit(
  server: ComposedServer,
  sender: string,
  recipient: string,
  language: 'en' | 'ru',
): Promise<string> {
  const [result] = await sendMail(server.port('submission'), {
    account: sender,
    helloName: 'client.example.com',
    reversePath: sender,
    forwardPaths: [recipient],
    mailData: `From: <${sender}>\r\nSubject: ${subjects[language]}\r\n\r\nPlease pay.\r\n`,
  })
  return queueIdOf(result)
}

/** The text of the last report that the sender got. */
export const reportView: View = {
  title: 'The report to the sender',
  collect: played => partOfReport(played, 'text/plain'),
}

/** RFC 3464 */
export const statusView: View = {
  title: 'Its part for programs (`message/delivery-status`)',
  collect: played => partOfReport(played, 'message/delivery-status'),
}

async function partOfReport({ server, sender }: Played, type: string): Promise<string> {
  const reports = await server.mailbox(sender)
  const parts = splitMessage(Buffer.from(reports.at(-1) ?? assert.fail('no report')))
  const part = parts.find(one => one.type === type) ?? assert.fail(`no ${type}`)
  return part.body.toString().replaceAll('\r\n', '\n')
}

export const whyView: View = {
  title: 'What `why` says',
  async collect({ server, queueId, whyMeanwhile }) {
    const now = await askWhy(server, queueId)
    return whyMeanwhile === undefined
      ? now
      : `After the first attempt:\n\n${whyMeanwhile}\n\nIn the end:\n\n${now}`
  },
}

export const traceView: View = {
  title: 'What `trace` says',
  async collect({ server, queueId }) {
    const message = await readMessage(server, queueId)
    const style = { ...(await styleFor(server, message)), withDialogue: false }
    return `$ postrider trace ${queueId}\n${describeTrace(message, style)}`
  },
}

/** Ports are another each time, and the addresses are those of the machine that played. */
export function withoutChance(text: string): string {
  return text
    .replaceAll(/127\.0\.0\.(\d):\d+/g, (_, last: string) => `192.0.2.${last}:25`)
    .replaceAll(/127\.0\.0\.(\d)/g, (_, last: string) => `192.0.2.${last}`)
}
