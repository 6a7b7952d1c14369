// One connection to PostgreSQL, with its prepared statements.
import { Client, DatabaseError, types } from 'pg'
import { describeNetworkError } from '../../runtime/network-error.ts'
import type { LockableTable, SqlValue, Tx } from '../operation.ts'
import { StorageFault } from '../storage-fault.ts'
import { numberPlaceholders } from './dialect.ts'
import { toPostgresFault } from './postgres-fault.ts'
import type { ServerAddress } from './server-address.ts'

const connectTimeoutMs = 5000
/** Nothing that we ask takes so long unless the server, or the way to it, is in trouble. */
const statementTimeoutMs = 30_000
const answerTimeoutMs = 35_000
const keepAliveAfterMs = 10_000

/** Says whether it is a standby; and a commit that is answered is one that stays, whatever the database has for others. */
const prepareSession = `SELECT pg_is_in_recovery() AS standby, set_config('synchronous_commit',
  CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)`

/** Any numbers, as long as no other program in the same database locks them. */
const lockNumbers = { migration: 7_697_025_253, directory: 7_697_025_254, move: 7_697_025_255 } as const

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
  readonly server: string
  #isUsable = true

  private constructor(client: Client, server: string) {
    this.#client = client
    this.server = server
    // Whatever was asked for is told by its own rejection.
    client.on('error', () => {
      this.#isUsable = false
    })
    client.on('end', () => {
      this.#isUsable = false
    })
  }

  /** To the primary among the hosts. Throws a StorageFault that says why there is none. */
  static async open(address: ServerAddress, purpose: string): Promise<PostgresConnection> {
    let met: unknown
    for (const uri of address.uris) {
      try {
        return await PostgresConnection.#openHost(uri, address.name, purpose)
      } catch (cause) {
        met ??= cause
      }
    }
    throw met
  }

  static async #openHost(uri: string, server: string, purpose: string): Promise<PostgresConnection> {
    const client = new Client({
      connectionString: uri,
      application_name: `postrider ${purpose}`,
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      query_timeout: answerTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveAfterMs,
      pipeline: true,
      types: customTypes,
    })
    const connection = new PostgresConnection(client, server)
    try {
      await client.connect()
      const row = await connection.get<{ standby: boolean }>(prepareSession)
      if (row?.standby !== false) throw isStandby(server)
      return connection
    } catch (cause) {
      connection.close()
      throw cause instanceof DatabaseError || cause instanceof StorageFault
        ? toPostgresFault(cause, server)
        : connectionLost(server, cause)
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

  readonly likeAnyCase = 'ILIKE'

  readonly skipLocked = 'FOR UPDATE SKIP LOCKED'

  /** Statements without values or rows: BEGIN, COMMIT, a migration. */
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
    this.#isUsable = false
    this.#client.end().catch(() => {}) // it has gone already
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
      this.#isUsable = false
      throw connectionLost(this.server, cause)
    }
  }
}

function isStandby(server: string): StorageFault {
  return new StorageFault(
    'STORAGE_UNAVAILABLE',
    `PostgreSQL at ${server} is a standby, which takes no writes. Name its primary in the setting storage as well, or wait until it has been promoted.`,
  )
}

function connectionLost(server: string, cause: unknown): StorageFault {
  const reason = cause instanceof Error ? describeNetworkError(cause) : String(cause)
  return new StorageFault('STORAGE_UNAVAILABLE', `PostgreSQL at ${server} does not answer: ${reason}.`, {
    cause,
  })
}
