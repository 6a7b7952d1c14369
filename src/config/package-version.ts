// The version of this package.
import { readFileSync } from 'node:fs'

/** From src/config and from dist/config, package.json is two folders up. */
export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const version: unknown =
    typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, 'version') : undefined
  return typeof version === 'string' ? version : 'unknown'
}

/** What this server is: 'Postrider 1.0.0'. */
export function productName(): string {
  return `Postrider ${packageVersion()}`
}
