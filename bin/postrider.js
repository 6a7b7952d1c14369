#!/usr/bin/env node
// The command. In the npm package it runs dist/; in a source checkout it runs src/ as it stands.
// Plain JavaScript, so that a Node that is too old prints what to do, not a syntax error.
import { existsSync } from 'node:fs'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 12)) {
  process.stderr.write(
    `postrider needs Node.js 24.12 or newer; this is ${process.versions.node}.\n` +
      'In a source checkout use "npm start", "npm test" or "npx postrider …": npm brings the right Node.js.\n',
  )
  process.exit(1)
}
const built = new URL('../dist/cli/postrider.js', import.meta.url)
const source = new URL('../src/cli/postrider.ts', import.meta.url)
await import(existsSync(source) ? source.href : built.href)
