// postrider domain dkim: the keys with which mail of a domain is signed, and whether their records are in the DNS.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import type { Settings } from '../../config/settings.ts'
import { displayDomain } from '../../directory/display.ts'
import { findDomain } from '../../directory/domains.ts'
import { createSettingsResolver } from '../../main/compose-resolver.ts'
import { UsageFault, WrongUsage } from '../../runtime/fault.ts'
import { silentLog } from '../../runtime/log.ts'
import { type DkimKey, isPublished, publishedUntil } from '../../signing/dkim-key.ts'
import { ensureFirstKeys, makeKey } from '../../signing/ensure-keys.ts'
import { KeyKeeper } from '../../signing/key-keeper.ts'
import { readKeyPair } from '../../signing/key-pair.ts'
import { keyRecordName } from '../../signing/key-record.ts'
import { importKey, listDkimKeys, revokeKey } from '../../signing/operations.ts'
import { parseSelector } from '../../signing/selector.ts'
import { keyAlgorithms } from '../../signing/signing-key.ts'
import { domainArgument } from '../arguments.ts'
import { formatColumns } from '../columns.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { describeFileError } from '../describe-file-error.ts'
import type { Invocation } from '../invocation.ts'
import type { CommandStorage } from '../open-storage.ts'
import { formatTime } from '../quantities.ts'

interface DkimOptions {
  readonly check?: true
  readonly rotate?: true
  readonly import?: string
  readonly selector?: string
  readonly revoke?: string
}

export function addDomainDkimCommand(domain: Command, run: CommandRun): void {
  addCommand(domain, {
    usage: 'dkim',
    summary: 'Show, check, replace or bring along the keys with which mail of a domain is signed',
    description:
      'Show the DKIM keys of a domain, and whether their records are in the DNS. A key signs as soon as its record is seen ' +
      'there, and for as long. "postrider domain dns" prints the records.',
    examples: [
      'domain dkim example.test',
      'domain dkim example.test --check',
      'domain dkim example.test --rotate',
      'domain dkim example.test --import old-server.pem --selector mail2024',
      'domain dkim example.test --revoke pr202611r',
    ],
  })
    .addArgument(new Argument('<domain>').argParser(domainArgument))
    .option(
      '--check',
      'ask the DNS now; the server does so every hour, and every few minutes where a record is missing',
    )
    .option(
      '--rotate',
      'make the next keys; they take the place of the present ones when their records were seen',
    )
    .option(
      '--import <file>',
      'bring along a private key (PEM) whose record is published already (with --selector)',
    )
    .addOption(
      new Option('--selector <name>', 'of the key that is brought along').argParser(selectorArgument),
    )
    .addOption(
      new Option(
        '--revoke <selector>',
        'sign no more with this key, now and for ever: for one that was stolen',
      ).argParser(selectorArgument),
    )
    .action(
      perform(run, async (invocation, options: DkimOptions, name: string) => {
        assertOne(options)
        const keys = await invocation.withStorage(async (storage, settings) => {
          await storage.run(findDomain, { name })
          await change(invocation, storage, name, options)
          // A server that makes no keys shows those that there are.
          if (settings.dkim.sign) await ensureFirstKeys(storage, name, invocation.clock.now())
          if (options.check || options.import !== undefined) await check(invocation, storage, settings, name)
          return await storage.run(listDkimKeys, { domain: name })
        })
        const { dkim } = await invocation.settings()
        const now = invocation.clock.now()
        invocation.output.result(
          { domain: name, signs: dkim.sign, keys: keys.map(key => keyJson(key, now, dkim)) },
          describeKeys(name, keys, now, dkim),
        )
      }),
    )
}

function selectorArgument(text: string): string {
  const selector = parseSelector(text)
  if (selector === undefined)
    throw new InvalidArgumentError('It has to be a selector: letters, digits and hyphens, as in mail2024.')
  return selector
}

function assertOne({ check: isCheck, rotate, import: file, selector, revoke }: DkimOptions): void {
  if ([isCheck, rotate, file, revoke].filter(option => option !== undefined).length > 1)
    throw new WrongUsage('Give one of --check, --rotate, --import and --revoke.')
  if ((file === undefined) !== (selector === undefined))
    throw new WrongUsage(
      '--import and --selector go together: the selector is the name under which its record stands.',
    )
}

async function change(
  invocation: Invocation,
  storage: CommandStorage,
  domain: string,
  { rotate, import: file, selector, revoke }: DkimOptions,
): Promise<void> {
  const at = invocation.clock.now()
  if (rotate) {
    // One that is new is replaced too: somebody says so.
    for (const algorithm of keyAlgorithms) await makeKey(storage, domain, algorithm, at, at)
  }
  if (file !== undefined && selector !== undefined)
    await storage.run(importKey, {
      domain,
      selector,
      pair: readKeyPair(readPem(resolve(invocation.surroundings.workingFolder, file))),
      at,
    })
  if (revoke !== undefined && !(await storage.run(revokeKey, { domain, selector: revoke, at })))
    throw new UsageFault(
      'DKIM_NO_SUCH_KEY',
      `${displayDomain(domain)} has no key with the selector ${revoke} that could be revoked. See them: postrider domain dkim ${displayDomain(domain)}`,
    )
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch (cause) {
    throw new UsageFault('DKIM_KEY_FILE', `${file} cannot be read: ${describeFileError(cause)}`, { cause })
  }
}

async function check(
  { clock, random }: Invocation,
  storage: CommandStorage,
  settings: Settings,
  domain: string,
): Promise<void> {
  const resolver = createSettingsResolver(settings, clock, random)
  try {
    await new KeyKeeper({ storage, resolver, clock, log: silentLog, terms: settings.dkim }).lookAt(domain)
  } finally {
    resolver.close()
  }
}

type Terms = Settings['dkim']

function keyJson(key: DkimKey, now: number, terms: Terms): unknown {
  const time = (at: number | undefined): string | null =>
    at === undefined ? null : new Date(at).toISOString()
  return {
    selector: key.selector,
    algorithm: key.algorithm,
    state: key.state,
    signs: terms.sign && key.state === 'active' && isPublished(key, now, terms),
    record: keyRecordName(key.domain, key.selector),
    inDns: key.finding ?? null,
    detail: key.detail ?? null,
    checkedAt: time(key.checkedAt),
    seenSince: time(key.seenSince),
    createdAt: time(key.createdAt),
    stateSince: time(key.stateSince),
    publishUntil: key.state === 'retired' ? time(publishedUntil(key)) : null,
  }
}

function describeKeys(name: string, keys: readonly DkimKey[], now: number, terms: Terms): string {
  const domain = displayDomain(name)
  if (keys.length === 0)
    return `${domain} has no DKIM keys: the settings want no signatures (dkim.sign = false).`
  const table = formatColumns(
    [
      { title: 'SELECTOR', cell: key => key.selector },
      { title: 'KIND', cell: key => (key.algorithm === 'rsa' ? 'RSA' : 'Ed25519') },
      { title: 'STATE', cell: key => stateWords[key.state] },
      { title: 'SINCE', cell: key => formatTime(key.stateSince) },
      { title: 'IN THE DNS', cell: describeFinding },
    ],
    keys,
  ).trimEnd()
  return [table, '', ...describeSigning(domain, keys, now, terms), ...describeTasks(domain, keys)].join('\n')
}

const stateWords: Readonly<Record<DkimKey['state'], string>> = {
  next: 'to be published',
  active: 'in use',
  retired: 'old',
  revoked: 'revoked',
}

function describeFinding({ finding, detail, checkedAt, state }: DkimKey): string {
  if (state === 'retired' || state === 'revoked') return '-'
  const when = checkedAt === undefined ? '' : ` (${formatTime(checkedAt)})`
  switch (finding) {
    case 'right':
      return `yes${when}`
    case 'missing':
      return `no${when}`
    case 'different':
      return `not right: ${detail ?? ''}${when}`
    case undefined:
      return 'not looked up yet'
    default:
      return finding satisfies never
  }
}

function describeSigning(domain: string, keys: readonly DkimKey[], now: number, terms: Terms): string[] {
  if (!terms.sign) return ['Mail is not signed: the settings do not want it (dkim.sign = false).']
  const signing = keys.filter(key => key.state === 'active' && isPublished(key, now, terms))
  return signing.length > 0
    ? [`Mail from ${domain} is signed with ${signing.map(({ selector }) => selector).join(' and ')}.`]
    : [
        `Mail from ${domain} is not signed: receivers could not check a signature with a key that is not in the DNS, and such a one is worth less than none.`,
      ]
}

/** What the administrator has to do. */
function describeTasks(domain: string, keys: readonly DkimKey[]): string[] {
  const missing = keys.filter(
    ({ state, finding }) => (state === 'next' || state === 'active') && finding !== 'right',
  )
  const old = keys.filter(({ state }) => state === 'retired')
  return [
    ...(missing.length > 0
      ? [
          `To be published: ${missing.map(({ selector }) => keyRecordName(domain, selector)).join(', ')}. The records: postrider domain dns ${domain}`,
          `Signing with them begins by itself when they are seen; to look now: postrider domain dkim ${domain} --check`,
        ]
      : []),
    ...old.map(
      key =>
        `What ${key.selector} has signed may still be under way: its record has to stay until ${formatTime(publishedUntil(key))}.`,
    ),
  ]
}
