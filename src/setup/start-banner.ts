// What `npm start` prints: where the server listens, who may log in, a dialogue to paste, and how to go on.

import { formatEndpoint } from '../address/format-endpoint.ts'
import type { ServedListener, ServedRole } from '../config/listener-roles.ts'
import type { TryOutAccount } from './try-out.ts'

export interface StartBannerOptions {
  readonly hostname: string
  readonly dataFolder: string
  readonly listeners: readonly ServedListener[]
  readonly accounts: readonly TryOutAccount[]
}

const duties: Readonly<Record<ServedRole, string>> = {
  relay: 'mail from other servers',
  submission: 'mail from your users: STARTTLS, log in',
  submissions: 'mail from your users: TLS, log in',
  imap: 'your users read their mail: STARTTLS, log in',
  imaps: 'your users read their mail: TLS, log in',
  pop3: 'programs of your users fetch their mail: STLS, log in',
  pop3s: 'programs of your users fetch their mail: TLS, log in',
  sieve: 'your users keep the scripts that sort their mail: STARTTLS, log in',
  lmtp: 'mail for the mailboxes here, from a server before this one',
}

export function startBanner({ hostname, dataFolder, listeners, accounts }: StartBannerOptions): string {
  const relay = listeners.find(({ role }) => role === 'relay')
  const [first] = accounts
  const width = Math.max(...listeners.map(({ address, port }) => formatEndpoint(address, port).length))
  const accountWidth = Math.max(0, ...accounts.map(({ address }) => address.length))
  return [
    `Postrider runs as ${hostname}. Data: ${dataFolder}`,
    '',
    'Listens on',
    ...listeners.map(
      ({ role, address, port }) =>
        `  ${formatEndpoint(address, port).padEnd(width)}  ${role}: ${duties[role]}`,
    ),
    '',
    'Accounts',
    ...accounts.map(
      ({ address, password, changed }) =>
        `  ${address.padEnd(accountWidth)}  ${changed ? '(its password has been changed since)' : `password ${password}`}`,
    ),
    ...(relay && first ? ['', ...dialogue(relay, first.address)] : []),
    '',
    'Ctrl-C stops it; mail, accounts and passwords stay.',
  ].join('\n')
}

function dialogue(relay: ServedListener, recipient: string): string[] {
  const lines = [
    'HELO testmail.com',
    'MAIL FROM: <test@testmail.com>',
    `RCPT TO: <${recipient}>`,
    'DATA',
    'FROM: test@testmail.com',
    `TO: ${recipient}`,
    'SUBJECT: Test header',
    '',
    'Some text',
    '.',
    'QUIT',
  ]
  return [
    `Try it: run  nc -C ${relay.address} ${relay.port}  (or telnet) in a second terminal and paste or type`,
    '(lines of SMTP end with CR LF: nc does that with -C, telnet by itself; paste after the greeting:',
    'who talks before it is refused, so "nc < file" cannot work)',
    '',
    // Not indented: a command starts in the first column, also when it is pasted.
    ...lines,
    '',
    'Then read the message, and see what happened to it (its id stands in "queued as …"):',
    '',
    `  postrider mail list ${recipient}`,
    `  postrider mail read ${recipient} 1`,
    '  postrider trace <id>',
  ]
}
