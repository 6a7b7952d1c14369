#!/usr/bin/env node
// The command. In the npm package it runs dist/; in a source checkout it runs src/ as it stands.
// Plain JavaScript, so that a Node that is too old prints what to do, not a syntax error.
import { existsSync } from 'node:fs'

const built = new URL('../dist/cli/postrider.js', import.meta.url)
const source = new URL('../src/cli/postrider.ts', import.meta.url)
const isCheckout = existsSync(source)
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 12)) {
  process.stderr.write(
    `Postrider needs Node.js 24.12 or newer, and this is ${process.versions.node}.\n` +
      (isCheckout
        ? 'Start it with "npm start", "npm test" or "npx postrider …": in a source checkout npm brings the right Node.js.\n'
        : 'Install a newer one (https://nodejs.org, or "nvm install 24"), then repeat the command.\n'),
  )
  process.exit(1)
}
await import(isCheckout ? source.href : built.href)
