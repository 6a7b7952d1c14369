// A connection to another IMAP server that is made again when it breaks: work on a folder is repeated on the next one.
import type { ImapFlow } from 'imapflow'
import { isLoopback } from '../../address/networks.ts'
import { UsageFault } from '../../runtime/fault.ts'

export interface ImapServerAddress {
  readonly host: string
  readonly port: number
  readonly tls: 'implicit' | 'starttls' | 'never'
  readonly verifyCertificate: boolean
  readonly user: string
  /** token: of OAuth 2.0, for OAUTHBEARER or XOAUTH2. */
  readonly credential: { readonly kind: 'password' | 'token'; readonly value: string }
}

export interface OpenedFolder {
  readonly path: string
  /** Another one on the next connection: the folder was made anew. */
  readonly generation: string
}

/** Before each further attempt, in ms: a server that is overburdened has time, and one that starts anew is there again. */
const waits: readonly number[] = [1000, 5000, 15_000, 60_000, 120_000]

export class ImapConnection {
  readonly #address: ImapServerAddress
  readonly #wait: (ms: number) => Promise<void>
  #client: ImapFlow | undefined
  #selected: string | undefined
  #hasWorked = false

  constructor(address: ImapServerAddress, wait: (ms: number) => Promise<void>) {
    this.#address = address
    this.#wait = wait
  }

  /** `work` may run again from the start. Rejects with a RefusedByServer when the server says no, or with a UsageFault. */
  async run<Result>(
    folder: OpenedFolder | undefined,
    work: (client: ImapFlow) => Promise<Result>,
  ): Promise<Result> {
    for (let attempt = 0; ; attempt++) {
      try {
        const client = await this.#connected()
        if (folder) await this.#select(client, folder)
        const result = await work(client)
        this.#hasWorked = true
        return result
      } catch (cause) {
        if (cause instanceof UsageFault) throw cause
        if (isRefusal(cause)) throw new RefusedByServer(cause)
        this.#drop()
        const waitMs = waits[attempt]
        // A mistake in the address, or of the network, shows at once; a server that was there comes again. A password, or a token
        // that has run out, is not tried again: servers count that.
        const isHopeless = !this.#hasWorked || (cause as ImapFailure).authenticationFailed === true
        if (isHopeless || waitMs === undefined) throw this.#explain(cause)
        await this.#wait(waitMs)
      }
    }
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.logout().catch(() => client.close()) // it is gone, or does not answer: nothing is lost
  }

  #drop(): void {
    this.#client?.close()
    this.#client = undefined
    this.#selected = undefined
  }

  async #connected(): Promise<ImapFlow> {
    if (this.#client?.usable) return this.#client
    this.#drop()
    const { host, port, tls, verifyCertificate, user, credential } = this.#address
    if (tls === 'never' && host !== 'localhost' && !isLoopback(host))
      throw new UsageFault(
        'IMPORT_WITHOUT_TLS',
        `Without TLS the password of ${user} could be read on its way to ${host}. Leave --tls away, or use --tls starttls.`,
      )
    // Loaded here, because no other command needs it.
    const { ImapFlow } = await import('imapflow')
    const client = new ImapFlow({
      host,
      port,
      secure: tls === 'implicit',
      doSTARTTLS: tls === 'starttls',
      tls: { rejectUnauthorized: verifyCertificate, minVersion: 'TLSv1.2' },
      auth: {
        user,
        ...(credential.kind === 'token' ? { accessToken: credential.value } : { pass: credential.value }),
      },
      clientInfo: { name: 'Postrider' },
      logger: false,
      disableAutoIdle: true,
      // What is asked for comes in pieces of `chunkBytes` (read-imap.ts).
      maxLiteralSize: 64 * 1024 * 1024,
      maxResponseSize: 128 * 1024 * 1024,
    })
    client.on('error', () => {}) // whoever waits for an answer is told
    await client.connect()
    this.#client = client
    return client
  }

  async #select(client: ImapFlow, { path, generation }: OpenedFolder): Promise<void> {
    if (this.#selected === path && client.mailbox) return
    this.#selected = undefined
    const { uidValidity } = await client.mailboxOpen(path, { readOnly: true })
    if (String(uidValidity) !== generation)
      throw new UsageFault(
        'IMPORT_FOLDER_CHANGED',
        `The folder ${path} has been made anew on ${this.#address.host}. Repeat the command.`,
      )
    this.#selected = path
  }

  #explain(cause: unknown): UsageFault {
    const { host, port, user, tls } = this.#address
    const { code = '', message, authenticationFailed, responseText } = cause as ImapFailure
    const where = `${host}, port ${port}`
    const said = responseText === undefined ? '' : ` It says: ${responseText}`
    if (authenticationFailed === true)
      return new UsageFault(
        'IMPORT_LOG_IN_REFUSED',
        `${where} refuses the log-in of ${user}.${said} Look at name and password; many providers want an app password, or a token (--token-file).`,
        { cause },
      )
    if (certificateCodes.has(code) || code.startsWith('CERT_') || code.startsWith('ERR_TLS_'))
      return new UsageFault(
        'IMPORT_CERTIFICATE',
        `The certificate of ${where} is not good (${message}). Name the host as its certificate does; or, if you know that it is the right one, repeat this with --insecure.`,
        { cause },
      )
    if (!this.#hasWorked)
      return new UsageFault(
        'IMPORT_CONNECTION',
        `No IMAP at ${where} with TLS ${tls}: ${message}.${said} Correct --port or --tls (implicit on 993, starttls on 143).`,
        { cause },
      )
    return new UsageFault(
      'IMPORT_CONNECTION',
      `The connection to ${where} broke again and again: ${message}.${said} What has come is safe; repeat the command later, and it goes on from here.`,
      { cause },
    )
  }
}

interface ImapFailure {
  readonly code?: string
  readonly message: string
  readonly authenticationFailed?: boolean
  readonly responseStatus?: string
  readonly responseText?: string
}

const certificateCodes: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'HOSTNAME_MISMATCH',
])

function isRefusal(cause: unknown): boolean {
  const { code, responseStatus, authenticationFailed } = cause as ImapFailure
  const isAnswer = responseStatus === 'NO' || responseStatus === 'BAD'
  // imapflow has waited then, and asked again.
  return isAnswer && authenticationFailed !== true && code !== 'ETHROTTLE'
}

/** NO or BAD to what was asked: the connection is good. */
export class RefusedByServer extends Error {
  override readonly name = 'RefusedByServer'

  constructor(cause: unknown) {
    const { responseText, message } = cause as ImapFailure
    super(responseText ?? message, { cause })
  }
}
