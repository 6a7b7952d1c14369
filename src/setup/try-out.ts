// The server of `npm start`: to look at, on this machine only, with everything it needs made at the first start.
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { type ListenerRole, listenerRoles } from '../config/listener-roles.ts'
import { placeSettings } from '../config/load-settings.ts'
import { settingsSchema } from '../config/schema.ts'
import type { ListenerSettings, Settings } from '../config/settings.ts'
import { createAccount, findAccount } from '../directory/accounts.ts'
import { authenticate } from '../directory/authenticate.ts'
import { createDomain, listDomains } from '../directory/domains.ts'
import { generatePassword } from '../directory/generate-password.ts'
import { storedPassword } from '../directory/new-password.ts'
import type { Clock } from '../runtime/clock.ts'
import { UsageFault } from '../runtime/fault.ts'
import type { Random } from '../runtime/random.ts'
import { scramHashesOf, usualMechanisms } from '../sasl/mechanisms.ts'
import type { Storage } from '../storage/operation.ts'

/** RFC 2606 §2: .test is nobody's, now and later. */
const tryOutDomain = 'example.test'
const hostname = `mail.${tryOutDomain}`
const localParts = ['anna', 'boris']

export type TryOutPorts = Readonly<Partial<Record<ListenerRole, number>>>

export interface TryOutOptions {
  /** Default: data in the project folder. */
  readonly dataFolder?: string | undefined
  /** For those that are not there the system chooses. Default: the usual ones, and 2000. */
  readonly ports?: TryOutPorts | undefined
}

/** How a server to try out gets other ports. */
export const tryOutPortsElsewhere =
  'give this server others (relay, submission, submissions; the rest the system chooses):  npm start -- --ports 3525,3587,3465'

/** How a second server to try out is started beside the first: in a folder inside this one, where npx finds the program too. */
export const tryOutFolderElsewhere =
  'start this one in a folder of its own, with other ports: "mkdir -p second && cd second && postrider serve --try --ports 3525,3587,3465"'

const defaultPorts: TryOutPorts = {
  relay: 2525,
  submission: 2587,
  submissions: 2465,
  imap: 2143,
  imaps: 2993,
  pop3: 2110,
  pop3s: 2995,
  sieve: 6190,
}

export function tryOutSettings(
  projectFolder: string,
  { dataFolder, ports = defaultPorts }: TryOutOptions = {},
): Settings {
  const addresses = hasIpv6Loopback() ? ['127.0.0.1', '::1'] : ['127.0.0.1']
  const listeners: ListenerSettings[] = addresses.flatMap(address =>
    listenerRoles.map(role => ({ role, address, port: ports[role] ?? 0, proxyFrom: [] })),
  )
  const settings = settingsSchema.parse({
    hostname,
    dataFolder: dataFolder ?? 'data',
    limits: { maxConnectionsPerAddress: 1000 },
    submission: { allowPlaintextAuthOnLoopback: true },
  })
  return { ...placeSettings(settings, projectFolder), listeners }
}

function hasIpv6Loopback(): boolean {
  return Object.values(networkInterfaces()).some(addresses =>
    addresses?.some(({ address }) => address === '::1'),
  )
}

export interface TryOutAccount {
  readonly address: string
  readonly password: string
  /** Somebody gave it another password since: this one no longer opens it. */
  readonly changed: boolean
}

/** The passwords of a server to try out; where it is, its data are too. */
export function tryOutFile(dataFolder: string): string {
  return join(dataFolder, 'try-out.json')
}

interface KeptAccount {
  readonly address: string
  readonly password: string
}

/** The domain and its accounts, made where they are missing. A second start finds them, with the same passwords. */
export async function ensureTryOut(
  storage: Pick<Storage, 'run'>,
  dataFolder: string,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<TryOutAccount[]> {
  const file = tryOutFile(dataFolder)
  const kept = readKept(file) ?? []
  const domains = await storage.run(listDomains, undefined)
  if (!domains.some(({ name }) => name === tryOutDomain)) {
    await storage.run(createDomain, { name: tryOutDomain, at: clock.now() })
  }
  const wanted = localParts.map(localPart => {
    const address = `${localPart}@${tryOutDomain}`
    return {
      localPart,
      address,
      password: kept.find(account => account.address === address)?.password ?? generatePassword(random),
    }
  })
  // Before the accounts: after a crash in between, the next start finds the passwords and makes the accounts with them.
  writeKept(
    file,
    wanted.map(({ address, password }) => ({ address, password })),
  )
  const accounts: TryOutAccount[] = []
  for (const { localPart, address, password } of wanted) {
    const path = { localPart, domain: tryOutDomain }
    if (!(await storage.run(findAccount, { address: path }))) {
      await storage.run(createAccount, {
        address: path,
        name: '',
        ...(await storedPassword(storage, address, password, {
          random,
          at: clock.now(),
          scramHashes: scramHashesOf(usualMechanisms),
        })),
        language: 'en',
        enabled: true,
        at: clock.now(),
      })
    }
    accounts.push({ address, password, changed: !(await authenticate(storage, address, password)) })
  }
  return accounts
}

function readKept(file: string): KeptAccount[] | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new UsageFault('TRY_OUT_UNREADABLE', `${file} cannot be read: ${String(cause)}`, { cause })
  }
  try {
    const value: unknown = JSON.parse(text)
    const accounts: unknown =
      typeof value === 'object' && value !== null ? Reflect.get(value, 'accounts') : undefined
    if (Array.isArray(accounts) && accounts.every(isKeptAccount)) return accounts
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
  }
  throw new UsageFault(
    'TRY_OUT_UNREADABLE',
    `${file} holds the passwords of the accounts to try out, and is damaged. Remove it, and give the accounts new passwords: postrider account password ${localParts[0]}@${tryOutDomain}`,
  )
}

function isKeptAccount(value: unknown): value is KeptAccount {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'address') === 'string' &&
    typeof Reflect.get(value, 'password') === 'string'
  )
}

function writeKept(file: string, accounts: readonly KeptAccount[]): void {
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomUUID()}`
  writeFileSync(temporary, `${JSON.stringify({ accounts }, null, 2)}\n`, { mode: 0o600 })
  renameSync(temporary, file)
}
