// A server of ManageSieve with two accounts, whose scripts are in memory.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { Admission } from '../../src/connection/connection-keeper.ts'
import { Connection, type ConnectionHost } from '../../src/manage-sieve/connection.ts'
import type { Account, RefusedLogin, SessionServices } from '../../src/manage-sieve/services.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { channelBindingOf } from '../../src/sasl/channel-binding.ts'
import type { PasswordMechanism } from '../../src/sasl/mechanisms.ts'
import { deriveScramCredential } from '../../src/sasl/scram-keys.ts'
import { defaultLimits, type SieveLimits } from '../../src/sieve/limits.ts'
import { testSecureContext } from '../harness/secure-context.ts'

export interface House {
  readonly port: number
  /** By 'address name': what the server would find after a start. */
  readonly scripts: ReadonlyMap<string, string>
  readonly active: ReadonlyMap<string, string>
  readonly refusedLogins: readonly RefusedLogin[]
  readonly faults: readonly unknown[]
  /** Connections that are open. */
  readonly connections: ReadonlySet<Connection>
  /** Moves the clock, and ends whoever has been silent for too long. */
  passTime(ms: number): void
  close(): Promise<void>
}

export interface HouseOptions {
  readonly hasTls?: boolean
  readonly allowPlaintext?: boolean
  readonly mechanisms?: readonly PasswordMechanism[]
  readonly maxErrors?: number
  readonly maxScripts?: number
  readonly sieve?: SieveLimits
  readonly brokenStorage?: boolean
  readonly brokenCertificate?: boolean
  readonly admission?: Admission
  /** The account has been removed while its session goes on. */
  readonly goneAccounts?: boolean
}

const salt = { salt: Buffer.from('salt of the test'), iterations: 4096 }
const passwords: Readonly<Record<string, string>> = {
  'anna@example.test': 'secret',
  'boris@example.test': 'geheim',
}

export async function openHouse(options: HouseOptions = {}): Promise<House> {
  const { hasTls = true, allowPlaintext = true, maxErrors = 10, maxScripts = 3 } = options
  const { mechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN'], sieve = defaultLimits } = options
  const scripts = new Map<string, string>()
  const active = new Map<string, string>()
  const refusedLogins: RefusedLogin[] = []
  const faults: unknown[] = []
  const connections = new Set<Connection>()
  let now = Date.parse('2026-11-27T12:00:00Z')
  const keyOf = (account: Account, name: string): string => `${account.address} ${name}`
  const own = (account: Account): string[] =>
    [...scripts.keys()]
      .filter(key => key.startsWith(`${account.address} `))
      .map(key => key.slice(account.address.length + 1))
  const accountOf = (address: string): Account => ({ id: address.length, address })
  const ready = (): void => {
    if (options.brokenStorage) throw new Error('the disk is on fire')
  }
  const judgeSpace = (account: Account, name: string) =>
    !scripts.has(keyOf(account, name)) && own(account).length >= maxScripts
      ? ('too-many-scripts' as const)
      : undefined
  const services: SessionServices = {
    authorityFor: () => ({
      verifyPassword: (name, password) =>
        Promise.resolve(
          passwords[name] === password
            ? accountOf(name)
            : { refused: name in passwords ? 'wrong-password' : 'no-such-account' },
        ),
      openScram: async (hash, name) => ({
        ...salt,
        keys: [await deriveScramCredential(hash, passwords[name] ?? 'nobody knows', salt)],
        settle: keys =>
          Promise.resolve(keys && name in passwords ? accountOf(name) : { refused: 'wrong-password' }),
      }),
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
  let sessions = 0
  const host: ConnectionHost = {
    context: {
      hostname: 'mail.example.test',
      version: '0',
      services,
      hasTls,
      allowPlaintextAuthOnLoopback: allowPlaintext,
      authMechanisms: mechanisms,
      random: systemRandom,
      limits: { maxErrors, maxScripts, sieve },
      fault: cause => faults.push(cause),
    },
    timeouts: { loginMs: 60_000, idleMs: 30 * 60_000 },
    now: () => now,
    expectDeadline: () => undefined,
    nextSessionId: () => `s${++sessions}`,
    secureContext: (): SecureContext => {
      if (options.brokenCertificate) throw new Error('there is no certificate')
      return testSecureContext()
    },
    secure: (socket: Socket, secureContext) => new TLSSocket(socket, { isServer: true, secureContext }),
    tlsFacts: secure => ({
      protocol: secure.getProtocol() ?? '',
      cipher: secure.getCipher().standardName,
      channelBinding: type => channelBindingOf(secure, type),
    }),
    admit: () => options.admission ?? { kind: 'admitted' },
    released: connection => connections.delete(connection),
    note: () => undefined,
    fault: cause => faults.push(cause),
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    const connection = new Connection(host, { role: 'sieve' }, socket)
    connections.add(connection)
    connection.adopt()
    connection.greet()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    scripts,
    active,
    refusedLogins,
    faults,
    connections,
    passTime(ms) {
      now += ms
      for (const connection of connections) if (connection.deadlineAt <= now) connection.expire()
    },
    async close() {
      for (const connection of connections) connection.cut()
      server.close()
      await once(server, 'close')
    },
  }
}
