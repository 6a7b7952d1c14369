// The documents say nothing of the code that is not so: settings, commands, replies, files, links, RFCs, dependencies.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, it } from 'node:test'
import type { Command } from 'commander'
import { allCommands, createDocumentedProgram } from '../scripts/documents/commands-page.ts'
import { generatedDocuments } from '../scripts/documents/generated-documents.ts'
import { describeSettings } from '../src/config/describe-settings.ts'
import { replyEntries } from '../src/smtp/replies.ts'

const root = resolve(import.meta.dirname, '..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

const documents = globSync(['*.md', 'docs/**/*.md', 'bench/*.md', 'examples/*.md'], { cwd: root }).sort()
const sources = globSync('src/**/*.ts', { cwd: root }).sort()
const program = await createDocumentedProgram()

describe('generated documents', () => {
  for (const { file, compose } of generatedDocuments) {
    it(`${file} is what the code says (npm run generate)`, async () => {
      assert.equal(read(file), await compose())
    })
  }
})

describe('settings', () => {
  const settings = describeSettings()
  const names = new Set(settings.map(({ name }) => name.replaceAll('[]', '')))
  const tables = settings.filter(({ kind }) => kind === 'table' || kind === 'tables').map(({ name }) => name)
  // 'limits.maxRecipients': a capital letter tells a setting from a file or an operation.
  const mention = new RegExp(
    `(?<![\\w./-])(?:${tables.join('|').replaceAll('.', '\\.')})\\.[a-z]+[A-Z][A-Za-z]*`,
    'g',
  )

  it('that documents and messages name exist', () => {
    const unknown = [
      ...documents,
      ...sources.filter(file => !/^src\/(queue|main|delivery)\//.test(file)),
    ].flatMap(file =>
      [...withoutCode(file).matchAll(mention)]
        .filter(([name]) => !names.has(name))
        .map(([name]) => `${file}: ${name}`),
    )
    assert.deepEqual(unknown, [])
  })

  it('each have a text of their own', () => {
    for (const { name, text, kind } of settings) assert.ok(kind === 'item' || text.length > 10, name)
  })
})

/** Documents as they are; of sources only their strings, where messages are. */
function withoutCode(file: string): string {
  const text = read(file)
  return file.endsWith('.md') ? text : (text.match(/'[^'\n]*'|`[^`]*`/g) ?? []).join('\n')
}

describe('commands', () => {
  const commands = new Map<string, Command>(
    allCommands(program).map(([path, command]) => [path.join(' '), command]),
  )
  // In documents a command line stands in quotation marks, in code, or after npx; in messages anywhere.
  const inDocuments = /(?:["`]|npx |^ {4}|^ {2}\d\. )postrider ([^\n"`#]+)/gm
  const inMessages = /\bpostrider ([^\n\\"'`#;]+)/g

  it('that documents and messages name exist, with their options', () => {
    const problems = [...documents, ...sources].flatMap(file =>
      [...withoutCode(file).matchAll(file.endsWith('.md') ? inDocuments : inMessages)].flatMap(
        ([, line = '']) => {
          const problem = problemOfCommandLine(line.trim().split(/\s+/))
          return problem === undefined ? [] : [`${file}: postrider ${line.trim()}: ${problem}`]
        },
      ),
    )
    assert.deepEqual(problems, [])
  })

  function problemOfCommandLine(words: readonly string[]): string | undefined {
    const [first = ''] = words
    if (first === 'help' || !/^[a-z]/.test(first) || first.includes('.')) return undefined
    const found: Command[] = []
    for (const [index, word] of words.entries()) {
      const group = found.at(-1)
      // Behind the groups, and behind a command, stands what it is about.
      if (group && (group.commands.length === 0 || !/^[a-z][a-z-]*$/.test(word))) break
      const command = commands.get(words.slice(0, index + 1).join(' '))
      if (!command) return group ? `${group.name()} has no command ${word}` : `there is no command ${word}`
      found.push(command)
    }
    const known = [...found, program].flatMap(command =>
      command.options.flatMap(({ long, short }) => [long, short]),
    )
    const options = words.filter(word => /^--[a-z]/.test(word)).map(word => word.replace(/[.,;:)=].*$/, ''))
    const unknown = options.find(option => option !== '--help' && !known.includes(option))
    return unknown === undefined ? undefined : `it has no option ${unknown}`
  }

  it('each have a summary and an example', () => {
    const page = read('docs/commands.md')
    for (const [path, command] of commands) {
      assert.ok(command.summary() !== '', path)
      if (command.commands.length === 0) assert.match(page, new RegExp(`^  postrider ${path}`, 'm'), path)
    }
  })
})

describe('replies', () => {
  it('that the README shows are in the catalogue', () => {
    const shown = [...read('README.md').matchAll(/^ {4}(\d{3})[ -](?:(\d\.\d+\.\d+) )?(.*)$/gm)]
    assert.ok(shown.length >= 5)
    for (const [line, code, enhanced, text] of shown) {
      const known = replyEntries.some(
        ({ name, reply }) =>
          reply.code === Number(code) &&
          reply.enhanced === enhanced &&
          (name === 'hello' || reply.lines.includes(text ?? '')),
      )
      assert.ok(known, line)
    }
  })

  it('have each a meaning, and no sentence twice under one name', () => {
    const told = replyEntries.map(({ name, reply }) => [name, ...reply.lines].join('\n'))
    assert.equal(new Set(told).size, told.length)
    for (const { name, meaning } of replyEntries) assert.match(meaning, /\.$/, name)
  })
})

describe('links and files', () => {
  for (const file of documents) {
    it(`${file} leads nowhere wrong`, () => {
      const text = read(file)
      const dead = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target)
        .filter(target => !leadsSomewhere(file, target))
      assert.deepEqual(dead, [])
      const missing = [
        ...text.matchAll(/`((?:src|test|docs|scripts|bench|examples|bin|deploy)\/[\w./*-]*)`/g),
      ]
        .map(([, path = '']) => path)
        .filter(
          path =>
            !['dist/', 'bench/results/'].includes(path) &&
            globSync(path.replace(/\/$/, ''), { cwd: root }).length === 0,
        )
      assert.deepEqual(missing, [])
    })
  }
})

describe('rfcs', () => {
  const rows = [
    ...read('docs/rfcs.md').matchAll(/^\| RFC (\d+) \| ([^|]*)\| ([^|]*) \| ?(?:`([^`|]+)` )?\|[^|]*\|$/gm),
  ].map(([line, number = '', sections = '', state = '', file]) => ({
    line,
    number,
    sections: sections.split(',').map(section => section.trim()),
    state,
    file,
  }))

  it('stand in rows that can be read', () => {
    const lines = read('docs/rfcs.md').match(/^\| RFC \d.*$/gm) ?? []
    assert.deepEqual(
      rows.map(({ line }) => line),
      lines,
    )
    for (const { line, state, file } of rows) {
      assert.match(state, /^(?:yes|partly|no)$/, line)
      assert.ok(state === 'no' || file !== undefined, `no file: ${line}`)
    }
  })

  it('of which one says "no" have no other that says "yes" of the same', () => {
    const denied = rows.filter(({ state }) => state === 'no')
    const contradictions = denied.flatMap(({ line, number, sections }) =>
      rows
        .filter(row => row.number === number && row.state !== 'no')
        .filter(row => sections.includes('') || row.sections.some(section => sections.includes(section)))
        .map(row => `${line} / ${row.line}`),
    )
    assert.deepEqual(contradictions, [])
  })

  it('that the code names have each a row', () => {
    const known = new Set(rows.map(({ number }) => number))
    const missing = sources.flatMap(file =>
      [...rfcsNamedIn(file)].filter(number => !known.has(number)).map(number => `${file}: RFC ${number}`),
    )
    assert.deepEqual(missing, [])
  })

  it('are named in the files that implement them', () => {
    const problems = rows.flatMap(({ number, state, file }) =>
      state === 'no' || file === undefined || rfcsNamedIn(file).has(number)
        ? []
        : [`${file} does not name RFC ${number}`],
    )
    assert.deepEqual(problems, [])
  })
})

/** 'RFC 5321 §4.1.2', and 'RFC 1870, 3030, 3461' for several. */
function rfcsNamedIn(file: string): ReadonlySet<string> {
  const mentions = existsSync(join(root, file)) ? (read(file).match(/\bRFC \d+(?:, \d{3,4}\b)*/g) ?? []) : []
  return new Set(mentions.flatMap(mention => mention.match(/\d+/g) ?? []))
}

describe('the way of a message', () => {
  it('names files and folders of src that are there', () => {
    const [, ...rows] = read('docs/message-flow.md').split(/^\|/m)
    const named = rows.flatMap(row =>
      [...row.matchAll(/`([a-z-]+(?:\/[a-z-]+)*(?:\.ts)?)`/g)].map(([, path = '']) => path),
    )
    assert.ok(named.length > 20)
    const missing = named.filter(path => !existsSync(join(root, 'src', path)))
    assert.deepEqual(missing, [])
  })
})

function leadsSomewhere(from: string, target: string): boolean {
  if (/^(https?|mailto):/.test(target)) return true
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? from : relative(root, resolve(root, dirname(from), path))
  if (!existsSync(join(root, file))) return false
  return anchor === undefined || headingsOf(file).includes(anchor)
}

/** As GitHub makes anchors of headings. */
function headingsOf(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** The packages of a table, by their first column. */
function listed(section: string): string[] {
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name).sort()
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly files: readonly string[]
}

describe('dependencies', () => {
  const manifest = JSON.parse(read('package.json')) as Manifest
  const [runtime = '', development = ''] =
    read('docs/dependencies.md').split('## In the server')[1]?.split('## To develop') ?? []

  it('stand in docs/dependencies.md, each with a reason', () => {
    assert.deepEqual(listed(runtime), Object.keys(manifest.dependencies).sort())
    assert.deepEqual(listed(development), Object.keys(manifest.devDependencies).sort())
  })

  it('of the server are each used by it, and nothing else is', () => {
    const used = new Set(
      sources.flatMap(file =>
        [
          ...read(file).matchAll(
            /(?:(?:^import|^export|^\}).* from |\bimport\()'((?:@[^/']+\/)?[^./'][^/']*)/gm,
          ),
        ].map(([, name = '']) => name),
      ),
    )
    const packages = [...used].filter(name => !name.startsWith('node:')).sort()
    assert.deepEqual(packages, Object.keys(manifest.dependencies).sort())
  })
})
