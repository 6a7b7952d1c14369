// npm run thunderbird-test [-- <folder>]: Thunderbird without a screen finds this server by itself, reads a message and answers it.
// Pictures of what is to be seen go to the folder. In namespaces of its own: ports 443, 465 and 993, and names of hosts, are the
// test's. Exit code 1 when something is not as it should be.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { ImapFlow } from 'imapflow'
import { issueCertificate, makeAuthority } from '../test/harness/certificates.ts'
import { endTree } from '../test/harness/end-tree.ts'
import { eventually } from '../test/harness/eventually.ts'
import { createAccount } from '../test/harness/mailboxes.ts'
import { Marionette } from '../test/harness/marionette.ts'
import { missing, runProgram } from '../test/harness/programs.ts'
import { createServerFolder, type ServerFolder, startServer } from '../test/harness/server-process.ts'

const anna = 'anna@example.test'
const boris = 'boris@example.test'
const password = 'correct horse battery staple'
const hostname = 'mail.example.test'
const marionettePort = 2828

const inside = 'POSTRIDER_TEST_INSIDE'
const pictures = process.argv[2]

/** Again, where the network and the mounts are the test's own. */
async function runInside(): Promise<number> {
  const absent = missing('unshare', 'ip', 'mount', 'thunderbird', 'Xvfb', 'xdotool', 'import')
  if (absent !== false) {
    process.stderr.write(`Thunderbird cannot be tried: ${absent}\n`)
    return 1
  }
  const child = spawn(
    'unshare',
    ['--user', '--map-root-user', '--net', '--mount', process.execPath, ...process.argv.slice(1)],
    { stdio: 'inherit', env: { ...process.env, [inside]: '1' } },
  )
  const [code] = (await once(child, 'close')) as [number | null]
  return code ?? 1
}

async function run(...command: readonly [string, ...string[]]): Promise<void> {
  const { exitCode, stdout, stderr } = await runProgram(command)
  assert.equal(exitCode, 0, `${command.join(' ')}: ${stdout}${stderr}`)
}

async function main(): Promise<void> {
  await run('ip', 'link', 'set', 'lo', 'up')
  const at = await createServerFolder({
    settings: 'tls.certificateFile = "chain.pem"\ntls.keyFile = "key.pem"',
    listeners: (
      [
        ['relay', 25],
        ['submissions', 465],
        ['imaps', 993],
      ] as const
    ).map(([role, port]) => ({ role, address: '127.0.0.1', port })),
    tables: '[autoconfig]\naddress = "127.0.0.1"',
  })
  const children: ChildProcess[] = []
  try {
    await prepareMachine(at)
    await createAccount(at, anna, password)
    await createAccount(at, boris, password)
    const server = await startServer(at)
    try {
      await tryThunderbird(at, children)
    } finally {
      await server.stop()
    }
  } finally {
    for (const { pid } of children) if (pid !== undefined) await endTree(pid, 5000)
    await at.remove()
  }
}

/** Names of hosts, and an authority that Thunderbird trusts: only what runs in these namespaces sees them. */
async function prepareMachine(at: ServerFolder): Promise<void> {
  const authority = await makeAuthority('an authority')
  const { certificate, key } = await issueCertificate(authority, [hostname, 'autoconfig.example.test'])
  await writeFile(join(at.folder, 'chain.pem'), certificate)
  await writeFile(join(at.folder, 'key.pem'), key)
  await writeFile(join(at.folder, 'ca.pem'), authority.certificate)
  await writeFile(join(at.folder, 'hosts'), `127.0.0.1 localhost ${hostname} autoconfig.example.test\n`)
  await run('mount', '--bind', join(at.folder, 'hosts'), '/etc/hosts')
  const policies = join(at.folder, 'thunderbird', 'policies')
  await mkdir(policies, { recursive: true })
  await writeFile(
    join(policies, 'policies.json'),
    JSON.stringify({ policies: { Certificates: { Install: [join(at.folder, 'ca.pem')] } } }),
  )
  await run('mount', '--bind', join(at.folder, 'thunderbird'), '/etc/thunderbird')
}

async function fileMessage(subject: string, text: string): Promise<void> {
  await withClient(anna, client =>
    client.append(
      'INBOX',
      [
        `From: Boris <${boris}>`,
        `To: Anna <${anna}>`,
        `Subject: ${subject}`,
        'Date: Mon, 02 Nov 2026 10:00:00 +0000',
        `Message-ID: <one@example.test>`,
        'Content-Type: text/plain; charset=utf-8',
        '',
        text,
        '',
      ].join('\r\n'),
    ),
  )
}

async function withClient<Result>(
  user: string,
  work: (client: ImapFlow) => Promise<Result>,
): Promise<Result> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: 993,
    secure: true,
    tls: { rejectUnauthorized: false },
    auth: { user, pass: password },
    logger: false,
  })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.logout()
  }
}

async function tryThunderbird(at: ServerFolder, children: ChildProcess[]): Promise<void> {
  await fileMessage('Lunch', 'Are you coming at noon?')
  const profile = join(at.folder, 'profile')
  await mkdir(profile)
  const preferences = {
    'app.donation.eoy.version.viewed': 999,
    'app.update.enabled': false,
    'datareporting.policy.dataSubmissionPolicyBypassNotification': true,
    'mail.rights.version': 1,
    'mail.shell.checkDefaultClient': false,
    'mailnews.start_page.enabled': false,
    // Nothing but the server itself is there to be asked.
    'mailnews.auto_config_url': '',
    'mailnews.mx_service_url': '',
  }
  await writeFile(
    join(profile, 'user.js'),
    Object.entries(preferences)
      .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
      .join(''),
  )
  children.push(await startScreen())
  children.push(
    spawn(
      'thunderbird',
      ['--profile', profile, '--no-remote', '--marionette', '--remote-allow-system-access'],
      { stdio: 'ignore', env: { ...process.env, HOME: at.folder } },
    ),
  )
  const thunderbird = await eventually(
    'Thunderbird',
    async () => await Marionette.open(marionettePort).catch(() => undefined),
    { forMs: 60_000 },
  )
  try {
    await setUp(thunderbird)
    await readMessage(thunderbird)
    await reply(thunderbird)
    await examineServer(thunderbird)
    process.stdout.write(
      'Thunderbird found the server, showed the mailboxes and a message; the answer was sent, and is in Sent.\n',
    )
  } finally {
    thunderbird.close()
  }
}

/** From then on the screen of all programs that are started here. */
async function startScreen(): Promise<ChildProcess> {
  const screen = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const [number] = (await once(screen.stdio[3] as Readable, 'data')) as [Buffer]
  process.env['DISPLAY'] = `:${number.toString().trim()}`
  return screen
}

async function picture(name: string): Promise<void> {
  if (pictures === undefined) return
  await mkdir(pictures, { recursive: true })
  await run('import', '-window', 'root', join(pictures, `${name}.png`))
}

/** What a person sees of the assistant: the step that is shown. */
const stepShown = `
  const hub = Services.wm.getMostRecentWindow("mail:3pane").document.querySelector("account-hub-container")?.shadowRoot?.querySelector("account-hub-email");
  if (!hub) return "none";
  const shown = [...hub.querySelectorAll("*")].concat([...(hub.shadowRoot?.querySelectorAll("*") ?? [])]).filter(one => /subview$/i.test(one.id) && !one.hidden);
  return shown.map(one => one.id).join(" ") || "empty";
`

const passwordHasFocus = `
  let focused = Services.wm.getMostRecentWindow("mail:3pane").document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  return focused?.type === "password";
`

async function keys(...given: readonly string[]): Promise<void> {
  await run('xdotool', ...given)
}

async function until(thunderbird: Marionette, what: string, body: string): Promise<void> {
  await eventually(what, async () => ((await thunderbird.run(body)) === true ? true : undefined), {
    forMs: 30_000,
    everyMs: 200,
  }).catch(async (cause: unknown) => {
    await picture(`in-vain-${what.replaceAll(' ', '-')}`)
    throw cause
  })
}

const awaitStep = async (thunderbird: Marionette, step: string): Promise<void> =>
  await until(
    thunderbird,
    step,
    `const shown = await (async () => { ${stepShown} })(); return shown.includes(${JSON.stringify(step)});`,
  )

/** A person gives the name, the address and the password, and nothing else. */
async function setUp(thunderbird: Marionette): Promise<void> {
  await awaitStep(thunderbird, 'emailAutoConfigSubview')
  await keys('key', 'ctrl+a')
  await keys('type', 'Anna')
  await keys('key', 'Tab')
  await keys('type', anna)
  await keys('key', 'Return')
  await awaitStep(thunderbird, 'emailConfigFoundSubview')
  await picture('1-found')
  await keys('key', 'Return')
  await awaitStep(thunderbird, 'emailPasswordSubview')
  await until(thunderbird, 'the field for the password', passwordHasFocus)
  await keys('type', password)
  await keys('key', 'Return')
  await awaitStep(thunderbird, 'emailAddedSuccessSubview')
  await picture('2-added')
  const chosen = await thunderbird.run(`
    const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
    const { incomingServer } = MailServices.accounts.accounts[0];
    const outgoing = MailServices.outgoingServer.servers[0];
    const alwaysSsl = Ci.nsMsgSocketType.SSL;
    return [
      [incomingServer.serverURI, incomingServer.port, incomingServer.socketType === alwaysSsl],
      [outgoing.serverURI.spec, outgoing.socketType === alwaysSsl, outgoing.username],
    ];`)
  assert.deepEqual(chosen, [
    ['imap://anna%40example.test@mail.example.test', 993, true],
    ['smtp://anna%40example.test@mail.example.test:465/', true, anna],
  ])
}

/** The mailboxes are there, and a message is read by whoever selects it. */
async function readMessage(thunderbird: Marionette): Promise<void> {
  await thunderbird.run(`
    const main = Services.wm.getMostRecentWindow("mail:3pane");
    main.document.querySelector("account-hub-container")?.remove();
    const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
    const root = MailServices.accounts.accounts[0].incomingServer.rootFolder;
    main.document.getElementById("tabmail").currentAbout3Pane.displayFolder(root.getChildNamed("INBOX"));`)
  await until(
    thunderbird,
    'the message in the list',
    `const { gDBView, threadTree } = Services.wm.getMostRecentWindow("mail:3pane").document.getElementById("tabmail").currentAbout3Pane;
    if (gDBView?.rowCount !== 1) return false;
    threadTree.selectedIndex = 0;
    return true;`,
  )
  await until(
    thunderbird,
    'the text of the message',
    `const { messageBrowser } = Services.wm.getMostRecentWindow("mail:3pane").document.getElementById("tabmail").currentAbout3Pane;
    const message = messageBrowser.contentWindow?.getMessagePaneBrowser?.();
    if (!message?.contentDocument?.body?.textContent.includes("at noon")) return false;
    const { contentWindow } = message;
    for (let frames = 0; frames < 5; frames++) await new Promise(resolve => contentWindow.requestAnimationFrame(resolve));
    return true;`,
  )
  await picture('3-read')
}

async function reply(thunderbird: Marionette): Promise<void> {
  await thunderbird.run(`
    const { messageBrowser } = Services.wm.getMostRecentWindow("mail:3pane").document.getElementById("tabmail").currentAbout3Pane;
    messageBrowser.contentWindow.commandController.doCommand("cmd_reply");`)
  await until(
    thunderbird,
    'the window for the answer',
    `const compose = Services.wm.getMostRecentWindow("msgcompose");
    return compose?.document.getElementById("messageEditor")?.contentDocument?.body?.textContent.includes("at noon") ?? false;`,
  )
  await thunderbird.run(`
    const compose = Services.wm.getMostRecentWindow("msgcompose");
    const editor = compose.document.getElementById("messageEditor").contentDocument;
    compose.focus();
    editor.execCommand("insertText", false, "Yes, I am coming.");`)
  await picture('4-answer')
  await thunderbird.run('Services.wm.getMostRecentWindow("msgcompose").goDoCommand("cmd_sendNow");')
}

/** On the server: what anna has sent, and what boris got. */
async function examineServer(thunderbird: Marionette): Promise<void> {
  const textsIn = async (user: string, mailbox: string): Promise<readonly string[]> =>
    await withClient(user, async client => {
      await client.mailboxOpen(mailbox, { readOnly: true })
      const messages = await client.fetchAll('1:*', { source: true })
      return messages.map(({ source }) => source?.toString('utf8') ?? '')
    })
  for (const [user, mailbox] of [
    [boris, 'INBOX'],
    [anna, 'Sent'],
  ] as const) {
    const [text = ''] = await eventually(`the answer in ${mailbox} of ${user}`, async () => {
      const texts = await textsIn(user, mailbox)
      return texts.length > 0 ? texts : undefined
    }).catch(async (cause: unknown) => {
      await picture('answer-in-vain')
      throw cause
    })
    assert.match(text, /^Subject: Re: Lunch\r$/m)
    assert.match(text, /Yes, I am coming\./)
  }
  const flags = await withClient(anna, async client => {
    await client.mailboxOpen('INBOX', { readOnly: true })
    const [message] = await client.fetchAll('1', { flags: true })
    return [...(message?.flags ?? [])].filter(flag => flag.startsWith('\\') && flag !== '\\Recent').sort()
  })
  assert.deepEqual(flags, ['\\Answered', '\\Seen'])
  await thunderbird.run(`
    const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
    const root = MailServices.accounts.accounts[0].incomingServer.rootFolder;
    Services.wm.getMostRecentWindow("mail:3pane").document.getElementById("tabmail").currentAbout3Pane.displayFolder(root.getChildNamed("Sent"));`)
  await until(
    thunderbird,
    'the answer in the list of Sent',
    'return Services.wm.getMostRecentWindow("mail:3pane").document.getElementById("tabmail").currentAbout3Pane.gDBView?.rowCount === 1;',
  )
  await picture('5-sent')
}

if (process.env[inside] === undefined) process.exitCode = await runInside()
else await main()
