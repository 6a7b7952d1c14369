// Servers that get certificates from an authority of the tests': storage, listeners and requests are real, time is the test's.
import type { TestContext } from 'node:test'
import { CertificateKeeper } from '../../src/acme/certificate-keeper.ts'
import { listAcmeCertificates } from '../../src/acme/operations.ts'
import type { AcmeCertificate } from '../../src/acme/records.ts'
import { settingsSchema } from '../../src/config/schema.ts'
import type { AcmeSettings } from '../../src/config/settings.ts'
import { type AcmeWork, composeAcme } from '../../src/main/compose-acme.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { type Log, silentLog } from '../../src/runtime/log.ts'
import { openTestStorage, type TestStorage } from '../harness/test-storage.ts'
import { type AcmeServer, type AcmeServerOptions, startAcmeServer } from './acme-server.ts'

export const dayMs = 86_400_000
export const name = 'mail.example.test'

/** Short waits are over at once, and so much later it is then; long ones never, unless the test says so. */
export interface HastyClock extends Clock {
  advance(ms: number): void
}

const shortMs = 30_000

export function createHastyClock(): HastyClock {
  let now = Date.now()
  return {
    now: () => now,
    after(ms, callback) {
      if (ms > shortMs) return { cancel() {} }
      const timer = setImmediate(() => {
        now += ms
        callback()
      })
      return { cancel: () => clearImmediate(timer) }
    },
    every: () => ({ cancel() {} }),
    advance(ms) {
      now += ms
    },
  }
}

export interface Server {
  readonly keeper: CertificateKeeper
  readonly work: AcmeWork
}

export interface World extends TestStorage {
  readonly clock: HastyClock
  readonly authority: AcmeServer
  /** What the DNS has, by name. */
  readonly tlsa: Map<string, readonly string[]>
  readonly server: Server
  /** One more over the same storage. */
  addServer(settings?: Partial<AcmeSettings>): Promise<Server>
  /** The certificate that is kept for a name. */
  kept(of?: string): Promise<AcmeCertificate>
}

export interface WorldOptions {
  readonly acme?: Partial<AcmeSettings>
  readonly authority?: Partial<AcmeServerOptions>
  readonly log?: Log
  /** Further tables of the settings. */
  readonly tables?: Readonly<Record<string, unknown>>
}

export async function createWorld(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const { acme = {}, log = silentLog } = options
  const clock = createHastyClock()
  const test = await openTestStorage(t)
  const { storage, folder, beforeClose } = test
  const tlsa = new Map<string, readonly string[]>()
  const servers: Server[] = []
  const authority = await startAcmeServer({
    proofAt: () => ({ address: '127.0.0.1', port: servers[0]?.work.port() ?? 1 }),
    now: () => clock.now(),
    ...options.authority,
  })
  beforeClose(() => authority.close())
  const defaults = settingsSchema.parse({
    hostname: name,
    tls: { acme: { agreeToTerms: true } },
    ...options.tables,
  })
  const addServer = async (more: Partial<AcmeSettings> = {}): Promise<Server> => {
    if (!defaults.tls.acme) throw new Error('no [tls.acme]')
    const settings = {
      ...defaults,
      dataFolder: folder,
      // Behind a router, which has it at 25.
      listeners: defaults.listeners.map(listener => ({ ...listener, port: 2500 + listener.port })),
      tls: {
        ...defaults.tls,
        acme: {
          ...defaults.tls.acme,
          address: '127.0.0.1',
          port: 0,
          directory: authority.directory,
          caPem: authority.caPem,
          ...acme,
          ...more,
        },
      },
    }
    const work = composeAcme({
      settings,
      storage,
      resolver: {
        async tlsa(asked) {
          const records = tlsa.get(asked)
          if (!records) return { kind: 'no-such-domain' }
          return { kind: 'found', records: records.map(parseTlsa), ttlMs: 1000 }
        },
      },
      clock,
      random: { bytes: count => new Uint8Array(count), fraction: () => 0.5 },
      log,
      by: `server-${servers.length}`,
    })
    await work.listen()
    const server = { work, keeper: new CertificateKeeper(work.keeperOptions) }
    servers.push(server)
    beforeClose(() => work.close())
    return server
  }
  return {
    ...test,
    clock,
    authority,
    tlsa,
    server: await addServer(),
    addServer,
    async kept(of = name) {
      const found = (await storage.run(listAcmeCertificates, undefined)).find(one => one.name === of)
      if (!found) throw new Error(`nothing is kept for ${of}`)
      return found
    },
  }
}

function parseTlsa(text: string) {
  const [usage = '', selector = '', matchingType = '', hex = ''] = text.split(' ')
  return {
    usage: Number(usage),
    selector: Number(selector),
    matchingType: Number(matchingType),
    data: Buffer.from(hex, 'hex'),
  }
}
