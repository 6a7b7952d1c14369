// What scanners, lists and the filter come to together.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { SpamSettings } from '../../src/config/settings.ts'
import { createRedirection } from '../../src/directory/redirections.ts'
import { createResolver } from '../../src/dns/resolver.ts'
import type { AuthenticationEvidence } from '../../src/mail-authentication/evidence.ts'
import type { IprevEvidence } from '../../src/mail-authentication/iprev.ts'
import type { SpfEvidence } from '../../src/mail-authentication/spf/check-host.ts'
import { silentLog } from '../../src/runtime/log.ts'
import type { ScanReport } from '../../src/scanner/contract.ts'
import { leastLearned } from '../../src/screening/estimate.ts'
import { Scanners } from '../../src/screening/run-scanners.ts'
import { type Screened, Screening, type ScreeningContext } from '../../src/screening/screen.ts'
import { teach } from '../../src/screening/teach.ts'
import { noteCorrespondent } from '../../src/sending/sending-counts.ts'
import { addAccount, addDomain, address } from '../directory/open-directory.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { openTestStorage } from '../harness/test-storage.ts'
import { plainMessage, specimen, withBody } from '../scanner/specimen.ts'

const anna = address('anna@example.test')
const boris = address('boris@example.net')
const nothing: SpamSettings = {
  junkScore: 5,
  greylistScore: 1000,
  refuseScore: 15,
  clientNames: false,
  unproven: {
    ownDomain: 0,
    ownWithinName: 0,
    ownLookAlike: 0,
    spfFail: 0,
    spfSoftfail: 0,
    spfPermerror: 0,
    dmarcNone: 0,
    dmarcQuarantine: 0,
    dmarcReject: 0,
  },
  greetingDelaySeconds: 0,
  refusalDelaySeconds: 0,
  quarantineDays: 30,
  filter: false,
  lists: [],
}

interface World {
  readonly settings?: Partial<SpamSettings>
  readonly reports?: readonly Partial<ScanReport>[]
  readonly dns?: readonly string[]
}

async function open(t: TestContext, { settings, reports = [], dns = [] }: World) {
  const { storage, beforeClose } = await openTestStorage(t)
  const server = await startDnsServer(dns)
  const resolver = createResolver({ servers: [server] })
  beforeClose(async () => {
    resolver.close()
    await server.close()
  })
  const clock = createManualClock()
  const scanners = new Scanners(
    reports.map((report, index) => ({
      scanner: {
        name: `scanner ${index + 1}`,
        scan: () => Promise.resolve({ advice: 'accept', findings: [], ...report }),
      },
      timeoutMs: 1000,
      whenDown: 'accept',
      whenTooLarge: 'accept',
      maxBytes: 1_000_000,
      weight: 1,
    })),
    { clock, log: silentLog },
  )
  const screening = new Screening({
    settings: { ...nothing, ...settings },
    hostname: 'mail.example.test',
    storage,
    resolver,
    scanners,
    clock,
  })
  return {
    storage,
    clock,
    screen: (
      text = plainMessage,
      context: Partial<ScreeningContext> = {},
      heloName = 'client.example.net',
    ): Promise<Screened> => {
      const one = specimen(text)
      return screening.screen(
        { ...one, client: { ...one.client, heloName } },
        {
          onlyRecipient: anna,
          reversePath: boris,
          recipients: [anna],
          ...context,
        },
      )
    },
  }
}

test('nothing said, nothing against it', async t => {
  const { screen } = await open(t, {})
  assert.deepEqual(await screen(), {
    verdict: { kind: 'accept' },
    evidence: { score: 0, lines: [] },
    headerFields: [],
  })
})

test('points add up over all who give them, and each line is kept', async t => {
  const { screen } = await open(t, {
    settings: { lists: [{ zone: 'bl.example.test', points: 3, answers: [] }] },
    reports: [{ score: 2.5, findings: [{ name: 'A', score: 2.5 }] }],
    dns: ['7.2.0.192.bl.example.test A 127.0.0.2'],
  })
  const { verdict, evidence } = await screen()
  assert.deepEqual(verdict, { kind: 'junk', because: 'it has 5.5 points, and 5 make spam' })
  assert.deepEqual(evidence, {
    score: 5.5,
    lines: [
      { source: 'scanner 1', name: 'A', points: 2.5 },
      { source: 'bl.example.test', name: 'listed as 127.0.0.2', points: 3 },
    ],
  })
})

test('many points refuse; so does a scanner, whatever the points, in its own words', async t => {
  const many = await open(t, {
    reports: [{ score: 20, findings: [{ name: 'A', score: 20 }], advice: 'defer' }],
  })
  assert.deepEqual((await many.screen()).verdict, {
    kind: 'refuse',
    by: 'score',
    because: 'it looks like spam (20 points; 15 are too many)',
    told: 'it looks like spam',
    otherwise: {
      kind: 'defer',
      by: 'scanner',
      because: 'scanner 1: it asks to see the message again later',
      told: 'a scanner asks to see the message again later',
    },
  })
  const virus = await open(t, {
    reports: [{ advice: 'mark' }, { advice: 'refuse', text: 'It contains a virus' }],
  })
  assert.deepEqual((await virus.screen()).verdict, {
    kind: 'refuse',
    by: 'scanner',
    because: 'It contains a virus',
    told: 'It contains a virus',
  })
})

test('a scanner that wants to see it later is listened to, one that takes it for spam too', async t => {
  const later = await open(t, { reports: [{ advice: 'mark' }, { advice: 'defer', text: 'Try again later' }] })
  assert.deepEqual((await later.screen()).verdict, {
    kind: 'defer',
    by: 'scanner',
    because: 'Try again later',
    told: 'Try again later',
  })
  const marked = await open(t, { reports: [{ advice: 'mark', score: 1 }] })
  assert.deepEqual((await marked.screen()).verdict, {
    kind: 'junk',
    because: 'scanner 1: it takes the message for spam',
  })
})

test('above the second threshold it is kept aside, and so is what a scanner wants there', async t => {
  const settings = { quarantineScore: 8 }
  const many = await open(t, { settings, reports: [{ score: 8, advice: 'mark' }] })
  assert.deepEqual((await many.screen()).verdict, {
    kind: 'quarantine',
    by: 'score',
    because: 'it has 8 points, and 8 are kept aside',
    told: 'it looks like spam',
  })
  const fewer = await open(t, { settings, reports: [{ score: 7.9 }] })
  assert.equal((await fewer.screen()).verdict.kind, 'junk')
  const wished = await open(t, { reports: [{ advice: 'quarantine', text: 'Look at its attachment' }] })
  assert.deepEqual((await wished.screen()).verdict, {
    kind: 'quarantine',
    by: 'scanner',
    because: 'Look at its attachment',
    told: 'Look at its attachment',
  })
})

test('who could not be asked is told, and gives no points', async t => {
  const { screen } = await open(t, {
    settings: { lists: [{ zone: 'bl.example.test', points: 30, answers: [] }] },
    dns: ['7.2.0.192.bl.example.test A 127.255.255.254'],
  })
  const { verdict, evidence } = await screen()
  assert.deepEqual(verdict, { kind: 'accept' })
  assert.match(evidence.notAsked?.[0] ?? '', /^bl\.example\.test: the list answered 127\.255\.255\.254/)
})

test('what the filter has learned counts for and against', async t => {
  const { storage, screen } = await open(t, { settings: { filter: true } })
  await addDomain(storage, 'example.test')
  const account = await addAccount(storage, 'anna@example.test')
  const spam = withBody('cheap pills money back guarantee click here')
  const ham = withBody('the meeting moves to noon, thanks for the report')
  for (let n = 0; n < leastLearned; n++) {
    const lesson = { accountId: account, now: 0 }
    await teach(storage, { ...lesson, messageId: 2 * n + 1, kind: 'spam' }, specimen(spam).open())
    await teach(storage, { ...lesson, messageId: 2 * n + 2, kind: 'ham' }, specimen(ham).open())
  }
  const bad = await screen(spam)
  assert.equal(bad.evidence.lines[0]?.name, 'like spam')
  assert.ok(bad.evidence.score >= 3.5, String(bad.evidence.score))
  const good = await screen(ham)
  assert.equal(good.evidence.lines[0]?.name, 'like wanted mail')
  assert.ok(good.evidence.score < 0)
})

test('who looks a little like spam and is not known comes again; who is known does not have to', async t => {
  const suspicious = {
    settings: { greylistScore: 3 },
    reports: [{ score: 3.5, findings: [{ name: 'A', score: 3.5 }] }],
  }
  const { clock, screen, storage } = await open(t, suspicious)
  const first = await screen()
  const comeAgainAt = clock.now() + 5 * 60_000
  // The sender is not told what his message looks like, nor how much of it is too much.
  const told = `who is not known here has to send a message again, as mail servers do by themselves, from ${new Date(comeAgainAt).toISOString()} on`
  assert.deepEqual(first.verdict, { kind: 'defer', by: 'score', because: told, told })
  assert.equal(first.evidence.comeAgainAt, comeAgainAt)
  clock.advance(5 * 60_000)
  assert.deepEqual((await screen()).verdict, { kind: 'accept' })
  // From another address of the same provider, which has proved its domain.
  const vera = { reversePath: address('vera@example.org'), provenDomain: 'example.org' }
  assert.equal((await screen(plainMessage, vera)).verdict.kind, 'defer')
  // As a report from nobody anything can come.
  assert.equal((await screen(plainMessage, { reversePath: null })).verdict.kind, 'defer')
  // Anna has written to Olga.
  await addDomain(storage, 'example.test')
  const accountId = await addAccount(storage, 'anna@example.test')
  await storage.run(noteCorrespondent, {
    accountId,
    addressKey: 'olga@example.net',
    most: 0,
    now: clock.now(),
  })
  const olga = { reversePath: address('olga@example.net') }
  assert.equal((await screen(plainMessage, olga)).verdict.kind, 'accept')
  // Who writes to an alias of hers writes to her.
  const sales = address('sales@example.test')
  await storage.run(createRedirection, {
    kind: 'alias',
    address: sales,
    name: '',
    targets: [anna],
    at: clock.now(),
  })
  assert.equal((await screen(plainMessage, { ...olga, recipients: [sales] })).verdict.kind, 'accept')
})

test('what the client calls itself, and the name of its address, have points', async t => {
  const { screen, storage } = await open(t, { settings: { clientNames: true } })
  await addDomain(storage, 'example.test')
  const linesOf = async (heloName: string, context: Partial<ScreeningContext> = {}): Promise<string[]> => {
    const { evidence } = await screen(plainMessage, context, heloName)
    return evidence.lines.map(({ source, name, points }) => `${source}: ${name} ${points}`)
  }
  for (const [heloName, lines] of [
    ['client.example.net', []],
    ['клиент.рф', []],
    ['[192.0.2.7]', []],
    ['[192.0.2.8]', ['client: address of another 2']],
    ['[IPv6:2001:db8::7]', ['client: address of another 2']],
    ['192.0.2.7', ['client: address for a name 2']],
    ['localhost', ['client: no full name 1.5']],
    ['MY_PC', ['client: no full name 1.5']],
    ['Mail.Example.Test.', ['client: our own name 4']],
    ['example.test', ['client: our own name 4']],
    ['mx.example.test', []],
  ] as const)
    assert.deepEqual(await linesOf(heloName), lines, heloName)
  const found = (iprev: IprevEvidence): Partial<ScreeningContext> => ({
    origin: { evidence: { iprev }, isActedUpon: false },
  })
  assert.deepEqual(
    await linesOf('client.example.net', found({ result: 'fail', problem: 'the address has no name (PTR)' })),
    ['client: address without a name 1'],
  )
  assert.deepEqual(await linesOf('client.example.net', found({ result: 'temperror' })), [])
  // A client with the name of our host leads back to itself: it is ours.
  assert.deepEqual(
    await linesOf('mail.example.test', found({ result: 'pass', name: 'mail.example.test' })),
    [],
  )
})

test('what the checks of its origin speak against has points, and what they speak for has none', async t => {
  const unproven = {
    ownDomain: 8,
    ownWithinName: 1.5,
    ownLookAlike: 6,
    spfFail: 2,
    spfSoftfail: 1,
    spfPermerror: 0.7,
    dmarcNone: 0.5,
    dmarcQuarantine: 2.5,
    dmarcReject: 3.5,
  }
  const { screen } = await open(t, { settings: { unproven, junkScore: 1000, refuseScore: 1000 } })
  const spf = (result: SpfEvidence['result'], domain = 'bank.test'): SpfEvidence => ({
    identity: 'mailfrom',
    domain,
    result,
    lookups: 1,
  })
  const dmarc = (policy: 'none' | 'quarantine' | 'reject') =>
    ({ result: 'fail', domain: 'bank.test', policyDomain: 'bank.test', policy }) as const
  const signed = (domain: string, result: 'pass' | 'fail' = 'pass') =>
    [{ result, domain, selector: 's', algorithm: 'rsa-sha256' }] as const
  const known = { name: 'talk@lists.test', knownBy: 'correspondence' } as const
  const examples: readonly (readonly [AuthenticationEvidence, readonly string[]])[] = [
    [{ spf: [spf('fail')] }, ['SPF fail 2']],
    [{ spf: [spf('softfail')] }, ['SPF softfail 1']],
    [{ spf: [spf('permerror')] }, ['SPF permerror 0.7']],
    [{ spf: [spf('permerror')], dkim: signed('bank.test') }, []],
    [{ spf: [spf('pass'), spf('fail', 'helo.test')] }, []],
    [{ spf: [spf('neutral')], dkim: [], dmarc: { result: 'none', domain: 'bank.test' } }, []],
    [{ spf: [spf('temperror')], dmarc: { result: 'temperror', domain: 'bank.test' } }, []],
    [{ dmarc: dmarc('none') }, ['DMARC fail, p=none 0.5']],
    [
      { dmarc: dmarc('quarantine'), spf: [spf('softfail')] },
      ['DMARC fail, p=quarantine 2.5', 'SPF softfail 1'],
    ],
    [{ dmarc: dmarc('reject'), spf: [spf('fail')] }, ['DMARC fail, p=reject 3.5', 'SPF fail 2']],
    // A signature that does not hold is as none; one of a stranger is worth nothing.
    [{ spf: [spf('fail')], dkim: signed('bank.test', 'fail') }, ['SPF fail 2']],
    [
      { dmarc: dmarc('none'), spf: [spf('fail')], dkim: signed('evil.test') },
      ['DMARC fail, p=none 0.5', 'SPF fail 2'],
    ],
    // Who has signed it has sent it, whoever has brought it here.
    [{ spf: [spf('fail')], dkim: signed('bank.test') }, []],
    [{ dmarc: { result: 'pass', domain: 'bank.test' }, spf: [spf('fail', 'old.test')] }, []],
    [
      { unprovenOwn: 'anna@example.test', dmarc: dmarc('none'), spf: [spf('fail')] },
      ['an address of ours 8', 'SPF fail 2'],
    ],
    [
      { authorProblem: 'unreadable-from', dmarc: { result: 'permerror' }, spf: [spf('pass')] },
      ['unreadable From 2.5'],
    ],
    [{ authorProblem: 'no-from', dmarc: { result: 'permerror' }, spf: [spf('pass')] }, []],
    [
      { unprovenOwn: 'anna@example.test', dmarc: dmarc('none'), spf: [spf('pass')], forwarder: known },
      ['an address of ours 8'],
    ],
    [
      {
        unprovenOwn: 'anna@example.test',
        dmarc: dmarc('none'),
        spf: [spf('pass')],
        forwarder: { ...known, isUsedByAuthor: true },
      },
      [],
    ],
    // Whoever has proved himself, and writes an address of ours into his name.
    [
      { ownWithinName: 'anna@example.test', dmarc: { result: 'pass', domain: 'evil.test' } },
      ['an address of ours in a name 1.5'],
    ],
    [
      {
        ownWithinName: 'anna@example.test',
        dmarc: { result: 'pass', domain: 'lists.test' },
        forwarder: known,
      },
      [],
    ],
    [{ dmarc: dmarc('reject'), arc: { result: 'pass', trusted: 'lists.test' } }, []],
    // Whoever has registered a name proves it, and whoever sends it on is honest: it deceives its reader all the same.
    [
      {
        ownLookAlike: { address: 'anna@xn--xample-2of.test', own: 'example.test' },
        dmarc: { result: 'pass', domain: 'xn--xample-2of.test' },
        forwarder: known,
      },
      ['it looks like one of ours 6'],
    ],
  ]
  for (const [evidence, lines] of examples) {
    const found = (await screen(plainMessage, { origin: { evidence, isActedUpon: false } })).evidence.lines
    assert.deepEqual(
      found.map(({ source, name, points }) => `${source}: ${name} ${points}`),
      lines.map(line => `origin: ${line}`),
      JSON.stringify(evidence),
    )
    const acted = await screen(plainMessage, { origin: { evidence, isActedUpon: true } })
    assert.deepEqual(acted.evidence.lines, [])
  }
})
