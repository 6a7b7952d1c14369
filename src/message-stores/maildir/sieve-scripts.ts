// Sieve scripts that Dovecot has in a Maildir, or beside it in the home of its owner. They are no mail and do not come along: whoever
// moves is to know of them.
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A line for each. */
export async function findScripts(root: string): Promise<readonly string[]> {
  const files: string[] = []
  for (const home of [root, dirname(root)]) {
    const active = join(home, '.dovecot.sieve')
    // What may not be looked at is no reason to leave the mail there.
    if (await stat(active).catch(() => undefined)) files.push(active)
    const others = await readdir(join(home, 'sieve')).catch(() => [])
    files.push(
      ...others
        .filter(name => name.endsWith('.sieve'))
        .toSorted()
        .map(name => join(home, 'sieve', name)),
    )
  }
  return files.map(file => `Not brought: the Sieve script ${file}; "postrider sieve put" brings it.`)
}
