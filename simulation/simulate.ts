// npm run simulate: a week of sending on a simulated clock. docs/simulation.md says what it plays and how to read it.
import { readOptions, readWholeNumber } from '../scripts/script-options.ts'
import { play } from './play.ts'
import { formatPlayed } from './report.ts'
import { createWeek } from './week.ts'

const usage = `npm run simulate -- [options]

  --recipients <number>  in all; default 1000000
  --seed <number>        another one plays another week; default 1
  --days <number>        of simulated time; default 7
`

const { values } = readOptions(usage, {
  options: {
    recipients: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    days: { type: 'string', default: '7' },
    help: { type: 'boolean', default: false },
  },
})

const count = (name: 'recipients' | 'seed' | 'days', least: number): number =>
  readWholeNumber(usage, name, values[name], least)

if (values.help) process.stdout.write(usage)
else {
  const scenario = createWeek(count('recipients', 1000), count('days', 1), count('seed', 0))
  const played = await play(scenario, {
    progress: ({ now, accepted, transactions }) => {
      const hours = Math.round(now / 3_600_000)
      if (hours % 6 === 0)
        process.stderr.write(`hour ${hours}: ${accepted} accepted, ${transactions} transactions\n`)
    },
  })
  process.stdout.write(formatPlayed(played))
  if (played.audit.invariants.some(({ isKept }) => !isKept)) process.exitCode = 1
}
