// A server of ManageSieve with two accounts, whose scripts are in memory.
import { createManageSieveServer } from '../../src/manage-sieve/create-manage-sieve-server.ts'
import type { ManageSieveLimits, ManageSieveServer } from '../../src/manage-sieve/options.ts'
import type { SessionServices } from '../../src/manage-sieve/services.ts'
import type { Log } from '../../src/runtime/log.ts'
import type { AuthenticatedAccount, RefusedLogIn } from '../../src/sasl/log-in-services.ts'
import type { PasswordMechanism } from '../../src/sasl/mechanisms.ts'
import { deriveScramCredential } from '../../src/sasl/scram-keys.ts'
import type { SieveLimits } from '../../src/sieve/limits.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { testSecureContext } from '../harness/secure-context.ts'

export interface House {
  readonly port: number
  /** By 'address name': what the server would find after a start. */
  readonly scripts: ReadonlyMap<string, string>
  readonly active: ReadonlyMap<string, string>
  readonly refusedLogins: readonly RefusedLogIn[]
  /** What the log has of faults. */
  readonly faults: readonly unknown[]
  readonly server: ManageSieveServer
  /** Moves the clock, and ends whoever has been silent for too long. */
  passTime(ms: number): void
  close(): Promise<void>
}

export interface HouseOptions {
  readonly hasTls?: boolean
  readonly allowPlaintext?: boolean
  readonly mechanisms?: readonly PasswordMechanism[]
  readonly limits?: Partial<ManageSieveLimits>
  readonly sieve?: SieveLimits
  readonly brokenStorage?: boolean
  readonly brokenCertificate?: boolean
  /** Who may come in. */
  readonly clients?: readonly string[]
  /** The account has been removed while its session goes on. */
  readonly goneAccounts?: boolean
}

const salt = { salt: Buffer.from('salt of the test'), iterations: 4096 }
const passwords: Readonly<Record<string, string>> = {
  'anna@example.test': 'secret',
  'boris@example.test': 'geheim',
}

export async function openHouse(options: HouseOptions = {}): Promise<House> {
  const { hasTls = true, allowPlaintext = true, sieve, clients } = options
  const { mechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN'] } = options
  const limits = {
    maxErrorsPerSession: 10,
    maxScripts: 3,
    idleTimeoutMs: 30 * 60_000,
    ...options.limits,
  }
  const scripts = new Map<string, string>()
  const active = new Map<string, string>()
  const refusedLogins: RefusedLogIn[] = []
  const faults: unknown[] = []
  const clock = createManualClock()
  const keyOf = (account: AuthenticatedAccount, name: string): string => `${account.address} ${name}`
  const own = (account: AuthenticatedAccount): string[] =>
    [...scripts.keys()]
      .filter(key => key.startsWith(`${account.address} `))
      .map(key => key.slice(account.address.length + 1))
  const accountOf = (address: string): AuthenticatedAccount => ({ id: address.length, address })
  const ready = (): void => {
    if (options.brokenStorage) throw new Error('the disk is on fire')
  }
  const judgeSpace = (account: AuthenticatedAccount, name: string) =>
    !scripts.has(keyOf(account, name)) && own(account).length >= limits.maxScripts
      ? ('too-many-scripts' as const)
      : undefined
  const services: SessionServices = {
    authenticate: async (_client, name, password) =>
      passwords[name] === password
        ? accountOf(name)
        : { refused: name in passwords ? 'wrong-password' : 'no-such-account' },
    openScram: async (_client, hash, name) => ({
      ...salt,
      keys: [await deriveScramCredential(hash, passwords[name] ?? 'nobody knows', salt)],
      settle: async keys => (keys && name in passwords ? accountOf(name) : { refused: 'wrong-password' }),
    }),
    listScripts: async account => {
      ready()
      return own(account).map(name => ({ name, isActive: active.get(account.address) === name }))
    },
    readScript: async (account, name) => {
      const text = scripts.get(keyOf(account, name))
      return text === undefined ? undefined : Buffer.from(text)
    },
    judgeSpace: async (account, name) => judgeSpace(account, name),
    storeScript: async (account, name, script) => {
      ready()
      if (options.goneAccounts) return 'gone'
      const problem = judgeSpace(account, name)
      if (problem === undefined) scripts.set(keyOf(account, name), Buffer.from(script).toString())
      return problem
    },
    activateScript: async (account, name) => {
      if (name === undefined) active.delete(account.address)
      else if (!scripts.has(keyOf(account, name))) return false
      else active.set(account.address, name)
      return true
    },
    deleteScript: async (account, name) => {
      if (active.get(account.address) === name) return 'active'
      return scripts.delete(keyOf(account, name)) ? 'deleted' : 'nonexistent'
    },
    renameScript: async (account, from, to) => {
      const text = scripts.get(keyOf(account, from))
      if (text === undefined) return 'nonexistent'
      if (scripts.has(keyOf(account, to))) return 'exists'
      scripts.delete(keyOf(account, from))
      scripts.set(keyOf(account, to), text)
      if (active.get(account.address) === from) active.set(account.address, to)
      return 'renamed'
    },
    loginRefused: (_, refused) => refusedLogins.push(refused),
  }
  const log: Log = {
    isDebugEnabled: false,
    debug() {},
    info() {},
    warn() {},
    error: (_message, _fields, cause) => void faults.push(cause),
  }
  const listener = { role: 'sieve' as const, address: '127.0.0.1', port: 0, ...(clients && { clients }) }
  const server = createManageSieveServer({
    hostname: 'mail.example.test',
    version: '0',
    listeners: [listener],
    services,
    limits,
    ...(sieve && { sieve }),
    ...(hasTls && {
      tls: {
        secureContext() {
          if (options.brokenCertificate) throw new Error('there is no certificate')
          return testSecureContext()
        },
      },
    }),
    allowPlaintextAuthOnLoopback: allowPlaintext,
    authMechanisms: mechanisms,
    clock,
    log,
  })
  const [bound] = await server.listen()
  return {
    port: bound?.port ?? 0,
    scripts,
    active,
    refusedLogins,
    faults,
    server,
    passTime: ms => clock.advance(ms),
    close: () => server.close(),
  }
}
