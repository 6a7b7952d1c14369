// Fetches the mail that other servers keep for this one (RFC 2645): again and again, and whenever it is asked for.
import type { FetchSettings } from '../config/settings.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { requestTurnAround } from '../smtp/client/turn-around.ts'
import type { SmtpServer } from '../smtp/server/options.ts'

/** What one server had. */
export interface Fetched {
  readonly host: string
  readonly kind: 'fetched' | 'no-mail' | 'failed'
  /** Messages that were taken; refused ones are that server's. */
  readonly messages: number
  /** Why it failed. */
  readonly reason?: string | undefined
}

export interface MailFetcherParts {
  readonly fetch: readonly FetchSettings[]
  readonly hostname: string
  readonly commandTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly server: Pick<SmtpServer, 'serve'>
  readonly clock: Clock
  readonly log: Log
}

export class MailFetcher {
  readonly #parts: MailFetcherParts
  readonly #trouble: LastingTrouble
  readonly #timers: Timer[] = []
  /** One connection at a time to each: whoever asks meanwhile is told what comes of that. */
  readonly #underWay = new Map<FetchSettings, Promise<Fetched>>()

  constructor(parts: MailFetcherParts) {
    this.#parts = parts
    this.#trouble = new LastingTrouble(parts.log, {
      begins: 'mail cannot be fetched; trying on',
      ends: 'mail is fetched again',
    })
  }

  start(): void {
    const { clock, fetch } = this.#parts
    for (const from of fetch) {
      void this.#fetch(from)
      this.#timers.push(clock.every(from.everyMinutes * 60_000, () => void this.#fetch(from)))
    }
  }

  /** From all of them at once. Never rejects. */
  fetchNow(): Promise<readonly Fetched[]> {
    return Promise.all(this.#parts.fetch.map(from => this.#fetch(from)))
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel()
  }

  /** Never rejects. */
  #fetch(from: FetchSettings): Promise<Fetched> {
    const underWay = this.#underWay.get(from)
    if (underWay) return underWay
    const fetching = this.#tryToFetch(from).finally(() => this.#underWay.delete(from))
    this.#underWay.set(from, fetching)
    return fetching
  }

  async #tryToFetch(from: FetchSettings): Promise<Fetched> {
    const { log } = this.#parts
    const { host } = from
    try {
      const fetched = await this.#turnAround(from)
      if (fetched.kind === 'failed') throw new Error(fetched.reason)
      this.#trouble.over(host)
      if (fetched.messages > 0) log.info('mail was fetched', { host, messages: fetched.messages })
      return fetched
    } catch (cause) {
      this.#trouble.hit(cause, host, { host })
      const reason = cause instanceof Error ? cause.message : String(cause)
      return { host, kind: 'failed', messages: 0, reason }
    }
  }

  async #turnAround(from: FetchSettings): Promise<Fetched> {
    const { clock, commandTimeoutMs, connectTimeoutMs, hostname, server } = this.#parts
    const { host, port, tls, verifyCertificate, username, password = '', domains } = from
    const turned = await requestTurnAround(
      {
        host,
        port,
        tls,
        verifyCertificate,
        auth: { username, password },
        helloName: hostname,
        commandTimeoutMs,
        connectTimeoutMs,
        clock,
      },
      domains,
    )
    switch (turned.kind) {
      case 'no-mail':
        return { host, kind: 'no-mail', messages: 0 }
      case 'refused':
        return { host, kind: 'failed', messages: 0, reason: describeRefusal(host, turned.reply) }
      case 'turned':
        return { host, kind: 'fetched', ...(await server.serve(turned.socket)) }
      default:
        return turned satisfies never
    }
  }
}

function describeRefusal(
  host: string,
  {
    code,
    enhanced,
    lines,
  }: { readonly code: number; readonly enhanced?: string | undefined; readonly lines: readonly string[] },
): string {
  return `${host} refused ATRN: ${[code, ...(enhanced === undefined ? [] : [enhanced]), ...lines].join(' ')}`
}
