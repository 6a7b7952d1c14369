// The npm package, as somebody has it who installed it: what is in it, that it runs, and that its types hold.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '..')
const modules = join(root, 'node_modules')

const embedding = `
import { connectSmtp, createSmtpServer } from 'postrider/smtp'

const received = Promise.withResolvers()
const server = createSmtpServer({
  hostname: 'mail.example.test',
  listeners: [{ role: 'relay', address: '127.0.0.1', port: 0 }],
  services: {
    receive(client, transaction) {
      const chunks = []
      return {
        write: chunk => void chunks.push(Buffer.from(chunk)),
        async finish() {
          received.resolve({
            reversePath: transaction.reversePath,
            recipients: transaction.recipients.map(({ forwardPath }) => forwardPath.localPart + '@' + forwardPath.domain),
            message: Buffer.concat(chunks).toString(),
          })
          return { code: 250, enhanced: '2.0.0', lines: ['Ok'] }
        },
        abort() {},
      }
    },
  },
})
const [{ port }] = await server.listen()
const connection = await connectSmtp({ host: '127.0.0.1', port, helloName: 'client.example.test', tls: 'never', verifyCertificate: false })
const message = Buffer.from('Subject: Hello\\r\\n\\r\\nText\\r\\n')
const [result] = await connection.send({
  reversePath: { localPart: 'anna', domain: 'example.test' },
  body: '7BIT',
  smtpUtf8: false,
  recipients: [{ forwardPath: { localPart: 'boris', domain: 'example.test' } }],
  mailData: { size: message.length, async *open() { yield message } },
})
if (result.result.kind !== 'accepted') throw new Error(JSON.stringify(result))
await connection.quit()
process.stdout.write(JSON.stringify(await received.promise))
await server.close(0)
`

const typed = `
import { connectSmtp, createSmtpServer } from 'postrider/smtp'
import { accept, type HookFile, type MailHook, reject, score } from 'postrider/hooks'
import type { MailDataSink, Reply, SessionServices, SmtpConnection, SmtpServer, SmtpServerOptions } from 'postrider/smtp'

const ok: Reply = { code: 250, enhanced: '2.0.0', lines: ['Ok'] }
const sink: MailDataSink = { write() {}, finish: () => Promise.resolve(ok), abort() {} }
const services: SessionServices = {
  receive: (client, transaction) => {
    const account: string | undefined = client.account?.address
    const domains: string[] = transaction.recipients.map(({ forwardPath }) => forwardPath.domain)
    return domains.length > 0 && account === undefined ? sink : ok
  },
}
const options: SmtpServerOptions = { hostname: 'mail.example.test', listeners: [], services }
const server: SmtpServer = createSmtpServer(options)
const connect = (): Promise<SmtpConnection> =>
  connectSmtp({ host: 'mail.example.test', port: 25, helloName: 'a.example.test', tls: 'opportunistic', verifyCertificate: false })
// @ts-expect-error -- a server needs services
createSmtpServer({ hostname: 'mail.example.test', listeners: [] })
export { connect, server }

const hooks: HookFile = {
  mail: ({ reversePath, heloName }) => (reversePath.endsWith(heloName) ? score(1, 'why') : undefined),
  data: async ({ message }) => (message.fields.some(({ name }) => name === 'X') ? reject(550, message.body) : accept()),
}
// @ts-expect-error -- there is no message yet
const tooEarly: MailHook = ({ message }) => message
export { hooks, tooEarly }
`

interface Manifest {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest

/** What packing needs of the repository; in a copy, so that no dist/ appears in the work tree. */
const packed = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'bin',
  'src',
  'scripts',
  'docs',
  'examples',
  'tsconfig.json',
  'tsconfig.build.json',
]

const environment = {
  ...process.env,
  PATH: `${join(modules, '.bin')}${delimiter}${process.env['PATH'] ?? ''}`,
  npm_config_offline: 'true',
}

describe('the npm package', () => {
  let folder = ''
  let project = ''
  let files: readonly string[] = []

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postrider-package-'))
    const copy = join(folder, 'repository')
    mkdirSync(copy)
    for (const name of packed) cpSync(join(root, name), join(copy, name), { recursive: true })
    symlinkSync(modules, join(copy, 'node_modules'))
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: copy,
      env: environment,
    })
    const tarball = join(folder, `postrider-${manifest.version}.tgz`)
    // What the build script prints comes before the JSON.
    files = (JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{ files: { path: string }[] }])[0].files.map(
      ({ path }) => path,
    )

    // Another project that has it: the tarball in its place, and beside it exactly the dependencies it declares.
    project = join(folder, 'project')
    const installed = join(project, 'node_modules', 'postrider')
    mkdirSync(installed, { recursive: true })
    await run('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1'])
    for (const name of [...Object.keys(manifest.dependencies), '@types/node', 'undici-types']) {
      const place = join(project, 'node_modules', name)
      mkdirSync(dirname(place), { recursive: true })
      symlinkSync(join(modules, name), place)
    }
    writeFileSync(join(project, 'package.json'), '{ "name": "project", "type": "module" }')
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const node = async (...parameters: readonly string[]): Promise<string> =>
    (await run(process.execPath, [...parameters], { cwd: project, env: environment })).stdout

  it('holds the compiled server, its declarations and its documents, and no sources or tests', () => {
    for (const file of [
      'bin/postrider.js',
      'dist/smtp/index.js',
      'dist/smtp/index.d.ts',
      'dist/cli/postrider.js',
      'dist/hooks/hook-worker.js',
      'dist/hooks/index.d.ts',
      'docs/settings.md',
      'docs/replies.md',
      'docs/commands.md',
      'examples/hooks.ts',
      'SECURITY.md',
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
    ]) {
      assert.ok(files.includes(file), file)
    }
    assert.deepEqual(
      files.filter(
        file =>
          /^(src|test|bench|scripts|node_modules)\//.test(file) ||
          (file.endsWith('.ts') && !file.endsWith('.d.ts') && file !== 'examples/hooks.ts'),
      ),
      [],
    )
  })

  it('has the command, with help and version', async () => {
    const command = join('node_modules', 'postrider', 'bin', 'postrider.js')
    const help = await node(command, '--help')
    for (const name of ['serve', 'init', 'check', 'queue', 'mail', 'trace'])
      assert.match(help, new RegExp(`^  ${name}`, 'm'))
    assert.equal((await node(command, '--version')).trim(), manifest.version)
  })

  it('says what to do where Node.js is too old', async () => {
    const command = join('node_modules', 'postrider', 'bin', 'postrider.js')
    const old =
      'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } })'
    await assert.rejects(
      node('--import', `data:text/javascript,${encodeURIComponent(old)}`, command, 'check'),
      (failure: { code: number; stderr: string }) => {
        assert.equal(failure.code, 1)
        assert.equal(
          failure.stderr,
          'Postrider needs Node.js 24.12 or newer, and this is 20.20.2.\n' +
            'Install a newer one (https://nodejs.org, or "nvm install 24"), then repeat the command.\n',
        )
        return true
      },
    )
  })

  it('embeds: a server that takes a message, a client that sends it', async () => {
    writeFileSync(join(project, 'embed.mjs'), embedding)
    assert.deepEqual(JSON.parse(await node('embed.mjs')), {
      reversePath: { localPart: 'anna', domain: 'example.test' },
      recipients: ['boris@example.test'],
      message: 'Subject: Hello\r\n\r\nText\r\n',
    })
  })

  it('exports nothing else', async () => {
    writeFileSync(join(project, 'deep.mjs'), "await import('postrider/dist/queue/operations.js')")
    await assert.rejects(node('deep.mjs'), /ERR_PACKAGE_PATH_NOT_EXPORTED/)
  })

  for (const resolution of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const) {
    it(`has types that hold in a strict project (${resolution.join(', ')})`, async () => {
      writeFileSync(join(project, 'typed.ts'), typed)
      // As the documents say to begin: a copy of the example, in a folder of one's own.
      cpSync(join(project, 'node_modules/postrider/examples/hooks.ts'), join(project, 'hooks.ts'))
      const [module, moduleResolution] = resolution
      const options = [
        '--noEmit',
        '--strict',
        '--exactOptionalPropertyTypes',
        '--target',
        'es2024',
        '--types',
        'node',
      ]
      const compiler = join(modules, 'typescript', 'bin', 'tsc')
      // Without skipLibCheck, so that the declarations themselves are checked too.
      await node(
        compiler,
        ...options,
        '--module',
        module,
        '--moduleResolution',
        moduleResolution,
        'typed.ts',
        'hooks.ts',
      ).catch((cause: unknown) => {
        assert.fail(String((cause as { stdout?: string }).stdout))
      })
    })
  }
})
