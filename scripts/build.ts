// `npm run build`: dist/ for the npm package, as JavaScript with declarations. The server itself needs none of it: in a
// source checkout Node.js runs src/ as it stands.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

// What an earlier build left would be packed too.
rmSync(join(root, 'dist'), { recursive: true, force: true })
try {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  execFileSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], {
    cwd: root,
    stdio: 'inherit',
  })
} catch {
  process.stderr.write('dist/ was not built: the compiler says why (above).\n')
  process.exitCode = 1
}
