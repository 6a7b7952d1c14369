// The house of the transcripts: who lives there, and what comes of each message. Its services answer at once or later;
// the dialogue must be the same.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { formatAddress, formatReversePath } from '../../src/address/format-address.ts'
import { connectSmtpOver } from '../../src/smtp/client/connect.ts'
import type { SmtpConnection } from '../../src/smtp/client/contract.ts'
import { SmtpClientFailure } from '../../src/smtp/client/smtp-client-failure.ts'
import type { DeliverByRequest } from '../../src/smtp/parameters.ts'
import { replies } from '../../src/smtp/replies.ts'
import type { Reply } from '../../src/smtp/reply.ts'
import { isForUsers } from '../../src/smtp/server/roles.ts'
import type {
  AuthenticatedAccount,
  Client,
  EndReply,
  MailDataSink,
  MailTransaction,
  MaybePromise,
  Recipient,
  Refusal,
  SessionServices,
  TurnedConnection,
  UrlContent,
} from '../../src/smtp/server/services.ts'
import type { Tempo } from './transcript.ts'

export interface House {
  readonly services: SessionServices
  /** What was taken, one line each, as ACCEPTED has it. */
  readonly accepted: readonly string[]
  readonly refused: readonly string[]
  /** Sinks that are open, or were ended twice: has to be 0 in the end. */
  readonly openSinks: () => number
}

const reply = (code: number, enhanced: string, ...lines: readonly string[]): Reply => ({
  code,
  enhanced,
  lines,
})

const accounts: ReadonlyMap<string, { readonly password: string; readonly account: AuthenticatedAccount }> =
  new Map([
    ['anna@example.test', { password: 'secret', account: { id: 1, address: 'anna@example.test' } }],
    ['анна@example.test', { password: 'пароль', account: { id: 2, address: 'anna@example.test' } }],
  ])

export interface HouseOptions {
  /** It keeps mail for domains of others, whose servers fetch it. */
  readonly relays?: boolean
  /** It has mailboxes, which have URLs. */
  readonly urls?: boolean
}

export function createHouse(tempo: Tempo, { relays = false, urls = false }: HouseOptions = {}): House {
  const accepted: string[] = []
  const refused: string[] = []
  let open = 0
  const at = <T>(answer: () => T): MaybePromise<T> =>
    tempo === 'at-once' ? answer() : nextTurn().then(answer)

  /** Over LMTP: the mailboxes of some are full, or cannot be written now. */
  const fileForEach = (client: Client, transaction: MailTransaction, mailData: Buffer): EndReply => {
    const localParts = transaction.recipients.map(({ forwardPath }) => forwardPath.localPart)
    if (localParts.includes('miscount')) return []
    const isFiled = (localPart: string): boolean => localPart !== 'over-quota' && localPart !== 'locked'
    if (localParts.some(isFiled))
      accepted.push(
        describe(
          client,
          {
            ...transaction,
            recipients: transaction.recipients.filter(({ forwardPath }) => isFiled(forwardPath.localPart)),
          },
          mailData,
        ),
      )
    return localParts.map(localPart => {
      if (localPart === 'over-quota') return reply(552, '5.2.2', 'The mailbox is full')
      if (localPart === 'locked') return reply(451, '4.2.0', 'The mailbox is locked')
      return reply(250, '2.1.5', `Delivered to ${localPart}`)
    })
  }

  const createSink = (client: Client, transaction: MailTransaction): MailDataSink => {
    const chunks: Buffer[] = []
    const localParts = transaction.recipients.map(({ forwardPath }) => forwardPath.localPart)
    open++
    return {
      write: chunk =>
        at(() => {
          if (localParts.includes('write-fault')) throw new Error('a fault that the transcript wants')
          chunks.push(Buffer.from(chunk))
        }),
      async finish() {
        await at(() => {})
        if (localParts.includes('finish-fault')) throw new Error('a fault that the transcript wants')
        open--
        if (localParts.includes('spam')) return reply(550, '5.7.1', 'This looks like spam')
        if (client.role === 'lmtp') return fileForEach(client, transaction, Buffer.concat(chunks))
        accepted.push(describe(client, transaction, Buffer.concat(chunks)))
        return reply(250, '2.0.0', `Ok: queued as ${accepted.length}`)
      },
      abort() {
        open--
      },
    }
  }

  const services: SessionServices = {
    connect: () => at(() => undefined),
    hello: client =>
      at(() => (client.heloName === 'banned.example.org' ? reply(550, '5.7.1', 'Not you') : undefined)),
    acceptReversePath: (client, reversePath) =>
      at(() => {
        const address = formatReversePath(reversePath)
        if (address === 'fault@example.org') throw new Error('a fault that the transcript wants')
        if (address === 'blocked@example.org') return reply(550, '5.7.1', 'Not from you')
        if (isForUsers(client.role) && !client.account && !client.local)
          return reply(530, '5.7.0', 'Authentication required')
        return undefined
      }),
    acceptForwardPath: (client, _transaction, recipient) => at(() => acceptForwardPath(client, recipient)),
    async authenticate(_client, name, password) {
      await at(() => {})
      if (name === 'fault@example.test') throw new Error('a fault that the transcript wants')
      const found = accounts.get(name)
      return found?.password === password ? found.account : undefined
    },
    verify: (_client, { text }) =>
      at(() => {
        if (text === 'anna' || text === 'anna@example.test')
          return reply(250, '2.1.5', 'Anna <anna@example.test>')
        if (text === 'анна') return reply(252, '2.6.8', 'There is such a mailbox; its name needs SMTPUTF8')
        return reply(550, '5.1.1', 'Nobody here has this name')
      }),
    expand: (_client, { text }) =>
      at(() =>
        text === 'all'
          ? reply(250, '2.1.5', 'Anna <anna@example.test>', 'Boris <boris@example.test>')
          : reply(550, '5.1.1', 'No such list'),
      ),
    receive: (client, transaction) =>
      at(() => {
        const localParts = transaction.recipients.map(({ forwardPath }) => forwardPath.localPart)
        if (localParts.includes('receive-fault')) throw new Error('a fault that the transcript wants')
        return localParts.includes('disk-full')
          ? reply(452, '4.3.1', 'No space left')
          : createSink(client, transaction)
      }),
    ...(relays ? createRelayServices(at) : {}),
    ...(urls ? { openUrl: (_client, url) => at(() => openUrl(url)) } : {}),
    refused(_client, refusal) {
      refused.push(describeRefusal(refusal))
    },
  }
  return { services, accepted, refused, openSinks: () => open }
}

/** Anna owns relay.test, which has a message, and empty.test; whoever comes may start open.test. */
function createRelayServices(
  at: <T>(answer: () => T) => MaybePromise<T>,
): Pick<SessionServices, 'startQueue' | 'turnAround'> {
  const own = ['relay.test', 'empty.test']
  return {
    startQueue: ({ account }, request) =>
      at(() => {
        const name = request.kind === 'queue' ? `#${request.name}` : request.domain
        if (name === 'fault.test') throw new Error('a fault that the transcript wants')
        if (name === 'open.test') return replies.queueStarted(3, name)
        if (name === '#all' && account) return replies.longQueueStarted(name)
        if (request.kind === 'with-subdomains' && account) return replies.queueStartedBefore(`@${name}`)
        if (!own.includes(name)) return replies.nodeNotAllowed('notRelayed', name)
        if (!account) return replies.nodeNotAllowed('notYours', name)
        return name === 'empty.test' ? replies.nothingQueued(name) : replies.queueStarted(1, name)
      }),
    turnAround: (_client, { domains }) =>
      at(() => {
        const foreign = domains.find(domain => !own.includes(domain))
        if (foreign === 'fault.test') throw new Error('a fault that the transcript wants')
        if (foreign !== undefined) return replies.fetchRefused('notYours', foreign)
        if (domains.length > 0 && !domains.includes('relay.test')) return replies.nothingToFetch
        return { reply: replies.turning, take: handOver }
      }),
  }
}

/** The last word of a URL is what is there. */
function openUrl(url: string): UrlContent | Reply {
  if (!url.startsWith('imap://mail.example.test/')) return replies.urlNotOurs
  if (url.endsWith('/gone')) return replies.urlNotFound
  if (url.endsWith('/fault')) throw new Error('a fault that the transcript wants')
  const text = Buffer.from(`${url.slice(url.lastIndexOf('/') + 1)}\r\n`)
  if (url.endsWith('/bare')) return { size: 5, content: Buffer.from('bare\n') }
  const isDamaged = url.endsWith('/damaged')
  return {
    size: text.length,
    content: (async function* () {
      for (const byte of text) yield Buffer.of(byte)
      if (isDamaged) throw new Error('a fault that the transcript wants')
    })(),
  }
}

/** As the client that the server has become: one message, then QUIT. */
async function handOver({ socket }: TurnedConnection): Promise<void> {
  const mailData = Buffer.from('Hello\r\n')
  let connection: SmtpConnection
  try {
    connection = await connectSmtpOver(socket, { host: 'customer', helloName: 'mail.example.test' })
  } catch (cause) {
    // The customer has gone, or does not speak as a server does.
    if (cause instanceof SmtpClientFailure) return
    throw cause
  }
  await connection.send({
    reversePath: { localPart: 'sender', domain: 'example.org' },
    body: '7BIT',
    smtpUtf8: false,
    recipients: [{ forwardPath: { localPart: 'anna', domain: 'relay.test' } }],
    mailData: {
      size: mailData.length,
      async *open() {
        yield mailData
      },
    },
  })
  await connection.quit()
}

function acceptForwardPath(client: Client, { forwardPath }: Recipient): Reply | undefined {
  const { localPart, domain } = forwardPath
  if (localPart === 'fault') throw new Error('a fault that the transcript wants')
  if (domain !== 'example.test' && domain !== 'mail.example.test' && domain !== 'xn--e1afmkfd.test')
    return client.account || client.local ? undefined : reply(550, '5.7.1', 'Relaying denied')
  if (localPart === 'nobody') return reply(550, '5.1.1', 'No such mailbox here')
  if (localPart === 'full') return reply(452, '4.2.2', 'The mailbox is full')
  return undefined
}

function describe(client: Client, transaction: MailTransaction, mailData: Buffer): string {
  const { parameters } = transaction
  const words = [
    transaction.disposition === 'mail' ? '' : transaction.disposition,
    `from=<${formatReversePath(transaction.reversePath)}>`,
    parameters.body === '7BIT' ? '' : `body=${parameters.body}`,
    parameters.smtpUtf8 ? 'smtputf8' : '',
    parameters.requireTls ? 'requiretls' : '',
    parameters.declaredSize === undefined ? '' : `size=${parameters.declaredSize}`,
    parameters.ret === undefined ? '' : `ret=${parameters.ret}`,
    parameters.envelopeId === undefined ? '' : `envid=${parameters.envelopeId}`,
    parameters.submitter === undefined ? '' : `auth=<${formatReversePath(parameters.submitter)}>`,
    parameters.priority === undefined ? '' : `priority=${parameters.priority}`,
    parameters.deliverBy ? `by=${describeDeliverBy(parameters.deliverBy)}` : '',
    parameters.releaseAt === undefined ? '' : `release=${new Date(parameters.releaseAt).toISOString()}`,
    `to=${transaction.recipients.map(describeRecipient).join(',')}`,
    client.account ? `account=${client.account.address}` : '',
    client.tls ? 'tls' : '',
    client.remoteAddress.startsWith('127.') ? '' : `peer=${client.remoteAddress}`,
    `data=${describeData(mailData)}`,
  ]
  return words.filter(word => word !== '').join(' ')
}

function describeRecipient({ forwardPath, parameters }: Recipient): string {
  const notify =
    parameters.notify === undefined ? '' : `;notify=${parameters.notify.toSorted().join('+') || 'NEVER'}`
  const original = parameters.originalRecipient === undefined ? '' : `;orcpt=${parameters.originalRecipient}`
  return `<${formatAddress(forwardPath)}>${notify}${original}`
}

function describeDeliverBy({ seconds, mode, trace }: DeliverByRequest): string {
  return `${seconds};${mode}${trace ? ';trace' : ''}`
}

function describeData(mailData: Buffer): string {
  const text = mailData.toString(mailData.includes('\0') ? 'latin1' : 'utf8')
  return JSON.stringify(text)
}

function describeRefusal({ command, reversePath, forwardPath, reply: { code } }: Refusal): string {
  const from = reversePath === undefined ? '' : ` from=<${formatReversePath(reversePath)}>`
  const to = forwardPath === undefined ? '' : ` to=<${formatAddress(forwardPath)}>`
  return `${command}${from}${to} ${code}`
}
