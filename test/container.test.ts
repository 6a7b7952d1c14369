// deploy/container/Containerfile, as a linter judges it, and as far as it says what the code says too: it can't be built
// everywhere.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { validate } from 'dockerfile-utils'
import { settingsSchema } from '../src/config/schema.ts'

const root = resolve(import.meta.dirname, '..')
const text = readFileSync(join(root, 'deploy', 'container', 'Containerfile'), 'utf8')

/** Instructions in order, continued lines joined. */
const instructions = text
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter(line => line !== '')
  .map(line => ({ name: line.split(' ')[0] ?? '', value: line.replace(/^\S+ +/, '') }))

const all = (name: string): string[] =>
  instructions.filter(one => one.name === name).map(({ value }) => value)

test('the linter finds nothing', () => {
  assert.deepEqual(
    validate(text).map(({ message, range }) => ({ line: range.start.line + 1, message })),
    [],
  )
})

test('the linter finds what is wrong', () => {
  assert.equal(validate(text.replace('USER 1000:1000', 'USERS 1000:1000')).length, 1)
})

test('it runs as nobody of importance, with a volume, a check of health, and all ports', () => {
  assert.match(all('USER').at(-1) ?? '', /^[1-9]\d*:[1-9]\d*$/)
  assert.deepEqual(all('VOLUME'), ['/var/lib/postrider'])
  const { listeners } = settingsSchema.parse({ hostname: 'mail.example.com' })
  assert.deepEqual(
    all('EXPOSE').flatMap(ports => ports.split(' ').map(Number)),
    listeners.map(({ port }) => port),
  )
  const [check = ''] = all('HEALTHCHECK')
  const command = JSON.parse(check.slice(check.indexOf('['))) as string[]
  assert.match(command.at(-1) ?? '', /:8025\/health/)
})

test('its Node.js is one that the package takes', () => {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    engines: { node: string }
  }
  const [, least] = /^>=(\d+)\./.exec(engines.node) ?? []
  const versions = all('FROM').map(from => /^docker\.io\/library\/node:(\d+)-slim\b/.exec(from)?.[1])
  assert.equal(new Set(versions).size, 1)
  assert.ok(Number(versions[0]) > Number(least), `${versions[0]} > ${least}`)
})

test('what it copies is there', () => {
  const missing = all('COPY')
    .filter(copy => !copy.startsWith('--from='))
    .flatMap(copy => copy.split(' ').slice(0, -1))
    .filter(path => !existsSync(join(root, path)))
  assert.deepEqual(missing, [])
})
