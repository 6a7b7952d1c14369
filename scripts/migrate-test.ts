// npm run migrate-test [-- <messages> <mailboxes> <queued>]: SQLite → PostgreSQL → SQLite, by default of 100,000 messages in
// 100 mailboxes and a queue of 10,000. Exit code 1 when the three do not hold the same.
import { type RoundTrip, runRoundTrip } from '../test/harness/migrate-round-trip.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'

const print = (line: string): void => void process.stdout.write(`${line}\n`)

function printRoundTrip({ holdings, moves, sourceUntouched, identical }: RoundTrip): void {
  print('')
  for (const { where, storage, directory } of holdings) {
    const tables = Object.entries(storage.tables)
    print(`${where}: ${(storage.mailDataBytes / 1_048_576).toFixed(1)} MB of mail data`)
    for (const [name, { rows, checksum }] of tables)
      print(`  ${name.padEnd(20)} ${String(rows).padStart(8)} rows  ${checksum}`)
    print(`  last ids that never come back: ${JSON.stringify(storage.counters)}`)
    print(`  postrider export: ${directory.split('\n').length} lines`)
  }
  print('')
  for (const { what, seconds, said } of moves) {
    const rows = said.tables.reduce((sum, table) => sum + table.rows, 0)
    print(`${what}: ${rows} rows, ${said.messages} messages compared, in ${seconds.toFixed(1)} s`)
  }
  print(`source untouched: ${sourceUntouched ? 'yes' : 'no'}`)
  print(`identical: ${identical ? 'yes' : 'no'}`)
}

const [messages = 100_000, mailboxes = 100, queued = 10_000] = process.argv.slice(2).map(Number)
const server = await startPostgres()
try {
  const uri = await server.createDatabase('postrider')
  const trip = await runRoundTrip({ messages, mailboxes, queued }, uri, print)
  printRoundTrip(trip)
  process.exitCode = trip.identical && trip.sourceUntouched ? 0 : 1
} finally {
  await server.stop()
}
