// Installs the dependencies when they are missing or when the lock file has changed since the last install.
// Plain JavaScript on built-in modules only: it runs on the machine's own Node, before the pinned one is there.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(
  import.meta.dirname ?? new URL('..', import.meta.url).pathname,
  import.meta.dirname ? '..' : '.',
)
const stamp = join(root, 'node_modules', '.postrider-installed')
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
const found = existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''

if (found !== wanted) {
  process.stderr.write('Postrider: installing dependencies (once; about half a minute) …\n')
  try {
    const npm = process.env.npm_execpath
    const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
    if (npm)
      execFileSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    else execFileSync('npm', args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    writeFileSync(stamp, wanted)
  } catch {
    process.stderr.write(
      'Postrider: npm could not install the dependencies (its message is above). Check the network, then run the same command again.\n',
    )
    process.exit(1)
  }
}
