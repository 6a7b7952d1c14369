// Whether a program on this machine takes connections.
import type { ChildProcess } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export function isListening(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

export interface Starting {
  readonly name: string
  readonly child: ChildProcess
  readonly ports: readonly number[]
  readonly patienceMs: number
}

/** Rejects, with what the program has said meanwhile, when it ends or takes too long. */
export async function untilListening({ name, child, ports, patienceMs }: Starting): Promise<void> {
  let said = ''
  child.stdout?.on('data', chunk => (said += String(chunk)))
  child.stderr?.on('data', chunk => (said += String(chunk)))
  for (let waited = 0; waited < patienceMs; waited += 20) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}:\n${said}`)
    if ((await Promise.all(ports.map(isListening))).every(listens => listens)) return
    await sleep(20)
  }
  throw new Error(`${name} does not listen after ${patienceMs} ms:\n${said}`)
}
