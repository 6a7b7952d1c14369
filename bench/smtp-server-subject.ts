// nodemailer's smtp-server, for the idle sessions only: it stores nothing. Installed into the run's temporary folder, so
// that it is no dependency of the project.
import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { endTree } from '../test/harness/end-tree.ts'
import { findFreePort } from '../test/harness/free-port.ts'
import { runProgram } from '../test/harness/programs.ts'
import { waitForGreeting } from './load.ts'
import type { Subject } from './subject.ts'

// Its idle time-out, a minute by default, would end the sessions while they are measured.
const program = `
const { SMTPServer } = require('smtp-server')
const take = (stream, session, done) => stream.resume().on('end', done)
const server = new SMTPServer({ maxClients: 1e6, socketTimeout: 3600e3, disableReverseLookup: true, authOptional: true, onData: take })
server.on('error', () => {})
server.listen(Number(process.argv[1]), '127.0.0.1')
`

export const smtpServerSubject: Subject = {
  name: 'smtp-server (nodemailer)',
  async start({ parentFolder }) {
    const folder = join(parentFolder, 'smtp-server')
    await mkdir(folder, { recursive: true })
    const { exitCode, stderr } = await runProgram(
      ['npm', 'install', '--prefix', folder, '--no-audit', '--no-fund', 'smtp-server@3'],
      { cwd: folder },
    )
    if (exitCode !== 0) throw new Error(`npm could not install smtp-server: ${stderr}`)
    const port = await findFreePort()
    const child = spawn(process.execPath, ['-e', program, String(port)], { cwd: folder, stdio: 'inherit' })
    await waitForGreeting(port, child)
    const { pid } = child
    if (pid === undefined) throw new Error('smtp-server has no process')
    return { pid, port, countQueue: () => Promise.resolve(0), stop: () => endTree(pid) }
  },
}
