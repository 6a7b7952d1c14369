// The command `postrider`.
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'
import { findProgramName } from './program-name.ts'
import { runProgram } from './run-program.ts'

// A reader that has enough (postrider queue list | head) closes the pipe: that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

// exitCode, not exit(): what was written to a pipe must still get there.
process.exitCode = await runProgram(process.argv.slice(2), {
  clock: systemClock,
  random: systemRandom,
  environment: process.env,
  workingFolder: process.cwd(),
  programName: findProgramName({
    startedAs: process.argv[1] ?? '',
    fromSource: import.meta.filename.endsWith('.ts'),
    environment: process.env,
  }),
  keyboard: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  onInterrupt(listener) {
    // Once: a second Ctrl-C ends the process, as ever.
    process.once('SIGINT', listener)
    return () => process.off('SIGINT', listener)
  },
})
