// One connection to PostgreSQL, with its prepared statements.
import { Socket } from 'node:net'
import { Client, DatabaseError, types } from 'pg'
import { systemClock } from '../../runtime/clock.ts'
import { containsInPostgres } from '../any-case.ts'
import type { LockableTable, SqlValue, Tx, WakeTopic } from '../operation.ts'
import { sideBySide } from '../side-by-side.ts'
import { StorageFault } from '../storage-fault.ts'
import { type Woken, WokenTopics } from '../woken.ts'
import { numberPlaceholders } from './dialect.ts'
import { standbysLacking } from './durability.ts'
import { type PostgresLimits, usualLimits } from './limits.ts'
import { cannotConnect, connectionLost, takesNoWrites, waitsForStandby } from './postgres-fault.ts'
import { PostgresWords } from './postgres-words.ts'
import { nameOfHost, type ServerAddress } from './server-address.ts'

const keepAliveAfterMs = 10_000
/** So long a server that does not answer may keep a connection open that we have closed. */
const farewellMs = 1000

/**
 * Says whether it takes writes; and a commit that is answered is one that stays, whatever the database has for others.
 * Without the synchronous standbys that it waits for no commit is answered, and each stays in the server, with its
 * connection, until they are there again.
 */
const prepareSession = `SELECT pg_is_in_recovery() AS standby, set_config('synchronous_commit',
  CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
  current_setting('transaction_read_only') AS read_only,
  current_setting('synchronous_commit') <> 'local' AND ${standbysLacking} > 0 AS lacks_standby`

/** Any numbers, as long as no other program in the same database locks them. */
const lockNumbers = {
  migration: 7_697_025_253,
  directory: 7_697_025_254,
  move: 7_697_025_255,
  suspects: 7_697_025_256,
  allowances: 7_697_025_257,
} as const

/** As `pg_stat_activity` shows it. */
export type ConnectionPurpose = 'read' | 'write' | 'wake' | 'migration' | 'move' | 'check'

interface Statement {
  readonly name: string
  readonly text: string
}

const statements = new Map<string, Statement>()

/** Prepared once on each connection, under a name that all share. */
function statementOf(sql: string): Statement {
  let statement = statements.get(sql)
  if (!statement) {
    statement = { name: `s${statements.size + 1}`, text: numberPlaceholders(sql) }
    statements.set(sql, statement)
  }
  return statement
}

const successfulCompletion = '00000'
const int8 = 20
const numeric = 1700
// Identifiers, times and sums are below 2^53.
const customTypes = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === int8 || oid === numeric
      ? Number
      : // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- any oid comes from the server
        types.getTypeParser(oid, format)) as typeof types.getTypeParser,
}

export class PostgresConnection implements Tx {
  readonly #client: Client
  readonly #socket: Socket
  readonly #limits: PostgresLimits
  readonly server: string
  readonly #woken = new WokenTopics()
  #isUsable = true
  /** What the server warned of since the last COMMIT was sent. */
  #warning: string | undefined

  private constructor(client: Client, socket: Socket, limits: PostgresLimits, server: string) {
    this.#client = client
    this.#socket = socket
    this.#limits = limits
    this.server = server
    // Whatever was asked for is told by its own rejection.
    client.on('error', () => this.#lose())
    client.on('end', () => this.#lose())
    // By its code: the severity comes in the language of the server.
    client.on('notice', ({ code, message }) => {
      if (code !== successfulCompletion) this.#warning = message
    })
  }

  /**
   * To the primary among the hosts. Throws a StorageFault that says why there is none, or, where something is to be
   * committed, that commits would not be answered.
   */
  static async open(
    address: ServerAddress,
    purpose: ConnectionPurpose,
    limits: PostgresLimits = usualLimits,
  ): Promise<PostgresConnection> {
    const faults: StorageFault[] = []
    for (const uri of address.uris) {
      try {
        return await PostgresConnection.#openHost(uri, purpose, limits)
      } catch (cause) {
        if (!(cause instanceof StorageFault)) throw cause
        faults.push(cause)
      }
    }
    throw noPrimary(faults)
  }

  static async #openHost(
    uri: string,
    purpose: ConnectionPurpose,
    limits: PostgresLimits,
  ): Promise<PostgresConnection> {
    const server = nameOfHost(uri)
    const socket = new Socket()
    const client = new Client({
      connectionString: uri,
      stream: () => socket,
      application_name: `postrider ${purpose}`,
      connectionTimeoutMillis: limits.connectMs,
      statement_timeout: limits.statementMs,
      query_timeout: limits.answerMs,
      idle_in_transaction_session_timeout: limits.idleInTransactionMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveAfterMs,
      pipeline: true,
      types: customTypes,
    })
    const connection = new PostgresConnection(client, socket, limits, server)
    try {
      await client.connect()
      const row = await connection.get<{ standby: boolean; read_only: string; lacks_standby: boolean }>(
        prepareSession,
      )
      if (row?.standby !== false || row.read_only === 'on') throw takesNoWrites(server)
      if (row.lacks_standby && (purpose === 'write' || purpose === 'migration')) throw waitsForStandby(server)
      return connection
    } catch (cause) {
      connection.close()
      throw cannotConnect(cause, server, limits)
    }
  }

  /** False when it has been lost: nothing can be asked on it any more. */
  get isUsable(): boolean {
    return this.#isUsable
  }

  async get<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row | undefined> {
    return (await this.#query(sql, values)).rows[0] as Row | undefined
  }

  async all<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    return (await this.#query(sql, values)).rows as Row[]
  }

  async run(sql: string, ...values: readonly SqlValue[]): Promise<{ changes: number }> {
    return { changes: (await this.#query(sql, values)).changes }
  }

  wake(topic: WakeTopic, key: number): void {
    this.#woken.add(topic, key)
  }

  /** What has been woken since it was last asked. */
  takeWoken(): Woken {
    return this.#woken.take()
  }

  async hasTable(name: string): Promise<boolean> {
    const row = await this.get<{ found: boolean }>('SELECT to_regclass(?) IS NOT NULL AS found', name)
    return row?.found === true
  }

  async lockRow(table: LockableTable, id: number): Promise<void> {
    await this.#query(`SELECT id FROM ${table} WHERE id = ? FOR UPDATE`, [id])
  }

  async lockAll(what: keyof typeof lockNumbers): Promise<void> {
    await this.#query('SELECT pg_advisory_xact_lock(?) AS locked', [lockNumbers[what]])
  }

  /** Held until this connection ends. False, at once, when another's does not go with it. */
  async tryLock(what: 'move', kind: 'exclusive' | 'shared'): Promise<boolean> {
    const suffix = kind === 'shared' ? '_shared' : ''
    const row = await this.get<{ taken: boolean }>(
      `SELECT pg_try_advisory_lock${suffix}(?) AS taken`,
      lockNumbers[what],
    )
    return row?.taken === true
  }

  readonly forAll = sideBySide
  // It has statistics.
  readonly byIndex = (): string => ''
  readonly contains = containsInPostgres
  readonly words = new PostgresWords(this)
  readonly forUpdate = 'FOR UPDATE'
  readonly skipLocked = 'FOR UPDATE SKIP LOCKED'

  /**
   * Rejects when the transaction was rolled back instead, because the error of a statement in it was passed over; and, as
   * unanswered, when the wait for a standby was cancelled: the server then says COMMIT all the same, with a warning.
   */
  async commit(): Promise<void> {
    this.#warning = undefined
    const { command } = await this.#ask(() => this.#client.query('COMMIT'))
    if (this.#warning !== undefined)
      throw new StorageFault(
        'STORAGE_UNAVAILABLE',
        `PostgreSQL at ${this.server} did not finish a commit: ${String(this.#warning)}.`,
      )
    if (command !== 'COMMIT')
      throw new Error('A statement of the transaction failed, and was passed over: nothing was committed.')
  }

  /** Statements without values or rows: BEGIN, a migration. */
  async execute(sql: string): Promise<void> {
    await this.#ask(() => this.#client.query(sql))
  }

  onNotification(listener: (channel: string, payload: string) => void): void {
    this.#client.on('notification', ({ channel, payload = '' }) => listener(channel, payload))
  }

  /** Resolves when the connection has gone. */
  get ended(): Promise<void> {
    return new Promise(resolve => {
      if (this.#isUsable) this.#client.once('end', resolve)
      else resolve()
    })
  }

  close(): void {
    if (this.#isUsable) {
      this.#isUsable = false
      // A goodbye that nobody hears does not keep the thread from ending.
      const tooLate = systemClock.after(farewellMs, () => this.#socket.destroy())
      this.#client
        .end()
        .catch(() => {}) // it has gone already
        .finally(() => tooLate.cancel())
    } else this.#socket.destroy()
  }

  /** Nothing can be asked on it any more, and nothing that was asked is waited for. */
  #lose(): void {
    this.#isUsable = false
    this.#socket.destroy()
  }

  async #query(
    sql: string,
    values: readonly SqlValue[],
  ): Promise<{ readonly rows: unknown[]; readonly changes: number }> {
    const { rows, rowCount } = await this.#ask(() =>
      this.#client.query({ ...statementOf(sql), values: [...values] }),
    )
    return { rows, changes: rowCount ?? 0 }
  }

  async #ask<Answer>(query: () => Promise<Answer>): Promise<Answer> {
    try {
      return await query()
    } catch (cause) {
      if (cause instanceof DatabaseError) throw cause
      this.#lose()
      throw connectionLost(cause, this.server, this.#limits.answerMs)
    }
  }
}

/** Of several hosts: why each is none. As long as one may become the primary, it may pass. */
function noPrimary(faults: readonly StorageFault[]): StorageFault {
  const [first] = faults
  if (!first) throw new Error('an address of no host')
  if (faults.length === 1) return first
  const code = faults.some(fault => fault.code === 'STORAGE_UNAVAILABLE') ? 'STORAGE_UNAVAILABLE' : first.code
  return new StorageFault(code, faults.map(({ what }) => what).join(' '), {
    cause: first,
    remedy: [...new Set(faults.map(({ remedy }) => remedy))].filter(text => text !== undefined).join(' '),
  })
}
