// Who may import whom: the table of docs/architecture.md, held against every import in src/.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join, posix, resolve } from 'node:path'
import { describe, it } from 'node:test'

const root = resolve(import.meta.dirname, '..')

interface Import {
  readonly file: string
  /** 'src/queue/records.ts', 'node:fs', 'zod' */
  readonly target: string
  readonly typeOnly: boolean
}

// The formatter puts `from '…'` at the end of its statement, so one expression finds every import.
const statement =
  /^(?:import|export)\s+(type\s)?[^'"]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm

const sources = globSync('src/**/*.ts', { cwd: root }).sort()

const textOf = new Map(sources.map(file => [file, readFileSync(join(root, file), 'utf8')]))

const imports: readonly Import[] = sources.flatMap(file =>
  [...(textOf.get(file) ?? '').matchAll(statement)].map(([, typeWord, from, bare, dynamic]) => {
    const specifier = from ?? bare ?? dynamic ?? ''
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier
    return { file, target, typeOnly: typeWord !== undefined }
  }),
)

const folderOf = (file: string): string | undefined =>
  file.startsWith('src/') ? file.split('/')[1] : undefined

/** Folder → layer, from the table of docs/architecture.md. */
function readLayers(): ReadonlyMap<string, number> {
  const rows = readFileSync(join(root, 'docs/architecture.md'), 'utf8').matchAll(
    /^\| (\d) \| `([a-z0-9-]+)` \| (.+) \|$/gm,
  )
  return new Map([...rows].map(([, layer, folder]) => [folder ?? '', Number(layer)]))
}

const layers = readLayers()

const tell = ({ file, target, typeOnly }: Import): string =>
  `${file} imports ${typeOnly ? 'a type of ' : ''}${target}`

describe('the architecture', () => {
  it('has a table of every folder, and every folder of the table', () => {
    const folders = new Set(sources.map(folderOf))
    assert.deepEqual([...folders].sort(), [...layers.keys()].sort())
  })

  it('has files in folders only, and each says in its first line what it is', () => {
    for (const file of sources) {
      assert.ok(file.split('/').length > 2, `${file} belongs into a folder`)
      assert.match(textOf.get(file) ?? '', /^\/\/ \S/, `${file} does not say what it is`)
    }
  })

  it('lets no layer import a higher one', () => {
    const wrong = imports.filter(({ file, target, typeOnly }) => {
      const from = folderOf(file)
      const to = folderOf(target)
      if (from === undefined || to === undefined) return false
      // The settings are words that every part may speak; how they are read stays above.
      if (typeOnly && target === 'src/config/settings.ts') return false
      return (layers.get(from) ?? -1) < (layers.get(to) ?? Infinity)
    })
    assert.deepEqual(wrong.map(tell), [])
  })

  it('has no cycles between folders', () => {
    const edges = new Map<string, Set<string>>()
    for (const { file, target, typeOnly } of imports) {
      const from = folderOf(file)
      const to = folderOf(target)
      // A type leaves nothing behind at run time: two neighbours may know each other's records.
      if (typeOnly || from === undefined || to === undefined || from === to) continue
      edges.set(from, (edges.get(from) ?? new Set()).add(to))
    }
    for (const folder of layers.keys()) {
      assert.ok(!reaches(edges, folder, folder), `${folder} imports itself through others`)
    }
  })

  /** What can be used without the rest, and all that it stands on. */
  const standsOn: Readonly<Record<string, readonly string[]>> = {
    connection: ['address', 'runtime', 'sasl'],
    sasl: ['connection', 'runtime'],
    smtp: ['address', 'connection', 'message', 'runtime', 'sasl'],
    imap: ['connection', 'message', 'runtime', 'sasl'],
    pop3: ['connection', 'runtime', 'sasl'],
    'manage-sieve': ['connection', 'runtime', 'sasl', 'sieve'],
    sieve: ['address', 'message', 'notice', 'runtime'],
  }
  for (const [folder, ground] of Object.entries(standsOn))
    it(`keeps ${folder} usable without the rest`, () => {
      const used = new Set(
        imports
          .filter(({ file, target }) => folderOf(file) === folder && folderOf(target) !== folder)
          .map(({ target }) => folderOf(target))
          .filter(to => to !== undefined),
      )
      assert.deepEqual([...used].sort(), ground)
    })

  /** Within a protocol: files of the first do not know the second. */
  const apart: readonly (readonly [string, string])[] = [
    ['src/smtp/server/', 'src/smtp/client/'],
    ['src/smtp/client/', 'src/smtp/server/'],
    ...['imap', 'pop3'].flatMap(
      protocol =>
        [
          [`src/${protocol}/grammar/`, `src/${protocol}/responses/`],
          [`src/${protocol}/grammar/`, `src/${protocol}/server/`],
          [`src/${protocol}/responses/`, `src/${protocol}/server/`],
        ] as const,
    ),
  ]
  it('keeps server and client, grammar, responses and server of a protocol apart', () => {
    const wrong = imports.filter(({ file, target }) =>
      apart.some(([from, to]) => file.startsWith(from) && target.startsWith(to)),
    )
    assert.deepEqual(wrong.map(tell), [])
  })

  /** Modules that reach outside the process, and the folders that use them. */
  const reach: Readonly<Record<string, readonly string[]>> = {
    'node:sqlite': ['storage'],
    'node:worker_threads': ['main', 'cli', 'hooks'],
    'node:http': ['openid', 'scanner', 'web'],
    'node:https': ['acme', 'openid', 'scanner', 'tls-policy', 'web'],
    'node:dgram': ['dns', 'doctor'],
    'node:dns': ['dns', 'config'],
    // The server's end of every protocol is in `connection`.
    'node:tls': ['acme', 'connection', 'ldap', 'tls', 'smtp/client'],
    'node:fs': ['storage', 'config', 'setup', 'tls', 'main', 'cli', 'systemd', 'hooks', 'message-stores'],
    // No shell, and no other program than systemd-notify, and the one for the DNS that the settings name; no code from text.
    'node:child_process': ['acme', 'systemd'],
    'node:vm': [],
  }
  for (const [module, folders] of Object.entries(reach)) {
    it(`uses ${module} in ${folders.length > 0 ? folders.join(', ') : 'no folder'} only`, () => {
      const users = imports.filter(
        ({ target, typeOnly }) => !typeOnly && (target === module || target.startsWith(`${module}/`)),
      )
      const isIn = (folder: string, { file }: Import): boolean => file.startsWith(`src/${folder}/`)
      const wrong = users.filter(user => !folders.some(folder => isIn(folder, user)))
      assert.deepEqual(wrong.map(tell), [])
      // Who may and does not is taken for something that it is not.
      assert.deepEqual(
        folders.filter(folder => !users.some(user => isIn(folder, user))),
        [],
      )
    })
  }

  const stemmers = ['@orama/stemmers/english', '@orama/stemmers/russian']

  it('keeps layer 0 pure, but for runtime: no file, socket or thread', () => {
    // Of node:net only isIP and its kin, which look at text.
    const pure = ['node:url', 'node:net', 'node:util', 'node:buffer', 'node:crypto', 'ipaddr.js', ...stemmers]
    const wrong = imports.filter(({ file, target }) => {
      const folder = folderOf(file) ?? ''
      return (
        layers.get(folder) === 0 &&
        folder !== 'runtime' &&
        folderOf(target) === undefined &&
        !pure.includes(target)
      )
    })
    assert.deepEqual(wrong.map(tell), [])
    for (const [file, text] of textOf) {
      const folder = folderOf(file) ?? ''
      if (layers.get(folder) !== 0 || folder === 'runtime') continue
      for (const [line = ''] of text.matchAll(/^import .*'node:(net|crypto)'$/gm)) {
        assert.match(line, /^import \{ (isIP|isIPv4|isIPv6|createHash|, )+ \} from/, file)
      }
    }
  })

  it('takes time and randomness as values: nothing but runtime reads the clock or rolls dice', () => {
    const reads =
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bsetTimeout\(|\bsetInterval\(|\bperformance\.now\(/
    for (const [file, text] of textOf) {
      if (folderOf(file) !== 'runtime') assert.doesNotMatch(text, reads, file)
    }
  })
})

function reaches(edges: ReadonlyMap<string, ReadonlySet<string>>, from: string, to: string): boolean {
  const seen = new Set<string>()
  const waiting = [...(edges.get(from) ?? [])]
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (folder === to) return true
    if (seen.has(folder)) continue
    seen.add(folder)
    waiting.push(...(edges.get(folder) ?? []))
  }
  return false
}
