// `postrider serve`: one process, from the lock on the data folder to the last thread that ends.

import { randomUUID } from 'node:crypto'
import { addressKey } from '../address/address-key.ts'
import { formatEndpoint } from '../address/format-endpoint.ts'
import { parseAddress } from '../address/parse-address.ts'
import { describeOpenAlerts } from '../alert/describe-alert.ts'
import { countOpenAlerts } from '../alert/operations.ts'
import { checkLimits } from '../config/checks/check-limits.ts'
import { checkRelaying } from '../config/checks/check-relaying.ts'
import { checkSources } from '../config/checks/check-sources.ts'
import type { Finding } from '../config/checks/finding.ts'
import { describeListenError, portsInSettings } from '../config/listen-error.ts'
import { isSmtp, type ServedListener } from '../config/listener-roles.ts'
import { probeListeners } from '../config/probe-listeners.ts'
import { probeLmtp } from '../config/probe-lmtp.ts'
import { certificateFilesOf, type Settings } from '../config/settings.ts'
import { formatListener } from '../connection/format-listener.ts'
import { hasDomains } from '../directory/domains.ts'
import { startHealthServer } from '../health/health-server.ts'
import { formatProblems, type Problem, ServerHealth } from '../health/server-health.ts'
import { checkForwardPath } from '../policy/check-forward-path.ts'
import { createLoginTables } from '../policy/login-limiter.ts'
import { describeRelayProblem, isReasonNotToServe, proveNoOpenRelay } from '../policy/prove-no-open-relay.ts'
import { createStrangerTables } from '../policy/stranger-limits.ts'
import { systemClock, type Timer } from '../runtime/clock.ts'
import { UsageFault } from '../runtime/fault.ts'
import type { Log } from '../runtime/log.ts'
import { systemRandom } from '../runtime/random.ts'
import type { StartBannerOptions } from '../setup/start-banner.ts'
import { ensureTryOut, tryOutFolderElsewhere, tryOutPortsElsewhere } from '../setup/try-out.ts'
import { connectSmtp } from '../smtp/client/connect.ts'
import { type DataFolderLock, hasLockFile } from '../storage/data-folder.ts'
import type { Operation, Storage } from '../storage/operation.ts'
import { describeDurability, readDurability } from '../storage/postgres/durability.ts'
import { SqliteReader } from '../storage/sqlite-reader.ts'
import { takeActivatedSockets } from '../systemd/activated-sockets.ts'
import { findServiceManager, type ServiceManager } from '../systemd/notify.ts'
import { feedWatchdog } from '../systemd/watchdog.ts'
import { readValidCertificate } from '../tls/certificate.ts'
import type { OpenListener } from '../web/open-listener.ts'
import { type AssignedSockets, assignSockets, countFronts } from './assign-sockets.ts'
import { type ControlServer, startControlServer } from './control-server.ts'
import { enterCluster } from './enter-cluster.ts'
import { lockForMyself } from './lock-or-connect.ts'
import { createLog } from './log.ts'
import { countConnections, createConnectionCountTable } from './shared-connection-counts.ts'
import { lastGraceMs } from './start-thread.ts'
import { startThreads, type Threads } from './threads.ts'

export interface ServeOptions {
  readonly settings: Settings
  /** A server to try out: its domain and accounts are made, and announced. */
  readonly tryOut: boolean
  /** The process id of the parent with which the server ends: a shell of npm's, that passes no signal on. */
  readonly parent: number | undefined
  /** Shows them. */
  readonly announce: (server: StartBannerOptions) => void
}

/** Resolves when the server has been told to stop (SIGINT, SIGTERM) and has stopped; rejects when it cannot run. */
export async function runServe(options: ServeOptions): Promise<void> {
  const { tryOut, parent, announce } = options
  const log = createLog(options.settings.log.level, 'main')
  const started = endAtOnceOnSignal(log)
  const { settings, sockets } = takeSockets(options.settings, log)
  const manager = findServiceManager(process.env, log)
  const { dataFolder } = settings
  const lock = lockInTime(dataFolder, tryOut ? tryOutFolderElsewhere : 'give this one another dataFolder')
  // A server that runs there is told before its ports are found taken. Where none can run, the folder and the lock are made
  // last: a start that the settings or this machine forbid leaves nothing behind.
  if (hasLockFile(dataFolder)) await lock.take()
  const health = new ServerHealth(systemClock, log)
  let healthServer: OpenListener | undefined
  let server: RunningServer | undefined
  let watchdog: Timer | undefined
  try {
    // First, so that a start which takes long can be told from a death.
    healthServer = await tellHealth(settings, health, log)
    await assertSoundSettings(settings, log)
    await assertPortsAreFree(settings, sockets, tryOut ? tryOutPortsElsewhere : portsInSettings)
    await assertUsableCertificates(settings)
    server = await startServer(settings, sockets, lock, log)
    started()
    const stopWanted = stopRequest(log, parent)
    if (!tryOut) reloadOnSignal(server.threads, log)
    await assertNoOpenRelay(settings, server, log)
    if (tryOut) announce(await prepareTryOut(settings, server))
    else await logStart(settings, server, log)
    const { threads, storage, lost } = server
    health.serves({ threads: () => threads.all, storage, findLack: () => findLack(storage) })
    watchdog = manager && watch(health, manager, log)
    await manager?.ready(`listening: ${describeListeners(threads.bound)}`)
    try {
      await Promise.race([stopWanted, threads.failed, ...(lost ? [lost] : [])])
    } finally {
      health.stops()
      await manager?.stopping(longestStopMs(settings))
    }
    await Promise.race([stopDelay(settings), threads.failed])
  } finally {
    health.stops()
    watchdog?.cancel()
    if (server) await stopServer(settings, server, log)
    await healthServer?.close()
    lock.release()
  }
}

interface LockInTime {
  /** Once; held already, it stays so. */
  take(): Promise<void>
  release(): void
}

function lockInTime(folder: string, elsewhere: string): LockInTime {
  let held: DataFolderLock | undefined
  return {
    async take() {
      held ??= await lockForMyself(folder, elsewhere)
    },
    release: () => held?.release(),
  }
}

const parentCheckMs = 500

/** Those that systemd opened decide how many fronts there are, since each front has sockets of its own. */
function takeSockets(
  settings: Settings,
  log: Log,
): Pick<ServeOptions, 'settings'> & { sockets: AssignedSockets } {
  const activated = takeActivatedSockets(process.env, process.pid)
  if (activated.length === 0) return { settings, sockets: [] }
  if (!settings.roles.includes('front'))
    throw new UsageFault(
      'ACTIVATED_SOCKET_UNWANTED',
      'systemd hands over sockets, and this server only delivers (roles): whoever connects would wait for a greeting in vain. Disable postrider.socket, and remove it from postrider.service.',
    )
  const sockets = assignSockets(settings.listeners, activated)
  const front = countFronts(settings.threads.front, sockets)
  log.info('systemd opened sockets', { sockets: activated.length, fronts: front })
  return { settings: { ...settings, threads: { ...settings.threads, front } }, sockets }
}

function watch(health: ServerHealth, manager: ServiceManager, log: Log): Timer | undefined {
  return feedWatchdog({
    environment: process.env,
    pid: process.pid,
    lifeless: async () => formatProblems((await health.examine()).lifeless),
    tellAlive: () => manager.alive(),
    clock: systemClock,
    log,
  })
}

/** The delay, what is under way, and what threads do after that. */
function longestStopMs({ health, limits }: Settings): number {
  return ((health?.stopDelaySeconds ?? 0) + 2 * limits.drainSeconds) * 1000 + 2 * lastGraceMs
}

async function tellHealth(
  { health: wanted }: Settings,
  health: ServerHealth,
  log: Log,
): Promise<OpenListener | undefined> {
  if (!wanted) return undefined
  try {
    const server = await startHealthServer(wanted, () => health.examine())
    log.info('health is told', { at: formatEndpoint(server.bound.address, server.bound.port) })
    return server
  } catch (cause) {
    throw describeListenError(cause, wanted, '[health]')
  }
}

/** Load balancers notice that the server is about to stop; until they have, it serves as before. */
function stopDelay({ health }: Settings): Promise<void> {
  return new Promise(resolve => {
    if (!health || health.stopDelaySeconds === 0) resolve()
    else systemClock.after(health.stopDelaySeconds * 1000, resolve)
  })
}

interface Reader extends Pick<Storage, 'run'> {
  close(): void
}

interface RunningServer {
  readonly threads: Threads
  readonly control: ControlServer
  readonly reader: Reader
  readonly storage: Pick<Storage, 'run'>
  /** As in `Membership`. */
  readonly lost: Promise<never> | undefined
  /** After its threads. */
  readonly leave: () => Promise<void>
}

async function startServer(
  settings: Settings,
  sockets: AssignedSockets,
  lock: Pick<LockInTime, 'take'>,
  log: Log,
): Promise<RunningServer> {
  const startedAt = systemClock.now()
  const nodeId = randomUUID()
  const { dataFolder, database } = settings
  const connectionCounts = createConnectionCountTable(settings.threads.front)
  const newcomer = { nodeId, startedAt, readSessions: () => countConnections(connectionCounts) }
  const membership = database && (await enterCluster(database, settings, newcomer, log))
  const idSpaces = membership?.idSpaces ?? Array.from({ length: settings.threads.front + 1 }, (_, n) => n)
  try {
    await lock.take()
    const threads = await startThreads({
      settings,
      nodeId,
      idSpaces,
      connectionCounts,
      loginTables: createLoginTables(),
      strangerTables: createStrangerTables(),
      sockets,
      clock: systemClock,
      log,
    })
    let reader: Reader | undefined
    let control: ControlServer
    try {
      reader = membership
        ? { run: membership.storage.run.bind(membership.storage), close: () => {} }
        : new SqliteReader(dataFolder)
      control = await startControl(dataFolder, startedAt, threads, log)
    } catch (cause) {
      reader?.close()
      await threads.stop(0)
      throw cause
    }
    const storage: Pick<Storage, 'run'> = {
      run: <Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> =>
        operation.access === 'read'
          ? reader.run(operation, input)
          : (threads.run(operation.name, input) as Promise<Output>),
    }
    return {
      threads,
      control,
      reader,
      storage,
      lost: membership?.lost,
      leave: () => membership?.leave() ?? Promise.resolve(),
    }
  } catch (cause) {
    await membership?.leave()
    throw cause
  }
}

async function startControl(
  dataFolder: string,
  startedAt: number,
  threads: Threads,
  log: Log,
): Promise<ControlServer> {
  return await startControlServer(dataFolder, {
    run: (operation, input) => threads.run(operation, input),
    fetchMail: () => threads.fetchMail(),
    listCertificates: () => threads.listCertificates(),
    status: () => ({
      pid: process.pid,
      startedAt,
      listeners: threads.listeners,
      terminals: threads.terminals.keys,
    }),
    terminals: threads.terminals,
    terminalKey(text) {
      const address = parseAddress(text)
      return address && addressKey(address)
    },
    log,
  })
}

/**
 * The fronts share their ports (SO_REUSEPORT), and a system lets another server of the same user join them without a
 * word. So each port is taken alone first, which fails when anybody has it.
 */
async function assertPortsAreFree(
  { listeners, lmtp, roles }: Settings,
  sockets: AssignedSockets,
  howToMove: string,
): Promise<void> {
  const own = roles.includes('front') ? listeners.filter((_, index) => sockets[index] === undefined) : []
  const others = roles.includes('front') ? lmtp : []
  const problems = [...(await probeListeners(own, howToMove)), ...(await probeLmtp(others))]
  if (problems.length === 0) return
  throw new UsageFault(
    problems[0]?.code ?? 'LISTEN_FAILED',
    problems.map(problem => problem.message).join('\n'),
  )
}

/** What `postrider check` finds without looking further than the settings and this machine: an error is a reason not to start. */
async function assertSoundSettings(settings: Settings, log: Log): Promise<void> {
  const findings = [
    ...checkRelaying(settings),
    ...(await checkLimits(settings)),
    ...(await checkSources(settings)),
  ]
  const tell = ({ what, cost, remedy }: Finding): string => `${what} ${cost} ${remedy}`
  for (const finding of findings) if (finding.severity === 'warning') log.warn(tell(finding))
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new UsageFault('SETTINGS_UNSOUND', errors.map(tell).join('\n'))
}

/** The fronts read them too, when there is a database already, and serve with what there is. */
async function assertUsableCertificates({ roles, tls }: Settings): Promise<void> {
  if (!roles.includes('front')) return
  for (const files of certificateFilesOf(tls)) await readValidCertificate(files, systemClock.now())
}

async function assertNoOpenRelay(
  settings: Settings,
  { threads, storage }: RunningServer,
  log: Log,
): Promise<void> {
  const { hostname, localNetworks } = settings
  const problems = await proveNoOpenRelay({
    hostname,
    localNetworks,
    listeners: threads.listeners
      .map((listener, index) => ({ ...listener, proxyFrom: settings.listeners[index]?.proxyFrom ?? [] }))
      .filter(isSmtp),
    connect: connectSmtp,
    acceptForwardPath: (client, forwardPath) =>
      checkForwardPath(storage, { hostname }, { isOpen: () => false }, client, forwardPath, 'mail'),
  })
  const fatal = problems.filter(isReasonNotToServe)
  for (const problem of problems) if (!fatal.includes(problem)) log.warn(describeRelayProblem(problem))
  if (fatal.length > 0) throw new UsageFault('OPEN_RELAY', fatal.map(describeRelayProblem).join('\n'))
}

async function logStart(
  { hostname, database, dataFolder }: Settings,
  { threads, storage }: RunningServer,
  log: Log,
): Promise<void> {
  if (!(await storage.run(hasDomains, undefined)))
    log.error(
      `there is no domain in ${database ? `the database at ${database.name}` : dataFolder}, so all mail from other servers is put off (450). ` +
        `If there were domains, this is not where they are: correct ${database ? 'storage' : 'dataFolder, or mount what belongs there,'} and start again. ` +
        'Else make one: postrider domain create example.com',
    )
  const openAlerts = await storage.run(countOpenAlerts, undefined)
  if (openAlerts > 0) log.warn(describeOpenAlerts(openAlerts))
  if (database) await tellDurability(storage, log)
  log.info('listening', { hostname, listeners: describeListeners(threads.bound) })
}

async function findLack(storage: Pick<Storage, 'run'>): Promise<Problem | undefined> {
  if (await storage.run(hasDomains, undefined)) return undefined
  return { part: 'directory', what: 'has no domain' }
}

function describeListeners(listeners: readonly ServedListener[]): string {
  return listeners.length === 0 ? 'none: this server only delivers' : listeners.map(formatListener).join(', ')
}

async function tellDurability(storage: Pick<Storage, 'run'>, log: Log): Promise<void> {
  const { promise, weakness } = describeDurability(await storage.run(readDurability, undefined))
  const means = `a 250 means that the message is ${promise}`
  if (weakness === undefined) log.info(means)
  else log.warn(`${means}. ${weakness.what} ${weakness.remedy}`)
}

async function prepareTryOut(
  { hostname, dataFolder }: Settings,
  { threads, storage }: RunningServer,
): Promise<StartBannerOptions> {
  const accounts = await ensureTryOut(storage, dataFolder, { clock: systemClock, random: systemRandom })
  return { hostname, dataFolder, listeners: threads.listeners, accounts }
}

/**
 * Until its threads run, which may last as long as its database is away, a signal ends the process: it promised nobody
 * anything, and process 1 of a container has no other answer to one. Returns what ends that.
 */
function endAtOnceOnSignal(log: Log): () => void {
  const end = (signal: NodeJS.Signals): void => {
    log.info('stopped while it was starting', { signal })
    process.exit(0)
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  return () => {
    process.off('SIGINT', end)
    process.off('SIGTERM', end)
  }
}

/** A terminal sends the same signal when it is closed: a server that was started in one ends with it, as before. */
function reloadOnSignal(threads: Threads, log: Log): void {
  if (process.stdin.isTTY) return
  process.on('SIGHUP', () => {
    log.info('looking at the certificates', { signal: 'SIGHUP' })
    threads.reloadCertificates()
  })
}

/** Resolves on a signal, or when `parent` is the parent of this process no longer. */
function stopRequest(log: Log, parent: number | undefined): Promise<void> {
  return new Promise(resolve => {
    const orphaned = (): void => {
      if (process.ppid === parent) return
      watch?.cancel()
      log.info('stopping', { reason: 'npm, which started the server, has ended' })
      resolve()
    }
    // An idle server does nothing, so nothing is looked at where nothing can be found.
    const watch = parent === undefined ? undefined : systemClock.every(parentCheckMs, orphaned)
    const stop = (signal: NodeJS.Signals): void => {
      watch?.cancel()
      log.info('stopping', { signal })
      resolve()
      // Whoever asks twice is in a hurry; nothing that was answered with 250 is lost.
      process.once(signal, () => process.exit(1))
    }
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
  })
}

async function stopServer(
  settings: Settings,
  { threads, control, reader, leave }: RunningServer,
  log: Log,
): Promise<void> {
  // The store thread is the last to leave the database, because it alone can put the log into it and remove the log.
  reader.close()
  await threads.stop(settings.limits.drainSeconds * 1000)
  // What it accepted to the last has ids of its own.
  await leave()
  await control.close()
  log.info('stopped')
}
